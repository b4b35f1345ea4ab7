"""From a page's dataclass to HTML: the one variable that templates get, and what happens when a theme is broken."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import (
    BaseLoader,
    BytecodeCache,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.bccache import Bucket
from markupsafe import Markup

from ..languages import DEFAULT, ENGLISH, reader, reading
from ..plugins import first_answer, folders_of
from ..protocol.clients import Branding, Client
from ..protocol.words import Words
from ..server import AuthorizationServer
from .pages import ConsentPage, Look, Page
from .requests import AnyRequest, choose_language, server_of
from .responses import AnyResponse, page_response
from .samples import sample_pages
from .static import StaticFiles
from .themes import BARE, DEFAULT_THEME, Wardrobe

logger = logging.getLogger("credenza.plugins")

HERE = Path(__file__).parent


class CompiledTemplates(BytecodeCache):
    """Compiled once in this process, whichever server or theme asks. The checksum is of the source."""

    def __init__(self) -> None:
        self._code: dict[str, tuple[str, CodeType | None]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self._code.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.checksum, bucket.code


COMPILED = CompiledTemplates()


class Renderer:
    """Templates of the core, of plugins and of themes; built once, at the start."""

    def __init__(self, server: AuthorizationServer, templates: Path = HERE / "templates") -> None:
        self._server = server
        self._core = FileSystemLoader(templates)
        self.wardrobe = Wardrobe(server.themes.values())
        self.static: dict[str, StaticFiles] = self.wardrobe.files
        # A plugin's module attribute `templates` is a folder that others reach by its name: "console:layout.html".
        self._named = {
            name: FileSystemLoader(folder) for name, folder in folders_of(server.plugins, "templates").items()
        }
        self._environments: dict[tuple[str, Path | None], Environment] = {}
        self._problems: dict[str, tuple[str, ...]] = {}
        self._failed: dict[str, dict[str, str]] = {}
        self.kept: dict[tuple[str, str], tuple[float, AnyResponse]] = {}
        """Refusals that are the same for everybody, by language and text, and when they were made."""

    def environment(self, theme: str, folder: Path | None) -> Environment:
        """Theme first, then the page's own folder, then the core; `core:` names what a theme replaces."""
        if (theme, folder) not in self._environments:
            loaders: list[BaseLoader] = []
            own = self._server.themes[theme].templates if theme in self._server.themes else None
            loaders += [FileSystemLoader(own)] if own is not None else []
            loaders += [FileSystemLoader(folder)] if folder is not None else []
            named = PrefixLoader({**self._named, "core": self._core}, delimiter=":")
            environment = Environment(
                loader=ChoiceLoader([*loaders, self._core, named]),
                autoescape=True,
                undefined=StrictUndefined,
                extensions=["jinja2.ext.i18n"],
                auto_reload=False,
                bytecode_cache=COMPILED,
                trim_blocks=True,
                lstrip_blocks=True,
                finalize=_say,
            )
            environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
            environment.globals |= {"gettext": _gettext, "ngettext": _ngettext, "asset": self.static["core"].address}
            if (files := self.wardrobe.files.get(f"theme:{theme}")) is not None:
                environment.globals["theme_asset"] = files.address
            self._environments[theme, folder] = environment
        return self._environments[theme, folder]

    def html(self, page: Page, *, theme: str = "", block: str = "") -> str:
        """Render it in its look, or in this theme. Whatever fails is named in the log, and the page comes without it:
        first without the template that a plugin chose, then without the theme.
        """
        chosen = self._template_of(page)
        for template, wanted, last in self._attempts(page, chosen, theme):
            page.look, worn = self.wardrobe.dressed(page.look, wanted) if page.themed else self.wardrobe.bare(page.look)
            try:
                with reading(self._server.languages[page.look.language]):
                    return self._html(page, template, worn, block)
            except Exception as error:
                nowhere = isinstance(error, TemplateNotFound) and error.name == page.template  # in no theme either
                if last or nowhere:
                    raise
                if template != page.template:  # if it is the theme after all, the next attempt tells
                    logger.exception("%s, which render_consent chose, failed; the usual page is shown", template)
                    continue
                logger.exception("theme %r failed on %s; shown without it", worn, template)
                self._failed.setdefault(worn, {})[template] = explained(error)
        raise AssertionError("there is a last attempt")

    def _attempts(self, page: Page, chosen: str, theme: str) -> Iterator[tuple[str, str, bool]]:
        """Template and theme, from what was wanted to what always works, and whether it is the last."""
        if chosen != page.template:
            yield chosen, theme, False
        if page.themed:
            yield page.template, theme, False
            yield page.template, DEFAULT_THEME, False
        yield page.template, BARE, True

    def _html(self, page: Page, name: str, theme: str, block: str) -> str:
        template = self.environment(theme, page.folder).get_template(name)
        if not block:
            return template.render(page=page)
        # The module's own imports and macros run first, as they do for the whole page.
        context = template.new_context({"page": page})
        for _ in template.root_render_func(context):
            pass
        return "".join(context.blocks[block][0](context))

    def _template_of(self, page: Page) -> str:
        if isinstance(page, ConsentPage):
            return first_answer(self._server.plugins, "render_consent", page=page) or page.template
        return page.template

    def problems(self, theme: str) -> tuple[str, ...]:
        """What is wrong with a theme, in sentences: every page is tried once, and what failed since is added."""
        if theme not in self._problems:
            self._problems[theme] = tuple(self._try_on(theme))
        failed = [f"{template}: {message}" for template, message in self._failed.get(theme, {}).items()]
        return tuple(dict.fromkeys([*self._problems[theme], *failed]))

    def _try_on(self, theme: str) -> Iterator[str]:
        if (missing := self.wardrobe.missing(theme)) != "":
            yield missing
        for page in sample_pages():
            page.look, _ = self.wardrobe.dressed(page.look, theme)
            try:
                self._html(page, page.template, theme, "")
            except Exception as error:  # noqa: BLE001 - templates can raise anything
                yield f"{page.template}: {explained(error)}"


