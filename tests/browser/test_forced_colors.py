"""With the colours of the operating system what is chosen and what has the focus still shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from scenes import signed_in

pytestmark = pytest.mark.browser

OUTLINE = "one => getComputedStyle(one).outlineStyle"


@pytest.fixture
def page(harbour: Any, open_page: Callable[..., Any]) -> Any:
    return open_page({harbour.issuer}, forced_colors="active")


def test_the_chosen_view_of_a_preview_shows(harbour: Any, page: Any) -> None:
    signed_in(harbour, page, "admin")
    page.goto(f"{harbour.issuer}/console/branding")
    segments = page.locator(".segments").filter(has_text="Desktop").locator("span")
    assert [one.evaluate(OUTLINE) for one in segments.all()] == ["solid", "none"]


def test_the_page_of_an_account_that_is_open_shows(harbour: Any, page: Any) -> None:
    signed_in(harbour, page)
    page.goto(f"{harbour.issuer}/account")
    assert [one.evaluate(OUTLINE) for one in page.locator(".tabs a").all()] == ["solid", "none", "none", "none"]


@pytest.mark.parametrize(
    ("address", "label"), [("/password-reset", "Email or username"), ("/console/users", "Find by")]
)
def test_the_field_that_has_the_focus_shows(harbour: Any, page: Any, address: str, label: str) -> None:
    signed_in(harbour, page, "admin")
    page.goto(harbour.issuer + address)
    field = page.get_by_label(label)
    field.focus()
    assert field.evaluate(OUTLINE) == "solid"
