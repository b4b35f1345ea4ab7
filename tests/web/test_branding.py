"""Branding: provider, application, what the user chose, merged; colours that can be read. PRODUCT M25, +27."""

from __future__ import annotations

import pytest

from credenza import Branding, ScopeProvider, Theme, hookimpl
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.branding import check_color, colors_css, colors_name, contrast, nearest_readable
from credenza.web.pages import Look
from credenza.web.rendering import Renderer

BLUE, GREEN, RED = "#1f5aa6", "#0b5563", "#7a1f24"


def test_what_a_later_one_says_counts_and_where_it_is_silent_the_earlier_does() -> None:
    provider = Branding(display_name="Example", logo="/image/a", dark_logo="/image/b", primary_color=BLUE)
    later = Branding(logo="/image/c", policy_uri="https://acme.example/privacy")
    merged = provider.then(later)
    assert (merged.display_name, merged.primary_color) == ("Example", BLUE)
    assert merged.policy_uri == "https://acme.example/privacy"
    assert (merged.logo, merged.dark_logo) == ("/image/c", ""), "the other's dark logo is not this one's"
    assert provider.then(None) == provider


@pytest.fixture
def renderer(credenza: Credenza) -> Renderer:
    found: Renderer = credenza.app.state.renderer
    return found


def dressed(renderer: Renderer, *brandings: Branding | None) -> tuple[str, list[str]]:
    provider, application, context = brandings
    assert provider is not None
    look, theme = renderer.wardrobe.dressed(Look(provider=provider, application=application, context=context))
    colors = [colors_css(address.removeprefix("/branding/")) for address in look.stylesheets]
    return theme, [text for text in colors if text]


def test_colours_come_from_whoever_is_last(renderer: Renderer) -> None:
    theme, [colors] = dressed(renderer, Branding(primary_color=BLUE), Branding(primary_color=GREEN), Branding())
    assert theme == "plain"
    assert f"--primary: {GREEN}" in colors
    _, [colors] = dressed(renderer, Branding(primary_color=BLUE), None, Branding(primary_color=RED))
    assert f"--primary: {RED}" in colors


def test_a_theme_picked_later_is_not_painted_in_colours_of_before(renderer: Renderer) -> None:
    assert dressed(renderer, Branding(primary_color=BLUE), Branding(theme="paper"), None) == ("paper", [])
    theme, [colors] = dressed(renderer, Branding(theme="paper"), None, Branding(primary_color=GREEN))
    assert theme == "paper"
    assert f"--primary: {GREEN}" in colors


def test_a_theme_that_is_not_there_is_passed_over(renderer: Renderer) -> None:
    assert dressed(renderer, Branding(theme="paper"), Branding(theme="gone"), None)[0] == "paper"


@pytest.mark.parametrize("color", ["#000000", "#ffffff", "#808080", "#ffaa00", "#1f5aa6", "#00ff00"])
@pytest.mark.parametrize("theme", ["plain", "paper"])
def test_every_colour_can_be_read_in_every_theme(renderer: Renderer, color: str, theme: str) -> None:
    palette = renderer.wardrobe.palette(theme)
    parts = ["#" + part for part in colors_name(Branding(primary_color=color), palette).removesuffix(".css").split("-")]
    for scheme, primary, ink in (("light", *parts[:2]), ("dark", *parts[2:])):
        assert contrast(primary, ink) >= 4.5
        assert all(contrast(primary, ground) >= 4.5 for ground in palette.grounds(scheme))


def test_a_colour_under_four_and_a_half_is_refused_with_the_figure_and_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"contrast of #ffaa00 is 1\.91:1.*nearest colour that passes is #a06b00"):
        check_color("#ffaa00", ("#ffffff",))
    assert contrast("#a06b00", "#ffffff") >= 4.5
    check_color("#a06b00", ("#ffffff",))


def test_the_nearest_is_the_same_hue_and_no_darker_than_needed() -> None:
    nearest = nearest_readable("#ff0000", ("#ffffff",))
    assert nearest[3:] == "0000"
    assert contrast(nearest, "#ffffff") < 4.6


@pytest.mark.parametrize("name", ["x.css", "..%2f", "1f5aa6-ffffff-6ba4ee.css", "1F5AA6-ffffff-6ba4ee-06101e.css"])
def test_there_is_no_other_stylesheet(credenza: Credenza, name: str) -> None:
    assert credenza.request("GET", f"/branding/{name}").status_code == 404


class Harbours(ScopeProvider):
    """Somebody else's source, whose answers have a branding."""

    name = "harbours"
    title = "Harbours"
    question_parameter = ("harbour", "harbour")

    async def catalogue(self):  # type: ignore[no-untyped-def]
        return []

    async def branding(self, choices):  # type: ignore[no-untyped-def]
        if choices.get("harbour") == "broken":
            raise RuntimeError("no harbour")
        named = choices.get("harbour")
        return Branding(display_name=f"Harbour of {named}", primary_color=GREEN) if named else None


class Plugin:
    @hookimpl
    def register_scopes(self) -> ScopeProvider:
        return Harbours()

    @hookimpl
    def register_themes(self) -> Theme:
        return Theme("bare", "Bare")


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    return [("harbours", Plugin())]


def test_a_plugin_contributes_the_branding_of_what_is_chosen(
    user_agent: UserAgent, client: RelyingParty, credenza: Credenza
) -> None:
    credenza.apply({"provider": {"branding": {"name": "Example", "primary_color": BLUE}}})
    page = user_agent.get(client.authorization_url(harbour="Ystad"))
    assert isinstance(page, PageSeen)
    assert "Harbour of Ystad" in page.text
    assert GREEN[1:] in page.html
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    assert "Harbour of" not in page.text
    assert BLUE[1:] in page.html


def test_a_plugin_that_fails_at_it_is_passed_over(user_agent: UserAgent, client: RelyingParty) -> None:
    page = user_agent.get(client.authorization_url(harbour="broken"))
    assert isinstance(page, PageSeen)
    assert (page.status, page.name) == (200, "sign-in")