def explained(error: Exception) -> str:
    """What went wrong in a template, and where, for the person who wrote it."""
    if isinstance(error, TemplateSyntaxError):
        return f"line {error.lineno}: {error.message}"
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.name or error.message}"
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".html")]
    where = f"{Path(lines[-1].filename).name}, line {lines[-1].lineno}: " if lines else ""
    return f"{where}{type(error).__name__}: {error}"


def _say(value: Any) -> Any:
    """What a template puts out: a text in the reader's language."""
    return reader().say(value) if isinstance(value, Words) else value


def _gettext(message: str, /, **values: Any) -> Markup:
    """`_("…")` in a template. Sentences are the catalogue's and trusted; what is filled in is escaped."""
    return _filled(reader().gettext(message), values)


def _ngettext(singular: str, plural: str, num: int, /, **values: Any) -> Markup:
    return _filled(reader().ngettext(singular, plural, num), {"num": num, **values})


def _filled(message: str, values: Mapping[str, Any]) -> Markup:
    return Markup(message) % {name: reader().say(value) for name, value in values.items()}  # noqa: S704


async def choose_look(request: AnyRequest, client: Client | None, context: Branding | None, path: str) -> Look:
    """Who shows themselves on the page, and the theme that a plugin chose over what was picked."""
    server = server_of(request)
    renderer: Renderer = request.app.state.renderer
    language = choose_language(request)
    look = Look(
        provider=renderer.wardrobe.with_logo(await server.provider_branding()),
        application=application_branding(client),
        context=context,
        language=language.tag,
        direction=language.direction,
    )
    chosen = first_answer(server.plugins, "choose_theme", client=client, path=path)
    return replace(look, theme=chosen) if chosen else look


def application_branding(client: Client | None) -> Branding | None:
    return replace(client.branding, display_name=client.display_name) if client is not None else None


async def render(
    request: AnyRequest,
    page: Page,
    *,
    client: Client | None = None,
    context: Branding | None = None,
    look: Look | None = None,
    status: int = 200,
    form_action: str = "",
    frame_src: str = "",
    block: str = "",
    headers: dict[str, str] | None = None,
) -> AnyResponse:
    """The page as an answer. `form_action` is an origin that the form may lead to, `frame_src` are origins for
    frames; `block` renders a fragment only. `context` is the branding of what the user chose; `look` replaces all of
    what was published, for a preview.
    """
    renderer: Renderer = request.app.state.renderer
    page.look = look or await choose_look(request, client, context, request.scope["path"])
    if not page.translated:
        page.look = replace(page.look, language=DEFAULT, direction=ENGLISH.direction)
    html = renderer.html(page, block=block)
    return page_response(
        server_of(request).settings,
        html,
        status=status,
        form_action=form_action,
        frame_src=frame_src,
        headers=headers,
    )
