"""Icons are templates: a theme's come first, and an unknown name shows a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from credenza import Theme, hookimpl
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.pages import ConsentGroup, ConsentLine
from credenza.web.rendering import Renderer
from credenza.web.samples import consent_page

ANCHOR = '<svg viewBox="0 0 24 24"><path d="M12 3v18" id="an-anchor"/></svg>'


class Anchored:
    """A theme that brings an icon that we do not have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @hookimpl
    def register_themes(self) -> Theme:
        (self.folder / "templates/icons").mkdir(parents=True)
        (self.folder / "templates/icons/anchor.svg").write_text(ANCHOR)
        (self.folder / "static").mkdir()
        (self.folder / "static/anchored.css").write_text('body.page { background-image: url("waves.svg") }')
        (self.folder / "static/waves.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
        return Theme("anchored", "Anchored", ("anchored.css",), self.folder / "static", self.folder / "templates")


@pytest.fixture
def credenza_plugins(tmp_path: Path) -> list[tuple[str, object]]:
    return [("anchored", Anchored(tmp_path / "anchored"))]


@pytest.mark.parametrize(("theme", "shown"), [("anchored", True), ("plain", False)])
def test_a_theme_may_add_icons(credenza: Credenza, theme: str, shown: bool) -> None:
    renderer: Renderer = credenza.app.state.renderer
    page = consent_page()
    page.groups = (ConsentGroup("Boats", (ConsentLine(key="x", title="Sail", icon="anchor"),)),)
    html = renderer.html(page, theme=theme)
    assert "icon-anchor" in html
    assert (ANCHOR in html) == shown


def test_a_picture_beside_the_stylesheet_is_served_from_there(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    credenza.apply({"provider": {"branding": {"theme": "anchored"}}})
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    sheets = [part.split('"')[0] for part in page.html.split('rel="stylesheet" href="')[1:]]
    sheet = next(sheet for sheet in sheets if sheet.endswith("/anchored.css"))
    picture = sheet.removesuffix("anchored.css") + "waves.svg"
    assert credenza.request("GET", picture).headers["content-type"].startswith("image/svg+xml")
