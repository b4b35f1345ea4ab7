"""Recovery codes are put away: with one press into the clipboard, or into a file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyotp
import pytest

from credenza.testing import PASSWORD

pytestmark = pytest.mark.browser


def codes_of(live_server: Any, page: Any) -> list[str]:
    """Set up an authenticator app for somebody new, and see the codes."""
    username = f"careful-{uuid4().hex[:8]}"
    live_server.apply({"users": [{"username": username, "password": PASSWORD}]})
    page.goto(f"{live_server.issuer}/account/security/authenticator")
    page.fill("[name=identifier]", username)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.locator("[name=code]").wait_for()
    page.fill("[name=code]", pyotp.TOTP(page.locator("details code").text_content()).at(int(time.time())))
    page.keyboard.press("Enter")
    page.locator(".codes").wait_for()
    codes: list[str] = page.locator(".codes code").all_text_contents()
    assert len(codes) == 10
    return codes


def test_they_are_copied_with_one_press(live_server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page({live_server.issuer}, locale="de", permissions=["clipboard-read", "clipboard-write"])
    codes = codes_of(live_server, page)
    page.get_by_role("button", name="Kopieren", exact=True).click()
    page.get_by_role("button", name="Kopiert", exact=True).wait_for()
    page.get_by_role("status").get_by_text("Kopiert", exact=True).wait_for(state="attached")
    assert page.evaluate("navigator.clipboard.readText()").split() == codes


def test_without_script_they_are_downloaded(live_server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page({live_server.issuer}, java_script_enabled=False)
    codes = codes_of(live_server, page)
    assert page.get_by_role("button", name="Copy").count() == 0
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download", exact=True).click()
    assert begun.value.suggested_filename.endswith("Recovery codes.txt")
    assert Path(begun.value.path()).read_text().split() == codes
