"""The two pages that every user sees, on a desk and on a phone, by day and by night, and without script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from credenza.testing import ORDERS, PASSWORD, RelyingParty

pytestmark = pytest.mark.browser

HOME = "https://rp.example.com"


@pytest.mark.parametrize("width", [1360, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_they_fit_the_screen_and_need_no_script(
    live_server: Any,
    application: Callable[..., dict[str, Any]],
    open_page: Callable[..., Any],
    looks_right: Callable[..., None],
    width: int,
    scheme: str,
) -> None:
    registered = application(
        name="Tide Board",
        redirect_uris=[f"{HOME}/cb"],
        permissions={"profile": ["profile", "email", "phone?"], "api": {ORDERS: ["orders:read"]}},
    )
    party = RelyingParty(live_server, registered["client_id"], f"{HOME}/cb")
    url = party.authorization_url(scope="openid profile email phone orders:read", resource=ORDERS)
    page = open_page({live_server.issuer, HOME}, width=width, color_scheme=scheme, java_script_enabled=False)

    page.goto(live_server.issuer + url)
    page.locator("[data-page=sign-in]").wait_for()
    looks_right(page, scheme)
    page.get_by_label("Email or username").fill("ada")
    page.get_by_label("Password").fill("not the password of ada")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator("#message").wait_for()
    assert page.get_by_label("Email or username").input_value() == "ada", "what was typed survives the error"
    looks_right(page, scheme)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")

    page.locator("[data-page=consent]").wait_for()
    looks_right(page, scheme)
    text = " ".join(page.inner_text("main").split())
    for shown in (
        "Tide Board wants to use your account",
        "Ada Lovelace",
        "ada@example.com",
        "See your orders",
        "rp.example.com",
    ):
        assert shown in text
    page.get_by_role("checkbox", name="Your phone number").uncheck()
    with page.expect_request(f"{HOME}/**") as back:
        page.get_by_role("button", name="Authorize").click()
    answer = parse_qs(urlsplit(back.value.url).query)
    assert answer["iss"] == [live_server.issuer]
    assert answer["state"] == ["state-of-the-test"]
    form = {"grant_type": "authorization_code", "code": answer["code"][0], "redirect_uri": party.redirect_uri}
    tokens = party.post("/token", {**form, "code_verifier": party.verifier}).json()
    assert set(tokens["scope"].split()) == {"openid", "profile", "email", "orders:read"}


def test_cancel_says_so_to_the_application(
    live_server: Any, application: Callable[..., dict[str, Any]], open_page: Callable[..., Any]
) -> None:
    registered = application(redirect_uris=[f"{HOME}/cb"])
    party = RelyingParty(live_server, registered["client_id"], f"{HOME}/cb")
    page = open_page({live_server.issuer, HOME})
    page.goto(live_server.issuer + party.authorization_url())
    page.get_by_label("Email or username").fill("grace")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    with page.expect_request(f"{HOME}/**") as back:
        page.get_by_role("button", name="Cancel").click()
    answer = parse_qs(urlsplit(back.value.url).query)
    assert answer["error"] == ["access_denied"]
    assert answer["iss"] == [live_server.issuer]
