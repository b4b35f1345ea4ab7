"""The newcomer's first minute: `credenza demo`, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page: Callable[..., Any], demo: Any) -> Any:
    return open_page({demo.issuer, demo.home})


def allow(page: Any) -> None:
    """Authorize, unless it was authorized before."""
    if page.locator("[data-page=consent]").count():
        page.get_by_role("button", name="Authorize").click()
    page.locator("[data-page=tokens]").wait_for()


def test_the_whole_journey(demo: Any, page: Any) -> None:
    demo.sign_in(page)
    allow(page)
    assert "Welcome ashore, Ada" in page.inner_text("h1")
    assert '"email": "ada@example.com"' in page.inner_text("#userinfo")
    id_token = page.inner_text("#id-token")
    assert demo.issuer in id_token
    assert "harbour-wiki" in id_token
    scope = page.inner_text("#access-token .scopes").split()
    assert {"openid", "profile", "email", "offline_access", "orders:read"} <= set(scope)
    assert "orders:write" not in scope, "ada does not hold it"

    page.get_by_role("button", name="Call the orders API").click()
    page.locator("#orders tbody tr").first.wait_for()
    assert "It answered 200" in page.inner_text("#orders")
    page.get_by_text("The token that the API read").click()
    assert "https://orders.example.com" in page.inner_text("#orders .claims")

    page.get_by_role("button", name="Refresh").click()
    page.get_by_text("A fresh access token").wait_for()

    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out, here and at Credenza.").wait_for()
    assert page.url.startswith(f"{demo.home}/signed-out")

    demo.sign_in(page)  # asks for the password again, and not for consent
    assert page.locator("[data-page=tokens]").count() == 1


def test_who_holds_no_role_gets_no_token_for_the_api(demo: Any, page: Any) -> None:
    demo.sign_in(page, "grace")
    assert page.get_by_text("See your orders").count() == 0
    allow(page)
    assert "orders:read" not in page.inner_text("#access-token .scopes")
    page.get_by_role("button", name="Call the orders API").click()
    page.get_by_text("your roles hold none of its permissions").wait_for()


def test_cancel_leads_back_without_anything(demo: Any, page: Any) -> None:
    demo.sign_in(page, "admin")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("You did not authorize Harbour Wiki").wait_for()
    assert page.locator("[data-page=welcome]").count() == 1


def test_two_tabs_may_both_finish_and_a_stray_answer_signs_nobody_out(demo: Any, page: Any) -> None:
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(demo.home)
        tab.get_by_role("link", name="Sign in with Credenza").click()
    for tab in (page, other):
        tab.locator("[data-page=sign-in], [data-page=consent], [data-page=tokens]").wait_for()
        if tab.locator("[data-page=sign-in]").count():
            tab.fill("[name=identifier]", "ada")
            tab.fill("[name=password]", demo.passwords["ada"])
            tab.keyboard.press("Enter")
        tab.locator("[data-page=consent], [data-page=tokens]").wait_for()
        allow(tab)
        assert "Welcome ashore, Ada" in tab.inner_text("h1")
    page.goto(f"{demo.home}/callback?code=x&state=y&iss={demo.issuer}")
    page.get_by_text("belongs to no sign-in that began in this browser").wait_for()
    assert page.locator("[data-page=tokens]").count() == 1


@pytest.mark.parametrize("width", [1360, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen(
    demo: Any, open_page: Any, looks_right: Callable[..., None], width: int, scheme: str
) -> None:
    page = open_page({demo.issuer, demo.home}, width=width, color_scheme=scheme)
    page.goto(demo.home)
    looks_right(page, scheme)
    demo.sign_in(page)
    allow(page)
    looks_right(page, scheme)
    page.get_by_role("button", name="Call the orders API").click()
    page.locator("#orders tbody tr").first.wait_for()
    looks_right(page, scheme)
