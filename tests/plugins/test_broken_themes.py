"""A broken theme: users see the plain one, and the console and the log say what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from credenza import Theme, hookimpl
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent

GOOD = ":root { --primary: #0b5563 }"
BROKEN = {
    "undefined": ("consent.html", '{% extends "core:consent.html" %}{% block main %}{{ page.nothing }}{% endblock %}'),
    "syntax": ("consent.html", "{% if %}"),
    "missing": ("consent.html", '{% extends "core:nothing.html" %}'),
    "raises": ("consent.html", '{% extends "core:consent.html" %}{% block main %}{{ 1 / 0 }}{% endblock %}'),
    "frame": ("page.html", "{{ page.nothing }}"),
    "no-stylesheet": ("other.html", ""),
}


class BrokenThemes:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @hookimpl
    def register_themes(self) -> list[Theme]:
        themes = []
        for name, (template, source) in BROKEN.items():
            static, templates = self.folder / name / "static", self.folder / name / "templates"
            static.mkdir(parents=True)
            templates.mkdir()
            (templates / template).write_text(source)
            if name != "no-stylesheet":
                (static / "style.css").write_text(GOOD)
            themes.append(Theme(name, name.title(), ("style.css",), static, templates))
        return themes


class BrokenConsent:
    def __init__(self, folder: Path) -> None:
        self.templates = folder
        folder.mkdir()
        (folder / "broken.html").write_text("{{ page.nothing }}")

    @hookimpl
    def render_consent(self, page: object) -> str | None:
        return "broken-consent:broken.html" if getattr(page, "account", "").startswith("grace") else None


@pytest.fixture
def credenza_plugins(tmp_path: Path) -> list[tuple[str, object]]:
    return [("broken", BrokenThemes(tmp_path)), ("broken-consent", BrokenConsent(tmp_path / "consent"))]


@pytest.mark.parametrize("theme", BROKEN)
def test_users_see_the_plain_one(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, theme: str, caplog: pytest.LogCaptureFixture
) -> None:
    credenza.apply({"applications": [{"client_id": "app", "branding": {"theme": theme}}]})
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert (page.status, page.name) == (200, "consent")
    assert "Harbour Wiki wants to use your account" in page.text
    assert "plain.css" in page.html
    assert f"/theme/{theme}/" not in page.html
    if theme != "no-stylesheet":
        assert f"theme {theme!r} failed on consent.html" in caplog.text


@pytest.mark.parametrize(
    ("theme", "words"),
    [
        ("undefined", ("consent.html", "line 1", "nothing")),
        ("syntax", ("consent.html", "line 1")),
        ("missing", ("consent.html", "there is no template core:nothing.html")),
        ("raises", ("consent.html", "ZeroDivisionError")),
        ("frame", ("sign_in.html", "page.html, line 1")),
        ("no-stylesheet", ("style.css is not in its folder",)),
    ],
)
def test_what_is_wrong_is_said_with_the_place(credenza: Credenza, theme: str, words: tuple[str, ...]) -> None:
    problems = " ".join(credenza.app.state.renderer.problems(theme))
    assert all(word in problems for word in words), problems


def test_a_page_of_a_broken_theme_that_is_not_broken_wears_it(credenza: Credenza, user_agent: UserAgent) -> None:
    client = RelyingParty(credenza, "app", "https://app.example.com/cb")
    credenza.apply({"applications": [{"client_id": "app", "branding": {"theme": "undefined"}}]})
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    assert "/theme/undefined/" in page.html


def test_a_consent_page_of_a_plugin_that_fails_is_the_usual_one_in_the_same_theme(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, caplog: pytest.LogCaptureFixture
) -> None:
    credenza.apply({"provider": {"branding": {"theme": "paper"}}})
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in("grace")
    assert isinstance(page, PageSeen)
    assert (page.status, page.name) == (200, "consent")
    assert "paper.css" in page.html
    assert "broken-consent:broken.html, which render_consent chose, failed" in caplog.text
    assert credenza.app.state.renderer.problems("paper") == (), "it is not the theme's fault"
