"""Pages, themes, templates and catalogues: nothing is undefined, and every file that is named is there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from babel.messages.mofile import read_mo

from credenza.languages import DEFAULT
from credenza.objects import Prompt, Theme, Waiting
from credenza.plugins import first_answer
from credenza.protocol.errors import ProtocolError
from credenza.server import AuthorizationServer
from credenza.testing import Credenza
from credenza.testing.examination import Examined
from credenza.web.branding import LEAST_CONTRAST, contrast
from credenza.web.custom_css import PAIRS
from credenza.web.pages import Page
from credenza.web.rendering import Renderer
from credenza.web.samples import consent_page

PLACEHOLDER = re.compile(r"%\(\w+\)s")
ADDRESS = re.compile(r"url\(\s*['\"]?(?!data:|#|/|[a-z]+:)([^'\")\s]+)")


def test_a_prompt_has_a_rule_and_an_error(prompt: Prompt, waiting: Waiting, credenza: Credenza) -> None:
    assert isinstance(prompt.order, int)
    assert issubclass(prompt.error, ProtocolError)
    assert isinstance(credenza.run(prompt.required, waiting), bool)


def test_a_prompt_shows_a_page_in_every_language(prompt: Prompt, waiting: Waiting, credenza: Credenza) -> None:
    required = credenza.run(prompt.required, waiting)
    try:
        page = credenza.run(prompt.show, waiting)
    except ProtocolError:
        assert not required, "whoever is asked sees a page"
        return
    assert isinstance(page, Page)
    renderer: Renderer = credenza.app.state.renderer
    for language in credenza.server.languages:
        page.look = type(page.look)(language=language.tag, direction=language.direction)
        assert "<main" in renderer.html(page, theme="-")


def test_a_theme_has_its_files(theme: Theme) -> None:
    assert theme.title
    assert not theme.stylesheets or theme.static is not None, "stylesheets are files of the folder `static`"
    for sheet in theme.stylesheets:
        assert theme.static is not None
        assert (theme.static / sheet).is_file(), f"{theme.static} has no {sheet}"


def test_a_theme_loads_nothing_from_elsewhere(theme: Theme) -> None:
    """The content security policy would refuse it, and users would see a page without it."""
    for path in theme.static.rglob("*.css") if theme.static is not None else ():
        assert not re.search(r"(?:url\(\s*['\"]?|@import\s+['\"])(?:https?:)?//", path.read_text()), path


def test_a_themes_stylesheets_name_files_that_are_there(theme: Theme) -> None:
    """A font or a picture that is missing is missed by nobody but users."""
    for path in theme.static.rglob("*.css") if theme.static is not None else ():
        for address in ADDRESS.findall(path.read_text()):
            file = path.parent / unquote(address.partition("#")[0].partition("?")[0])
            assert file.is_file(), f"{path}: there is no {address}"


def test_the_text_of_a_theme_can_be_read(theme: Theme, credenza: Credenza) -> None:
    """WCAG 2.2 §1.4.3, of the variables that are opaque colours."""
    palette = credenza.app.state.renderer.wardrobe.palette(theme.name)
    for scheme, colors in (("light", palette.light), ("dark", palette.dark)):
        for text, ground in PAIRS:
            if text in colors and ground in colors:
                ratio = contrast(colors[text], colors[ground])
                assert ratio >= LEAST_CONTRAST, f"{scheme}: {text} on {ground} is {ratio:.2f}:1"


def test_every_page_renders_in_a_theme(theme: Theme, credenza: Credenza) -> None:
    renderer: Renderer = credenza.app.state.renderer
    assert renderer.problems(theme.name) == ()


def test_its_templates_compile(examined: Examined, credenza: Credenza) -> None:
    folder = getattr(examined.module, "templates", None)
    assert folder is None or (isinstance(folder, Path) and folder.is_dir()), "`templates` is a Path to a folder"
    renderer: Renderer = credenza.app.state.renderer
    if folder is not None:
        for path in sorted(folder.rglob("*.html")):
            renderer.environment("", folder).get_template(path.relative_to(folder).as_posix())


def test_its_catalogues_keep_the_placeholders(examined: Examined, server: AuthorizationServer) -> None:
    folder = getattr(examined.module, "locales", None)
    assert folder is None or (isinstance(folder, Path) and folder.is_dir()), "`locales` is a Path to a folder"
    for path in sorted(folder.glob("*/LC_MESSAGES/*.mo")) if folder is not None else ():
        with path.open("rb") as file:
            for message in read_mo(file):
                said = message.string if isinstance(message.string, str) else " ".join(message.string or ())
                known = message.id if isinstance(message.id, str) else " ".join(message.id)
                assert set(PLACEHOLDER.findall(said)) <= set(PLACEHOLDER.findall(known)), f"{path}: {message.id}"


def test_what_it_chooses_while_a_page_is_made_is_there(server: AuthorizationServer, credenza: Credenza) -> None:
    chosen = first_answer(server.plugins, "choose_theme", client=None, path="/account")
    assert chosen is None or chosen in server.themes
    page = consent_page()
    renderer: Renderer = credenza.app.state.renderer
    template = first_answer(server.plugins, "render_consent", page=page) or page.template
    page.look = type(page.look)(language=DEFAULT)
    assert renderer.environment("", page.folder).get_template(template).render(page=page)
