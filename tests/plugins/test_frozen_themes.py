"""A theme written against an earlier release renders in this one, and this one's will in the next.

`frozen/` holds two themes as they were when 0.1 was made: one whose templates are whole copies of the core's, and one
that overrides blocks. Do not mend them: when they break here, they break for whoever has written one.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from credenza import Theme, hookimpl
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.pages import ConsentPage, Page
from credenza.web.rendering import HERE, Renderer
from credenza.web.samples import consent_page, sample_pages

FROZEN = Path(__file__).parent / "frozen"
THEMES = ("whole", "blocks")


class Frozen:
    @hookimpl
    def register_themes(self) -> list[Theme]:
        return [
            Theme(name, name.title(), ("frozen.css",), FROZEN / name / "static", FROZEN / name / "templates")
            for name in THEMES
        ]


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    return [("frozen", Frozen())]


@pytest.mark.parametrize("theme", THEMES)
def test_every_page_renders_in_it(credenza: Credenza, theme: str) -> None:
    renderer: Renderer = credenza.app.state.renderer
    assert renderer.problems(theme) == ()
    for page in sample_pages():
        html = renderer.html(page, theme=theme)
        assert f'data-page="{page.name}"' in html
        assert f"/theme/{theme}/" in html


@pytest.mark.parametrize("theme", THEMES)
def test_a_sign_in_goes_through_its_pages(credenza: Credenza, user_agent: UserAgent, theme: str) -> None:
    credenza.apply({"provider": {"branding": {"theme": theme}}})
    client = RelyingParty(credenza, "app", "https://app.example.com/cb")
    user_agent.get(client.authorization_url(scope="openid profile phone"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert f"/theme/{theme}/" in page.html
    callback = user_agent.decide()
    assert isinstance(callback, Callback)
    assert callback.code


@dataclass(kw_only=True)
class ConsentPageOfLater(ConsentPage):
    """As a later release may have it."""

    news: str = "what is new"


@pytest.mark.parametrize("theme", THEMES)
def test_it_renders_after_templates_gained_a_field_and_a_block(credenza: Credenza, theme: str, tmp_path: Path) -> None:
    later = tmp_path / "templates"
    shutil.copytree(HERE / "templates", later)
    consent = (later / "consent.html").read_text()
    frame = (later / "page.html").read_text()
    (later / "consent.html").write_text(
        consent.replace(
            "{% block questions %}", "{% block news %}<p>{{ page.news }}</p>{% endblock %}{% block questions %}"
        )
    )
    (later / "page.html").write_text(
        frame.replace("<main", "{% block above %}<p>above</p>{% endblock %}<main").replace(
            "{{ page.title }}", "{{ page.title }}{% if page.news is defined %}: {{ page.news }}{% endif %}"
        )
    )
    renderer = Renderer(credenza.server, later)
    values = {field.name: getattr(consent_page(), field.name) for field in fields(ConsentPage)}
    page: Any = ConsentPageOfLater(**values)
    html = renderer.html(page, theme=theme)
    assert f"/theme/{theme}/" in html, "not the plain one instead"
    assert ("what is new" in html) == (theme == "blocks"), "whole copies stay as they were"


def test_what_its_stylesheets_name_is_still_there(credenza: Credenza) -> None:
    """Variables keep their names, and pages the classes that are written into themes."""
    core = (HERE / "static/credenza.css").read_text()
    renderer: Renderer = credenza.app.state.renderer
    pages: list[Page] = sample_pages()
    html = "".join(renderer.html(page) for page in pages)
    classes = {name for found in re.findall(r'class="([^"]+)"', html) for name in found.split()}
    account = {"step", "icon-log-in", "icon-log-out"}  # of pages that plugins bring
    for theme in THEMES:
        sheet = re.sub(r"/\*.*?\*/", "", (FROZEN / theme / "static/frozen.css").read_text(), flags=re.DOTALL)
        for variable in set(re.findall(r"^\s*(--[\w-]+):", sheet, flags=re.MULTILINE)) - {"--press"}:
            assert variable in core, variable
        named = set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"\d\.\d+", "", sheet))) - {"ornament"}
        assert named - account <= classes, sorted(named - account - classes)
