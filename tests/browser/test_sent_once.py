"""A form that is sent twice by a double click, while the answer is slow: nothing of the first answer is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pyotp
import pytest

from credenza.testing import PASSWORD

pytestmark = pytest.mark.browser

SLOW = {"offline": False, "latency": 500, "downloadThroughput": -1, "uploadThroughput": -1}


@pytest.fixture
def page(live_server: Any, open_page: Callable[..., Any]) -> Any:
    """The sign-in page, on the way to setting up an authenticator app, with everything typed."""
    username = f"hasty-{uuid4().hex[:8]}"
    live_server.apply({"users": [{"username": username, "password": PASSWORD}]})
    page = open_page({live_server.issuer})
    page.goto(f"{live_server.issuer}/account/security/authenticator")
    page.fill("[name=identifier]", username)
    page.fill("[name=password]", PASSWORD)
    return page


def test_a_double_click_loses_no_recovery_codes(page: Any) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.emulateNetworkConditions", SLOW)
    page.get_by_role("button", name="Sign in", exact=True).dblclick(delay=60, no_wait_after=True)
    page.get_by_role("heading", name="Authenticator app").wait_for()
    page.fill("[name=code]", pyotp.TOTP(page.locator("details code").text_content()).at(int(time.time())))
    page.get_by_role("button", name="Turn on").dblclick(delay=60, no_wait_after=True)
    page.get_by_role("link", name="I have saved them").wait_for()
    assert page.locator(".codes code").count() > 1


def test_a_page_that_comes_back_from_memory_sends_its_form_again(page: Any) -> None:
    page.evaluate("document.querySelector('main form').setAttribute('aria-busy', 'true')")
    button = page.get_by_role("button", name="Sign in", exact=True)
    button.click()
    assert page.locator("[data-page=sign-in] form[aria-busy]").count() == 1, "it is on its way already"
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    button.click()
    page.get_by_role("heading", name="Authenticator app").wait_for()


def test_who_stops_it_can_send_it_again(page: Any) -> None:
    """Escape stops what is under way."""
    page.evaluate("document.querySelector('main form').setAttribute('aria-busy', 'true')")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Authenticator app").wait_for()
