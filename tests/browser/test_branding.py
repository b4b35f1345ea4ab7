"""The live preview of a branding, in a real browser: with a script, without one, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from credenza import LARGEST_IMAGE
from credenza.testing import PASSWORD, RelyingParty

pytestmark = [pytest.mark.browser]

CALLBACK = "https://rp.example.com/cb"


@pytest.fixture
def desk(live_server: Any, open_page: Callable[..., Any], application: Callable[..., dict[str, Any]]) -> Any:
    """The branding page of an application of its own: `desk(width=375)`; the page, and the application's id."""
    declared = application(name=f"Harbour {uuid4().hex[:6]}", redirect_uris=[CALLBACK])

    def open_one(**options: Any) -> tuple[Any, str]:
        page = open_page({live_server.issuer}, **options)
        page.goto(f"{live_server.issuer}/console/applications/{declared['client_id']}/branding")
        page.fill("[name=identifier]", "root")
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.locator("form.studio").wait_for()
        return page, declared["client_id"]

    return open_one


def shown(page: Any) -> Any:
    """What is in the frame that is seen."""
    return page.frame_locator("iframe:not([hidden])")


def test_the_preview_follows_what_is_typed_and_users_see_nothing_of_it(
    desk: Any, live_server: Any, open_page: Callable[..., Any]
) -> None:
    page, client_id = desk()
    shown(page).get_by_role("heading", name="Sign in").wait_for()
    page.get_by_label("Display name").fill("Newcastle Rowing")
    shown(page).get_by_text("to continue to Newcastle Rowing").wait_for()
    page.get_by_label("Colour", exact=True).fill("#0b5563")
    button = shown(page).get_by_role("button", name="Sign in", exact=True)
    page.wait_for_function(
        "() => { const f = document.querySelector('iframe:not([hidden])').contentDocument;"
        " const b = f && f.querySelector('form .btn');"
        " return b && getComputedStyle(b).backgroundColor === 'rgb(11, 85, 99)' }"
    )
    assert button.count() == 1
    page.get_by_text("Consent", exact=True).click()
    shown(page).get_by_text("Newcastle Rowing wants to use your account").wait_for()
    page.get_by_text("Dark", exact=True).click()
    page.wait_for_function(
        "() => { const f = document.querySelector('iframe:not([hidden])').contentDocument;"
        " return f && f.body && getComputedStyle(f.body).color === 'rgb(244, 246, 248)' }"
    )
    page.get_by_label("User", exact=True).fill("grace")
    shown(page).get_by_text("grace@example.com").first.wait_for()
    visitor = open_page({live_server.issuer})
    visitor.goto(live_server.issuer + RelyingParty(live_server, client_id, CALLBACK).authorization_url())
    assert visitor.get_by_text("Newcastle Rowing").count() == 0


def test_a_draft_is_published_and_undone(desk: Any, live_server: Any, open_page: Callable[..., Any]) -> None:
    page, client_id = desk()
    page.get_by_label("Display name").fill("Newcastle Rowing")
    page.get_by_role("button", name="Save draft").click()
    page.get_by_text("The draft is saved.").wait_for()
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("Published. Users see it from now on.").wait_for()
    visitor = open_page({live_server.issuer})
    address = live_server.issuer + RelyingParty(live_server, client_id, CALLBACK).authorization_url()
    visitor.goto(address)
    visitor.get_by_text("to continue to Newcastle Rowing").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone.").wait_for()
    visitor.goto(address)
    visitor.get_by_text("to continue to Harbour").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(1360, "light"), (375, "dark")])
def test_without_a_script_the_preview_comes_by_its_button(desk: Any, width: int, scheme: str) -> None:
    page, _ = desk(width=width, color_scheme=scheme, java_script_enabled=False)
    page.get_by_label("Display name").fill("Newcastle Rowing")
    page.get_by_text("Consent", exact=True).click()
    page.get_by_role("button", name="Show").click()
    shown(page).get_by_text("Newcastle Rowing wants to use your account").wait_for()
    assert "/branding" in page.url
    assert page.get_by_label("Display name").input_value() == "Newcastle Rowing", "the form stays as it is"


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(desk: Any) -> None:
    page, _ = desk()
    shown(page).get_by_role("heading", name="Sign in").wait_for()
    logo = page.get_by_label("Logo", exact=True)
    refused = page.get_by_role("alert").filter(has_text="larger than 2 MB")
    for size in (LARGEST_IMAGE + 1, LARGEST_IMAGE):
        logo.set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": bytes(size)})
        assert refused.is_visible() == (size > LARGEST_IMAGE)
        assert logo.evaluate("(input) => input.files.length") == (size <= LARGEST_IMAGE)


@pytest.mark.parametrize("width", [1360, 375])
def test_nothing_sticks_out(desk: Any, width: int) -> None:
    page, _ = desk(width=width)
    shown(page).get_by_role("heading", name="Sign in").wait_for()
    for size in ("Desktop", "Phone"):
        page.get_by_text(size, exact=True).click()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        frame = page.locator("iframe:not([hidden])").bounding_box()
        assert frame["x"] >= 0
        assert frame["x"] + frame["width"] <= width
