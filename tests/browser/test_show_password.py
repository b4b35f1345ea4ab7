"""The button that shows what one types as a password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from credenza.testing import PASSWORD

pytestmark = pytest.mark.browser


def types(page: Any) -> list[str]:
    kinds: list[str] = page.locator("[autocomplete$='-password']").evaluate_all("all => all.map((field) => field.type)")
    return kinds


def sign_in(page: Any, issuer: str) -> None:
    page.goto(f"{issuer}/account/password")
    page.fill("[name=identifier]", "ada")
    page.fill("[name=password]", PASSWORD)


def test_by_keyboard_it_shows_and_hides_what_was_typed(live_server: Any, open_page: Callable[..., Any]) -> None:
    """Its name stays, and whether it is pressed is said. Neither a service nor a keyboard looks at the words."""
    page = open_page({live_server.issuer})
    sign_in(page, live_server.issuer)
    button = page.get_by_role("button", name="Show password", exact=True, pressed=False)
    page.locator("[name=password]").press("Tab")
    assert button.evaluate("button => button === document.activeElement")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Show password", exact=True, pressed=True).wait_for()
    field = page.locator("[name=password]")
    assert types(page) == ["text"]
    assert field.input_value() == PASSWORD
    assert field.get_attribute("autocomplete") == "current-password"
    assert field.get_attribute("spellcheck") == "false"
    assert field.get_attribute("autocapitalize") == "none"
    page.keyboard.press("Enter")
    button.wait_for()
    assert types(page) == ["password"]


def test_it_hides_again_before_the_form_is_sent(live_server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page({live_server.issuer})
    sign_in(page, live_server.issuer)
    page.get_by_role("button", name="Show password").click()
    page.evaluate("document.addEventListener('submit', (event) => event.preventDefault())")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Show password", pressed=False).wait_for()
    assert types(page) == ["password"]


def test_it_shows_all_passwords_of_a_form(live_server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page({live_server.issuer}, locale="de")
    sign_in(page, live_server.issuer)
    page.keyboard.press("Enter")
    page.locator("[name=password_again]").wait_for()
    assert types(page) == ["password"] * 3
    page.get_by_role("button", name="Passwort anzeigen", exact=True).click()
    assert types(page) == ["text"] * 3


def test_without_script_there_is_none(live_server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page({live_server.issuer}, java_script_enabled=False)
    page.goto(f"{live_server.issuer}/account")
    assert types(page) == ["password"]
    assert page.locator("[aria-pressed]").count() == 0
    assert page.get_by_text("Show password").count() == 0
