"""Passkeys in Chromium, with its virtual authenticator. WebAuthn Level 3; SECURITY R-SE-06, A-ENU-03, A-SES-07."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

pytestmark = pytest.mark.browser

PASSWORD = "seven quiet lighthouses at dawn"
PASSKEYS = "/account/security/passkeys"


@pytest.fixture
def person(live_server: Any) -> str:
    name = f"person-{uuid4().hex[:8]}"
    live_server.apply({"users": [{"username": name, "password": PASSWORD, "email": f"{name}@example.com"}]})
    return name


class Device:
    """A browser with an authenticator that verifies its user."""

    def __init__(self, page: Any, issuer: str) -> None:
        self.page, self.issuer = page, issuer
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    @property
    def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return found

    def sign_in(self, name: str) -> None:
        self.page.locator("[name=identifier]").fill(name)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def sign_out(self) -> None:
        self.page.goto(f"{self.issuer}/account")
        self.page.get_by_role("button", name="Sign out", exact=True).click()
        self.page.locator("[data-page=signed-out]").wait_for()

    def add_passkey(self, person: str, label: str = "My laptop") -> None:
        self.page.goto(self.issuer + PASSKEYS)
        self.sign_in(person)
        self.page.get_by_label("Name").fill(label)
        self.page.get_by_role("button", name="Add a passkey").click()
        self.page.get_by_text("The passkey is added.").wait_for()

    def use_passkey(self, button: str = "Use a passkey") -> None:
        self.page.get_by_role("button", name=button).click()


@pytest.fixture
def offering(live_server: Any, open_page: Callable[..., Any]) -> Device:
    """Its person takes the passkey that it offers as soon as a page lets it."""
    return Device(open_page({live_server.issuer, "https://rp.example.com"}), live_server.issuer)


@pytest.fixture
def device(offering: Device) -> Device:
    """It offers none before a button is pressed, as older browsers do not."""
    # Also in the application's page, which may be one where there are none.
    never = "window.PublicKeyCredential && (PublicKeyCredential.isConditionalMediationAvailable = async () => false)"
    offering.page.add_init_script(never)
    return offering


def test_a_passkey_is_offered_where_the_name_is_typed(offering: Device, person: str) -> None:
    """WebAuthn Level 3 §5.1.7, conditional mediation: nobody has to know that there is a button."""
    offering.add_passkey(person)
    offering.sign_out()
    offering.page.goto(f"{offering.issuer}/account", wait_until="commit")
    offering.page.locator("[data-page=account]").wait_for()


def test_a_passkey_is_added_used_and_removed(device: Device, person: str) -> None:
    device.add_passkey(person)
    assert [c["rpId"] for c in device.credentials] == ["localhost"]
    device.sign_out()
    device.page.goto(f"{device.issuer}/account")
    device.use_passkey()
    device.page.locator("[data-page=account]").wait_for()
    device.page.goto(device.issuer + PASSKEYS)
    device.page.get_by_text("last used just now").wait_for()
    device.page.get_by_role("button", name="Remove: My laptop").click()
    device.page.get_by_text("The passkey is removed.").wait_for()
    device.sign_out()
    device.page.goto(f"{device.issuer}/account")
    device.use_passkey()
    device.page.get_by_text("The passkey was not accepted.").wait_for()


def test_what_the_application_is_told(
    device: Device, person: str, application: Callable[..., dict[str, Any]], live_server: Any
) -> None:
    """RFC 8176 §2; the phishing-resistant class of the EAP profile is reached by the passkey alone."""
    import jwt

    registered = application(third_party=False)
    device.add_passkey(person)
    device.sign_out()
    asked = {
        "client_id": registered["client_id"],
        "redirect_uri": registered["redirect_uris"][0],
        "response_type": "code",
        "scope": "openid",
        "claims": json.dumps({"id_token": {"acr": {"essential": True, "value": "phr"}}}),
    }
    device.page.context.route("https://rp.example.com/**", lambda route: route.fulfill(body="there"))
    with device.page.expect_request(lambda request: request.url.startswith("https://rp.example.com")) as caught:
        device.page.goto(f"{device.issuer}/authorize?{urlencode(asked)}")
        device.use_passkey()
    code = re.search(r"code=([^&]+)", caught.value.url)
    assert code is not None, caught.value.url
    form = {"grant_type": "authorization_code", "code": code[1], "redirect_uri": registered["redirect_uris"][0]}
    auth = (registered["client_id"], registered["client_secret"])
    tokens = live_server.request("POST", "/token", data=form, auth=auth).json()
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert (claims["acr"], claims["amr"]) == ("phr", ["hwk", "user", "mfa"])


def test_after_a_password_the_passkey_is_the_second_factor(
    device: Device, person: str, application: Callable[..., dict[str, Any]]
) -> None:
    registered = application(require_second_factor=True)
    device.add_passkey(person)
    device.sign_out()
    asked = {
        "client_id": registered["client_id"],
        "redirect_uri": registered["redirect_uris"][0],
        "response_type": "code",
        "scope": "openid",
    }
    device.page.goto(f"{device.issuer}/authorize?{urlencode(asked)}")
    device.sign_in(person)
    device.page.get_by_role("heading", name="Use your passkey").wait_for()
    device.use_passkey("Use a passkey")
    device.page.locator("[data-page=consent]").wait_for()


def test_an_answer_that_is_not_true_is_refused(device: Device, person: str, live_server: Any) -> None:
    """A counter that went back (a cloned key), no user verification, an answer given twice, bytes of a stranger."""
    device.add_passkey(person)
    device.sign_out()
    device.page.goto(f"{device.issuer}/account")
    (credential,) = device.credentials
    device.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": device.id, "isUserVerified": False})
    device.use_passkey()
    device.page.get_by_text("The passkey was not accepted.").wait_for()
    device.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": device.id, "isUserVerified": True})
    device.use_passkey()
    device.page.locator("[data-page=account]").wait_for()
    device.sign_out()
    device.cdp.send("WebAuthn.clearCredentials", {"authenticatorId": device.id})
    device.cdp.send(
        "WebAuthn.addCredential", {"authenticatorId": device.id, "credential": credential | {"signCount": 0}}
    )
    device.page.goto(f"{device.issuer}/account")
    device.use_passkey()
    device.page.get_by_text("The passkey was not accepted.").wait_for()


def test_without_script_the_page_works(live_server: Any, open_page: Callable[..., Any], person: str) -> None:
    page = open_page({live_server.issuer}, java_script_enabled=False)
    page.goto(f"{live_server.issuer}/account")
    assert not page.get_by_role("button", name="Use a passkey").is_visible()
    page.locator("[name=identifier]").fill(person)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.locator("[data-page=account]").wait_for()
    page.goto(live_server.issuer + PASSKEYS)
    page.locator("[data-page=account] [name=name]").wait_for()
    assert not page.get_by_role("button", name="Add a passkey").is_visible()


CANCELLED = """() => {
    window.asked = []
    PublicKeyCredential.isConditionalMediationAvailable = async () => true
    navigator.credentials.get = (options) => {
        asked.push(options.mediation ?? "at once")
        if (!options.mediation) return Promise.reject(new DOMException("", "NotAllowedError"))
        return new Promise((_, refuse) => options.signal.addEventListener("abort", () => refuse(options.signal.reason)))
    }
}"""


PRESSED_BEFORE_IT_WAS_OFFERED = """async () => {
    const asked = []
    let answer
    PublicKeyCredential.isConditionalMediationAvailable = () => new Promise((resolve) => answer = resolve)
    navigator.credentials.get = ({ mediation, signal }) => {
        if (!signal?.aborted) asked.push(mediation ?? "at once")
        return new Promise(() => {})
    }
    const button = document.querySelector("[data-passkey]")
    offerOf(button)
    button.click()
    answer(true)
    await new Promise(setTimeout)
    return asked
}"""


def test_whoever_presses_the_button_at_once_is_asked_one_question(
    live_server: Any, open_page: Callable[..., Any]
) -> None:
    """The browser may not have said yet whether it offers passkeys in a field; some end the first of two questions."""
    page = open_page({live_server.issuer})
    page.goto(live_server.issuer)
    assert page.evaluate(PRESSED_BEFORE_IT_WAS_OFFERED) == ["at once"]


def test_whoever_cancels_is_offered_it_again(live_server: Any, open_page: Callable[..., Any]) -> None:
    """While the button asks, the field cannot; afterwards it does."""
    page = open_page({live_server.issuer})
    page.add_init_script(f"({CANCELLED})()")
    page.goto(live_server.issuer)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_function("asked.length === 3")
    assert page.evaluate("asked") == ["conditional", "at once", "conditional"]
