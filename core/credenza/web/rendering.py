"""From a page's dataclass to HTML: which theme, whose branding, and the one variable that templates get."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, BytecodeCache, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from ..languages import DEFAULT, ENGLISH, reader, reading
from ..objects import Theme
from ..plugins import first_answer, folders_of
from ..protocol.clients import Branding, Client
from ..protocol.words import Words
from ..server import AuthorizationServer
from .pages import ConsentPage, Look, Page
from .requests import AnyRequest, choose_language, server_of
from .responses import AnyResponse, page_response
from .static import StaticFiles

logger = logging.getLogger("credenza.plugins")

HERE = Path(__file__).parent
DEFAULT_THEME = "plain"


class CompiledTemplates(BytecodeCache):
    """Compiled once in this process, whichever server or theme asks; Jinja sees to it that the source is the same."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()


class Renderer:
    """Templates of the core, of plugins and of themes; built once, at the start."""

    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server
        self.static = {"core": StaticFiles("/static", HERE / "static")}
        for theme in server.themes.values():
            if theme.static is not None:
                self.static[f"theme:{theme.name}"] = StaticFiles(f"/theme/{theme.name}", theme.static)
        # A plugin's module attribute `templates` is a folder that others reach by its name: "console:layout.html".
        self._named = {
            name: FileSystemLoader(folder) for name, folder in folders_of(server.plugins, "templates").items()
        }
        self._environments: dict[tuple[str, Path | None], Environment] = {}

    def stylesheets(self, theme: Theme) -> tuple[str, ...]:
        files = self.static.get(f"theme:{theme.name}")
        return tuple(files.address(name) for name in theme.stylesheets) if files is not None else ()

    def environment(self, theme: str, folder: Path | None) -> Environment:
        """Theme first, then the page's own folder, then the core; `core:` names what a theme replaces."""
        if (theme, folder) not in self._environments:
            core = FileSystemLoader(HERE / "templates")
            loaders: list[BaseLoader] = []
            own = self._server.themes[theme].templates if theme in self._server.themes else None
            loaders += [FileSystemLoader(own)] if own is not None else []
            loaders += [FileSystemLoader(folder)] if folder is not None else []
            environment = Environment(
                loader=ChoiceLoader([*loaders, core, PrefixLoader({**self._named, "core": core}, delimiter=":")]),
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
            self._environments[theme, folder] = environment
        return self._environments[theme, folder]

    def html(self, page: Page, theme: str, *, block: str = "") -> str:
        """Render it; a theme or a plugin's template that fails is named in the log, and the page comes without it."""
        chosen = self._template_of(page)
        with reading(self._server.languages[page.look.language]):
            try:
                return self._html(page, chosen, theme, block)
            except Exception:
                if chosen == page.template and theme in ("", DEFAULT_THEME):
                    raise
                logger.exception("theme %r failed on %s; shown without it", theme, chosen)
                return self._html(page, page.template, DEFAULT_THEME, block)

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


async def choose_look(request: AnyRequest, client: Client | None, renderer: Renderer) -> tuple[Look, str]:
    """Merged in the order provider, application; with the name of the theme."""
    server = server_of(request)
    provider = with_logo(await server.provider_branding(), renderer)
    chosen = first_answer(server.plugins, "choose_theme", client=client, path=request.scope["path"])
    wanted = [chosen or "", client.branding.theme if client is not None else "", provider.theme, DEFAULT_THEME]
    theme = next((name for name in wanted if name in server.themes), "")
    sheets = renderer.stylesheets(server.themes[theme]) if theme else ()
    colors = branding_css(provider)
    if colors:
        sheets += (f"/branding/{hashlib.sha256(colors.encode()).hexdigest()[:16]}.css",)
    application = None
    if client is not None:
        application = replace(client.branding, display_name=client.display_name)
    language = choose_language(request)
    look = Look(
        provider=provider,
        application=application,
        stylesheets=sheets,
        language=language.tag,
        direction=language.direction,
    )
    return look, theme


def with_logo(branding: Branding, renderer: Renderer) -> Branding:
    """Our own mark, as long as the company has not brought one."""
    if branding.logo:
        return branding
    files = renderer.static["core"]
    return replace(branding, logo=files.address("credenza.svg"), dark_logo=files.address("credenza-dark.svg"))


def branding_css(branding: Branding) -> str:
    """The provider's colours as variables, each for its own scheme; they were checked when they were saved."""
    colors = {"light": branding.primary_color, "dark": branding.dark_primary_color}
    return "".join(
        f"@media (prefers-color-scheme:{scheme}){{:root{{--primary:{color}}}}}"
        for scheme, color in colors.items()
        if color
    )


async def render(
    request: AnyRequest,
    page: Page,
    *,
    client: Client | None = None,
    status: int = 200,
    form_action: str = "",
    frame_src: str = "",
    block: str = "",
    headers: dict[str, str] | None = None,
) -> AnyResponse:
    """The page as an answer. `form_action` is an origin that the form may lead to, `frame_src` are origins for
    frames; `block` renders a fragment only."""
    server = server_of(request)
    renderer: Renderer = request.app.state.renderer
    page.look, theme = await choose_look(request, client, renderer)
    if not page.translated:
        page.look = replace(page.look, language=DEFAULT, direction=ENGLISH.direction)
    html = renderer.html(page, theme, block=block)
    return page_response(
        server.settings, html, status=status, form_action=form_action, frame_src=frame_src, headers=headers
    )
