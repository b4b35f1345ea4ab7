"""What a screen reader is told of a page: what a thing is called, what describes it, and each sentence once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from credenza.testing import ORDERS, PASSWORD, RelyingParty

pytestmark = pytest.mark.browser

HOME = "https://rp.example.com"


@pytest.fixture
def console(harbour: Any, reopen_page: Callable[..., Any], admin_cookies: list[dict[str, str]]) -> Any:
    page = reopen_page(harbour.issuer)
    page.context.add_cookies(admin_cookies)
    return page


def test_a_permission_is_called_by_its_name_and_described_by_the_rest(
    live_server: Any, application: Callable[..., dict[str, Any]], open_page: Callable[..., Any]
) -> None:
    """On the way there, the mistake at sign-in is heard once: with the field that has the focus."""
    permissions = {"profile": ["profile", "email?"], "api": {ORDERS: ["orders:read?"]}}
    registered = application(redirect_uris=[f"{HOME}/cb"], permissions=permissions)
    party = RelyingParty(live_server, registered["client_id"], f"{HOME}/cb")
    page = open_page({live_server.issuer, HOME}, java_script_enabled=False)
    page.goto(live_server.issuer + party.authorization_url(scope="openid profile email orders:read", resource=ORDERS))
    page.get_by_label("Email or username").fill("ada")
    page.get_by_label("Password").fill("not the password of ada")
    page.get_by_label("Password").press("Enter")
    field = page.get_by_label("Password")
    expect(field).to_have_accessible_description("The email, username or password is wrong.")
    expect(field).to_be_focused()
    expect(page.get_by_role("alert")).to_have_count(0)
    field.fill(PASSWORD)
    field.press("Enter")

    page.locator("[data-page=consent]").wait_for()
    account = page.get_by_role("group", name="Your account", exact=True)
    box = account.get_by_role("checkbox", name="Your email address Optional", exact=True)
    expect(box).to_have_accessible_description("And whether it is verified ada@example.com")
    api = page.get_by_role("group", name="Orders", exact=True)
    expect(api.get_by_role("checkbox", name="See your orders Optional", exact=True)).to_be_checked()


def test_the_mistake_in_a_form_of_the_console_is_heard_once(harbour: Any, console: Any) -> None:
    """That nothing was saved, and what is wrong with the field that has the focus."""
    console.goto(f"{harbour.issuer}/console/users/create")
    console.get_by_label("Username").fill("dorothy")
    console.keyboard.press("Enter")
    expect(console.get_by_role("alert")).to_have_text("Nothing was saved. Check the marked fields.")
    field = console.get_by_label("Email", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(console.locator("#email-error").inner_text())


def test_the_first_heading_is_that_of_the_page(harbour: Any, console: Any) -> None:
    """And the parts of the menu are lists, each with its name."""
    console.goto(f"{harbour.issuer}/console/users")
    expect(console.get_by_role("heading").first).to_have_text("Users")
    menu = console.get_by_role("navigation", name="Console")
    expect(menu.get_by_role("list", name="Directory").get_by_role("link", name="Users")).to_be_visible()


def test_what_there_is_many_times_says_of_what(harbour: Any, console: Any) -> None:
    console.goto(f"{harbour.issuer}/console/audit-log")
    expect(console.locator("td summary").first).to_have_text(re.compile(r"^Show: .+, \d{4}-\d\d-\d\d "))
    console.goto(f"{harbour.issuer}/console/branding")
    for of in ("logo", "logo for dark pages", "favicon"):
        expect(console.get_by_text(f"Use an address instead: {of}", exact=True)).to_have_count(1)


def test_whoever_is_to_type_a_name_hears_what_is_deleted_with_it(harbour: Any, console: Any) -> None:
    """The focus is in the field at once, below the numbers."""
    console.goto(f"{harbour.issuer}/console/applications/night-report/delete")
    field = console.get_by_label("to delete it")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile(r"^Consents \d+ Users \d+ Live tokens \d+"))
