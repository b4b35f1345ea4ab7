"""The account pages on a phone, in languages with long words: nothing is broken into pieces to make it fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser

LINES = """
    selector => [...document.querySelectorAll(selector)].map(one => {
        const range = document.createRange();
        range.selectNodeContents(one);
        return Math.round(range.getBoundingClientRect().height / parseFloat(getComputedStyle(one).lineHeight));
    })
"""


@pytest.mark.parametrize("username", ["ada", "inspector"])
@pytest.mark.parametrize("locale", ["ja-JP", "fr-FR", "de-DE", "es-ES"])
def test_who_is_signed_in_and_the_tabs_keep_to_their_lines(
    harbour: Any, open_page: Callable[..., Any], locale: str, username: str
) -> None:
    """The inspector is an administrator, and has a link to the console beside the name."""
    page = open_page({harbour.issuer}, width=375, locale=locale)
    page.context.add_cookies(harbour.cookies(username))
    page.goto(f"{harbour.issuer}/account")
    for selector, many in ((".who > *", 2), (".tabs a span:last-child", 4)):
        lines = page.evaluate(LINES, selector)
        assert len(lines) == many
        assert set(lines) == {1}, (selector, lines)
    header = page.locator("main > header").bounding_box()
    assert header is not None
    assert header["height"] < 60, "everything beside one another"
    assert page.locator("main > header form button").inner_text().strip(), "there for whoever cannot see the icon"


def test_an_application_shows_that_it_leads_somewhere(harbour: Any, open_page: Callable[..., Any]) -> None:
    page = open_page({harbour.issuer}, width=375)
    page.context.add_cookies(harbour.cookies("ada"))
    page.goto(f"{harbour.issuer}/account")
    sign, name = page.locator(".application .go").first, page.locator(".application h2").first
    beside, heading = sign.bounding_box(), name.bounding_box()
    assert beside is not None, "it is there"
    assert heading is not None
    assert abs(beside["y"] - heading["y"]) < 10
