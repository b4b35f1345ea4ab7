"""Every theme: readable in light and in dark, from our own origin only, on every page."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from credenza import Theme, hookimpl
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests
from credenza.web.branding import contrast
from credenza.web.pages import Page
from credenza.web.rendering import Renderer
from credenza.web.samples import sample_pages

ROOT = Path(__file__).parents[2]
STYLESHEETS = [
    *sorted((ROOT / "themes").glob("*/static/*.css")),
    ROOT / "docs/plugins/examples/theme_harbour/static/harbour.css",
]
CORE = ROOT / "core/credenza/web/static/credenza.css"
TEXT_ON_GROUND = [
    ("--foreground", "--background"),
    ("--card-foreground", "--card"),
    ("--muted-foreground", "--background"),
    ("--muted-foreground", "--card"),
    ("--primary", "--card"),
    ("--primary-foreground", "--primary"),
    ("--destructive", "--card"),
    ("--warning", "--card"),
]


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    return [("theme-harbour", importlib.import_module("theme_harbour"))]


def variables(path: Path) -> dict[str, dict[str, str]]:
    """The colours of a stylesheet, by scheme: what stands in `:root`, and what stands there in the dark."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    dark = re.search(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}", text, flags=re.DOTALL)
    light = re.search(r"^:root \{(.*?)\}", text, flags=re.DOTALL | re.MULTILINE)
    assert light is not None, f"{path.name} sets no variables for light"
    assert dark is not None, f"{path.name} sets no variables for dark"
    found = {}
    for scheme, block in (("light", light), ("dark", dark)):
        pairs = re.findall(r"(--[\w-]+):\s*(#[0-9a-fA-F]{3,6})\s*;", block.group(1))
        found[scheme] = {
            name: value if len(value) == 7 else "#" + "".join(c * 2 for c in value[1:]) for name, value in pairs
        }
    return found


@pytest.mark.parametrize("path", STYLESHEETS, ids=lambda path: path.stem)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(path: Path, scheme: str) -> None:
    colors = variables(CORE)["light"] | (variables(CORE)["dark"] if scheme == "dark" else {})
    own = variables(path)
    colors |= own["light"] | (own["dark"] if scheme == "dark" else {})
    for text, ground in TEXT_ON_GROUND:
        ratio = contrast(colors[text], colors[ground])
        assert ratio >= 4.5, f"{path.name}, {scheme}: {text} on {ground} is {ratio:.2f}:1"


@pytest.mark.parametrize("path", STYLESHEETS, ids=lambda path: path.stem)
def test_what_is_set_for_the_light_is_set_for_the_dark(path: Path) -> None:
    own = variables(path)
    assert set(own["light"]) == set(own["dark"])


@pytest.mark.parametrize("path", STYLESHEETS, ids=lambda path: path.stem)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    assert not re.search(r"@import|//", re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL))


@pytest.mark.parametrize("page", sample_pages(), ids=lambda page: page.template)
def test_every_page_renders_in_every_theme(credenza: Credenza, page: Page) -> None:
    """From its dataclass alone, with every part that it can have on one of the samples."""
    renderer: Renderer = credenza.app.state.renderer
    for theme in credenza.server.themes:
        assert renderer.problems(theme) == ()
        html = renderer.html(page, theme=theme)
        assert f'data-page="{page.name}"' in html
        assert page.look.stylesheets[0].startswith(f"/theme/{theme}/")


@pytest.fixture
def with_head(credenza_database: str, tmp_path: Path) -> Iterator[Credenza]:
    """A theme that puts something into the head of `page.html`, for all pages."""
    (tmp_path / "page.html").write_text(
        '{% extends "core:page.html" %}{% block head %}{{ super() }}<meta name="waves">{% endblock %}'
    )
    plugin = SimpleNamespace(register_themes=hookimpl(lambda: Theme("waves", "Waves", templates=tmp_path)))
    with running(settings_for_tests(credenza_database), [("waves", plugin)]) as credenza:
        credenza.apply({"provider": {"branding": {"theme": "waves"}}})
        yield credenza


@pytest.mark.parametrize("page", sample_pages(), ids=lambda page: page.template)
def test_what_a_theme_puts_into_the_head_is_on_every_page(with_head: Credenza, page: Page) -> None:
    renderer: Renderer = with_head.app.state.renderer
    assert '<meta name="waves">' in renderer.html(page, theme="waves")


def test_what_a_theme_puts_into_the_head_is_on_the_pages_of_plugins(with_head: Credenza) -> None:
    user_agent = UserAgent(with_head)
    user_agent.get("/account")
    page = user_agent.sign_in("ada")
    assert isinstance(page, PageSeen)
    assert page.name == "account"
    assert '<meta name="waves">' in page.html


def test_there_is_a_sample_of_every_page() -> None:
    def kinds(kind: type[Page]) -> set[type[Page]]:
        return {kind}.union(*(kinds(sub) for sub in kind.__subclasses__()))

    ours = {kind for kind in kinds(Page) if kind.__module__ == Page.__module__ and hasattr(kind, "template")}
    assert {type(page) for page in sample_pages()} == ours


def test_every_theme_shows_sign_in_consent_and_errors(credenza: Credenza, caplog: pytest.LogCaptureFixture) -> None:
    client = RelyingParty(credenza, "app", "https://app.example.com/cb")
    for theme in credenza.server.themes.values():
        credenza.apply({"provider": {"branding": {"theme": theme.name}}})
        user_agent = UserAgent(credenza)
        pages = [user_agent.get(client.authorization_url()), user_agent.sign_in()]
        pages.append(user_agent.get(client.authorization_url(client_id="nobody")))
        for page, name in zip(pages, ("sign-in", "consent", "error"), strict=True):
            assert isinstance(page, PageSeen)
            assert page.name == name
            assert all(f"/{sheet}" in page.html for sheet in theme.stylesheets)
    assert "failed on" not in caplog.text


def test_a_template_of_a_theme_finds_the_files_of_its_folder(
    credenza_database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its script and its pictures; one that is not there is named in the log, and the page comes without the theme."""
    (tmp_path / "static").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "static/waves.js").write_text("'use strict';")
    (tmp_path / "templates/sign_in.html").write_text(
        '{% extends "core:sign_in.html" %}'
        '{% block head %}<script src="{{ theme_asset("waves.js") }}" defer></script>{% endblock %}'
    )
    (tmp_path / "templates/consent.html").write_text('{{ theme_asset("nowhere.js") }}')
    theme = Theme("waves", "Waves", static=tmp_path / "static", templates=tmp_path / "templates")
    plugin = SimpleNamespace(register_themes=hookimpl(lambda: theme))
    with running(settings_for_tests(credenza_database), [("waves", plugin)]) as credenza:
        credenza.apply({"provider": {"branding": {"theme": "waves"}}})
        user_agent = UserAgent(credenza)
        page = user_agent.get(RelyingParty(credenza, "app", "https://app.example.com/cb").authorization_url())
        assert isinstance(page, PageSeen)
        found = re.search(r'<script src="(/theme/waves/\w+/waves\.js)"', page.html)
        assert found is not None
        script = credenza.request("GET", found[1])
        assert script.status_code == 200
        assert script.headers["content-type"].startswith("text/javascript")
        consent = user_agent.sign_in("ada")
        assert isinstance(consent, PageSeen)
        assert consent.name == "consent"
    assert "theme 'waves' failed on consent.html" in caplog.text
    assert "'nowhere.js'" in caplog.text
