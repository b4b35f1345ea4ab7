"""What htmx brings is read aloud and loses nobody's focus; a form with a mistake waits at the mistake."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def console(harbour: Any, reopen_page: Callable[..., Any], admin_cookies: list[dict[str, str]]) -> Any:
    page = reopen_page(harbour.issuer)
    page.context.add_cookies(admin_cookies)
    page.emulate_media(reduced_motion="reduce")  # else the way to a link still goes on when it is followed
    return page


def wait_until_said(page: Any, words: str) -> None:
    page.locator("#said").get_by_text(words, exact=True).wait_for(state="attached")


IN_SIGHT = "line => line.getBoundingClientRect().top > 0 && line.getBoundingClientRect().bottom < innerHeight"


def rows(page: Any) -> int:
    return int(page.locator("#table tbody tr").count())


def in_focus(page: Any) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_what_is_copied_last_is_said_as_long_as_the_first(harbour: Any, open_page: Callable[..., Any]) -> None:
    console = open_page({harbour.issuer})
    console.context.add_cookies(harbour.cookies("admin"))
    console.clock.install()
    console.goto(f"{harbour.issuer}/console/applications/harbour-wiki/kit")
    for what in ("discovery URL", "client ID"):
        button = console.get_by_role("button", name=f"Copy {what}", exact=True).first
        button.click()
        button.get_by_text("Copied").wait_for()
        wait_until_said(console, "Copied")
        console.clock.fast_forward(1_500)
    expect(console.locator("#said")).to_have_text("Copied")
    console.clock.fast_forward(1_500)
    expect(console.locator("#said")).to_be_empty()


def test_a_search_says_how_many_it_found(harbour: Any, console: Any) -> None:
    console.goto(f"{harbour.issuer}/console/users")
    console.fill("#q", "lovelace")
    console.locator("#said").get_by_text(re.compile(r"\d+ found")).wait_for(state="attached")
    wait_until_said(console, f"{rows(console)} found")
    console.fill("#q", "nobody at all")
    wait_until_said(console, "Nobody matches “nobody at all”")
    assert in_focus(console) == "q"


def test_the_palette_says_how_many_it_found(harbour: Any, console: Any) -> None:
    console.goto(f"{harbour.issuer}/console")
    console.keyboard.press("Control+k")
    console.keyboard.type("harbour wiki")
    console.get_by_role("dialog").get_by_role("status").get_by_text("1 found").wait_for(state="attached")
    assert console.locator("#said").inner_text() == "", "what is behind a dialog is said when that is closed, too late"


def test_whoever_sorts_by_keyboard_stays_where_they_are(harbour: Any, console: Any) -> None:
    console.goto(f"{harbour.issuer}/console/users")
    console.get_by_role("link", name="Created").focus()
    console.keyboard.press("Enter")
    console.locator("[aria-sort=ascending] #by-created_at").wait_for()
    wait_until_said(console, f"{rows(console)} found")
    assert in_focus(console) == "by-created_at"


def test_whoever_searches_keeps_the_order(harbour: Any, console: Any) -> None:
    console.goto(f"{harbour.issuer}/console/users")
    console.get_by_role("link", name="Created").click()
    console.locator("[aria-sort=ascending] #by-created_at").wait_for()
    console.fill("#q", "a")
    console.wait_for_url("**/console/users?q=a&*")
    assert console.locator("[aria-sort=ascending] #by-created_at").count() == 1
    assert "sort=created_at" in console.url


def test_the_next_page_of_a_table_begins_at_its_top(harbour: Any, console: Any) -> None:
    console.set_viewport_size({"width": 1360, "height": 400})
    console.goto(f"{harbour.issuer}/console/audit-log")
    console.get_by_role("link", name="Older").focus()
    console.keyboard.press("Enter")
    console.locator("#said").get_by_text(re.compile(r"\d+ events")).wait_for(state="attached")
    wait_until_said(console, f"{rows(console)} events")
    assert in_focus(console) == "table"
    top = console.evaluate("document.getElementById('table').getBoundingClientRect().top")
    assert -1 < top < 400, "a short page cannot be scrolled to the top of its table, but shows it"


def test_the_focus_is_at_the_mistake(harbour: Any, console: Any) -> None:
    console.goto(f"{harbour.issuer}/console/users/create")
    console.get_by_label("Username").fill("dorothy")
    console.keyboard.press("Enter")
    expect(console.locator("#email[aria-invalid]")).to_be_focused()
    console.goto(f"{harbour.issuer}/console/branding")
    console.get_by_label("Colour", exact=True).fill("#ffcc00")
    console.get_by_role("button", name="Publish").click()
    expect(console.locator("#primary_color[aria-invalid]")).to_be_focused()
    border = console.evaluate("getComputedStyle(document.activeElement).borderColor")
    assert border == console.evaluate("getComputedStyle(document.querySelector('p.error')).color"), "and looks like one"


def test_where_there_is_nothing_yet_nothing_is_looked_for(harbour: Any, console: Any) -> None:
    field = console.get_by_role("searchbox", name="Find by host")
    console.goto(f"{harbour.issuer}/console/unknown-applications/allowed")
    console.get_by_role("heading", name="No host is allowed").wait_for()
    assert not field.is_visible()
    console.goto(f"{harbour.issuer}/console/unknown-applications/allowed?q=gull")
    assert field.is_visible()


def test_a_list_that_is_narrowed_to_nothing_says_so(harbour: Any, console: Any) -> None:
    console.goto(f"{harbour.issuer}/console/applications/night-report/permissions/add")
    field = console.get_by_role("searchbox", name="Find a permission")
    field.fill("berths:move")
    assert console.get_by_role("checkbox").count() == 1
    field.fill("no such thing")
    console.get_by_text("No permission matches.").first.wait_for()
    wait_until_said(console, "No permission matches.")
    assert not console.locator("#picker .card").is_visible(), "nor stands an empty frame there"
    console.keyboard.press("Enter")
    field.fill("berths")
    console.get_by_role("checkbox").nth(2).wait_for()
    assert console.get_by_role("alert").count() == 0, "Enter in this field sends no form"


def test_whoever_makes_a_permission_optional_finds_it_where_it_was(harbour: Any, console: Any) -> None:
    console.set_viewport_size({"width": 1360, "height": 300})
    console.goto(f"{harbour.issuer}/console/applications/chandlers-exchange/permissions")
    line = console.get_by_role("listitem").filter(has_text="orders:read")
    for word in ("optional", "required"):
        line.get_by_role("button", name=f"Make {word}").click()
        line.get_by_text(word.capitalize(), exact=True).wait_for()
        # It may take a moment to be where it was; a page that begins at its top again never is.
        console.wait_for_function(IN_SIGHT, arg=line.element_handle())
        console.keyboard.press("Tab")
        assert line.evaluate("one => one.contains(document.activeElement)"), "Tab goes on from there"
