"""The console on a phone: the menu is as wide as the page, and what a row has begins at one edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser]

# Where the content of each begins, without the padding of a button that has no edge of its own.
EDGES = """(selector) => [...document.querySelectorAll(selector)].map((one) => {
    const range = document.createRange()
    range.selectNodeContents(one)
    return Math.round(range.getBoundingClientRect().left)
})"""


@pytest.fixture
def phone(harbour: Any, open_page: Callable[..., Any]) -> Any:
    page = open_page({harbour.issuer}, width=390)
    page.context.add_cookies(harbour.cookies("admin"))
    return page


def test_the_menu_is_as_wide_as_the_page(harbour: Any, phone: Any) -> None:
    phone.goto(f"{harbour.issuer}/console")
    phone.locator("summary").filter(has_text="Menu").click()
    for name in ("Overview", "Administrators"):
        box = phone.locator(".menu.phone").get_by_role("link", name=name, exact=True).bounding_box()
        assert box is not None
        assert box["width"] > 350, name


@pytest.mark.parametrize(
    ("address", "cells"),
    [
        ("/console/roles", "tbody td:first-child a, tbody td[data-label=Permissions]"),
        ("/console/signing-keys", "tbody td:first-child, tbody td.end > a"),
    ],
)
def test_what_a_row_has_begins_at_one_edge(harbour: Any, phone: Any, address: str, cells: str) -> None:
    phone.goto(harbour.issuer + address)
    edges = phone.evaluate(EDGES, cells)
    assert len(edges) > 5
    assert max(edges) - min(edges) <= 1, edges
