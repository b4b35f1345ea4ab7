"""What was typed survives a lost session, for the same person; a trial run ends with decoded tokens in its own tab."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from credenza.testing import PASSWORD

pytestmark = pytest.mark.browser

Page = Any


@pytest.fixture
def console(live_server: Any, open_page: Callable[..., Any]) -> Page:
    page = open_page({live_server.issuer})
    page.goto(f"{live_server.issuer}/console")
    sign_in(page, "root")
    page.wait_for_url("**/console")
    return page


def sign_in(page: Page, username: str) -> None:
    page.fill("[name=identifier]", username)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def typed_and_lost(page: Page, issuer: str, name: str) -> None:
    """A form is filled in, the session ends, and the form is sent."""
    page.goto(f"{issuer}/console/applications/create/third-party-app/native")
    page.get_by_label("Name").fill(name)
    page.get_by_role("checkbox").check()
    page.context.clear_cookies()
    page.get_by_role("button", name="Create").click()
    page.locator("[data-page=sign-in]").wait_for()


def test_what_was_typed_is_back_after_signing_in_again(live_server: Any, console: Page) -> None:
    name = f"Tide Clock {uuid.uuid4().hex[:8]}"
    typed_and_lost(console, live_server.issuer, name)
    sign_in(console, "root")
    console.get_by_text("What you had typed is back. It is not saved yet.").wait_for()
    assert console.get_by_label("Name").input_value() == name
    assert console.get_by_role("checkbox").is_checked()
    console.get_by_role("button", name="Create").click()
    console.get_by_role("heading", name=name).wait_for()
    console.goto(f"{live_server.issuer}/console/applications/create/third-party-app/native")
    assert console.get_by_label("Name").input_value() == "", "once it is saved nothing of it is kept"


def test_details_of_an_event_can_be_read_in_the_list(live_server: Any, console: Page) -> None:
    """Beside its label a value had the width of one letter."""
    console.set_viewport_size({"width": 960, "height": 800})
    console.goto(f"{live_server.issuer}/console/audit-log")
    console.locator("td details summary").first.click()
    value = console.locator("td details[open] dd code").first
    assert value.evaluate("element => element.getClientRects().length") == 1, "in one line"


def test_what_was_typed_is_back_beside_a_list_that_was_leafed_through(live_server: Any, console: Page) -> None:
    """The address of the page has changed since it was opened, and that is where one comes back to."""
    permissions = [{"name": f"sail:{number}"} for number in range(30)]
    sails = {"identifier": "urn:example:sails", "name": "Sails", "permissions": permissions}
    live_server.apply({"api_resources": [sails]})
    console.goto(f"{live_server.issuer}/console/api-resources/urn~3Aexample~3Asails")
    console.get_by_label("Description", exact=True).fill("All that catches wind")
    console.get_by_role("link", name="Next").click()
    console.wait_for_url("**?page=2")
    console.context.clear_cookies()
    console.get_by_role("button", name="Save changes").click()
    sign_in(console, "root")
    console.get_by_text("What you had typed is back. It is not saved yet.").wait_for()
    assert console.get_by_label("Description", exact=True).input_value() == "All that catches wind"
    assert console.url.endswith("?page=2")


def test_somebody_else_does_not_find_what_was_typed(live_server: Any, console: Page) -> None:
    other = f"clerk-{uuid.uuid4().hex[:8]}"
    live_server.apply({"users": [{"username": other, "password": PASSWORD, "administrator": True}]})
    typed_and_lost(console, live_server.issuer, "Secret Plan")
    sign_in(console, other)
    assert console.get_by_label("Name", exact=True).input_value() == ""
    assert "Secret Plan" not in console.evaluate("JSON.stringify(sessionStorage)")


def test_what_is_back_does_not_undo_what_somebody_else_has_saved_meanwhile(
    live_server: Any, console: Page, application: Callable[..., dict[str, Any]]
) -> None:
    """The form knows what stood on the page where this was typed, and whoever saves it is told."""
    client_id = application()["client_id"]
    console.goto(f"{live_server.issuer}/console/applications/{client_id}")
    console.get_by_label("Description").fill("Typed before the session ended")
    console.context.clear_cookies()
    live_server.apply({"applications": [{"client_id": client_id, "name": "Renamed by a colleague"}]})
    console.get_by_role("button", name="Save changes").click()
    sign_in(console, "root")
    console.get_by_text("What you had typed is back. It is not saved yet.").wait_for()
    console.get_by_role("button", name="Save changes").click()
    console.get_by_text("Somebody has changed this since you opened the page").wait_for()
    assert console.get_by_label("Description").input_value() == "Typed before the session ended"


def test_whoever_was_told_and_saves_again_has_saved(live_server: Any, console: Page) -> None:
    """Also when what comes back differs from what was typed, if only by a space at its end."""
    live_server.apply({"users": [{"username": "noor", "email": "noor@example.com"}]})
    console.goto(f"{live_server.issuer}/console/users?q=noor")
    console.get_by_role("link", name="noor").first.click()
    console.get_by_label("Phone number", exact=True).fill("+49 30 1234 ")
    live_server.apply({"users": [{"username": "noor", "profile": {"given_name": "Noor"}}]})
    console.get_by_role("button", name="Save changes").click()
    console.get_by_text("Somebody has changed this since you opened the page").wait_for()
    console.get_by_role("button", name="Save changes").click()
    console.locator("[data-notice]", has_text="Saved.").wait_for()


def test_what_was_not_saved_is_not_left_without_a_question(live_server: Any, console: Page) -> None:
    """After a mistake in it, and after a save that was stopped because it took too long."""
    console.goto(f"{live_server.issuer}/console/users/create")
    console.get_by_label("Username").fill("ada")
    console.get_by_role("button", name="Create user").click()
    console.get_by_text("Somebody has this username already").wait_for()
    leave(console)
    console.goto(f"{live_server.issuer}/console/applications/create/third-party-app/native")
    console.clock.install()
    console.get_by_label("Name").fill("Slow")
    console.route("**/native", lambda route: route.fulfill(status=204))  # the browser stays, as after Stop
    with console.expect_response("**/native"):
        console.evaluate("document.querySelector('main form').requestSubmit()")
    console.clock.fast_forward(11_000)
    leave(console)


def leave(page: Page) -> None:
    """Somebody follows a link by mistake, and is asked."""
    asked: list[str] = []

    def answer(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.once("dialog", answer)
    page.locator(".menu.desk").get_by_role("link", name="Users", exact=True).click()
    page.wait_for_url("**/console/users")
    assert asked == ["beforeunload"]


def test_try_it_ends_with_decoded_tokens(
    live_server: Any, console: Page, application: Callable[..., dict[str, Any]]
) -> None:
    client_id = application()["client_id"]
    console.goto(f"{live_server.issuer}/console/applications/{client_id}/kit")
    console.get_by_role("link", name="Try it").click()
    with console.context.expect_page() as opened:
        console.get_by_role("button", name="Start in a new tab").click()
    run = opened.value
    run.locator("[data-page=consent]").wait_for()
    run.get_by_role("button", name="Authorize").click()
    run.get_by_text("Everything worked").wait_for()
    claims = run.get_by_label("Claims of the ID token").inner_text()
    assert f'"aud": "{client_id}"' in claims
    run.reload()
    run.get_by_role("heading", name="This run is over").wait_for()
