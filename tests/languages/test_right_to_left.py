"""A language that is written from right to left mirrors the pages, and breaks none of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from credenza.testing import ORDERS, RelyingParty

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOME = "https://app.example.com"


STICKING_OUT = """() => [...document.querySelectorAll("main *")].filter((one) => {
    const box = one.getBoundingClientRect()
    const shown = box.width > 0 && box.height > 0 && one.checkVisibility({ visibilityProperty: true })
    return shown && (box.left < -1 || box.right > innerWidth + 1)
}).map((one) => one.outerHTML.slice(0, 120))"""


@pytest.fixture
def server(arabic_plugin: Path, filled_sqlite_url: str, start_server: Callable[..., Any]) -> Any:
    return start_server(filled_sqlite_url, plugins_path=str(arabic_plugin))


def mirrored(page: Any) -> None:
    """The page is laid out from the right, and nothing sticks out on either side."""
    assert page.evaluate("document.documentElement.dir") == "rtl"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).direction") == "rtl"
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url
    width = page.viewport_size["width"]
    assert page.evaluate("innerWidth") == width
    assert page.evaluate(STICKING_OUT) == [], page.url
    if folder := os.environ.get("SCREENSHOTS"):
        name = page.locator("main").get_attribute("data-page")
        page.screenshot(path=f"{folder}/rtl-{name}-{len(page.url)}-{width}.png", full_page=True)


@pytest.mark.parametrize("width", [1360, 375])
def test_pages_are_mirrored(server: Any, chromium: Any, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, locale="ar-EG")
    page = context.new_page()
    client = RelyingParty(server, "app", f"{HOME}/cb")
    page.goto(server.issuer + client.authorization_url(scope="openid profile email phone orders:read", resource=ORDERS))
    mirrored(page)
    page.locator("[name=identifier]").fill("ada")
    page.locator("[name=password]").fill("wrong")
    page.locator("[name=password]").press("Enter")
    page.locator("#message").wait_for()
    mirrored(page)
    page.locator("[name=password]").fill("correct horse battery staple")
    page.locator("[name=password]").press("Enter")
    page.locator("[data-page=consent]").wait_for()
    mirrored(page)
    box, line = (page.locator(f"li:has([name=permission]) {part}").first.bounding_box() for part in ("input", ".title"))
    assert box["x"] < line["x"], "the checkbox stands at the end of its line, which is on the left"
    with page.expect_request(f"{HOME}/**"), page.expect_event("framenavigated"):
        page.locator("[name=decision][value=authorize]").click()
    for path in (
        "/account",
        "/account/sessions",
        "/account/password",
        "/account/data",
        "/device",
        "/logout",
        "/nowhere",
    ):
        page.goto(server.issuer + path)
        mirrored(page)
    page.goto(server.issuer + "/account")
    page.locator("main h2 a").first.click()
    page.wait_for_url("**/account/applications/**")
    mirrored(page)
    context.close()
