"""An administrator creates a third-party application by clicking; its developer needs nothing else. PRODUCT M3, M4."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from credenza.testing import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.clients]

httpx_client = pytest.importorskip("authlib.integrations.httpx_client", reason="Authlib is missing")
CALLBACK = "https://tides.example.com/callback"


def sign_in(page: Any, username: str) -> None:
    page.fill("[name=identifier]", username)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def copied(page: Any, what: str) -> str:
    """Press a copy button, and look what is in the clipboard then."""
    page.evaluate("navigator.clipboard.writeText('')")
    page.get_by_role("button", name=f"Copy {what}", exact=True).first.click()
    while not (text := page.evaluate("navigator.clipboard.readText()")):
        page.wait_for_timeout(20)
    return str(text)


def test_an_application_made_in_the_console_signs_a_user_in(live_server: Any, open_page: Callable[..., Any]) -> None:
    console = open_page({live_server.issuer}, permissions=["clipboard-read", "clipboard-write"])
    console.goto(f"{live_server.issuer}/console")
    sign_in(console, "root")

    # Applications → Create application → Third-party app → Traditional web → name and description → Create.
    console.get_by_role("link", name="Applications").first.click()
    console.get_by_role("link", name="Create application").first.click()
    console.get_by_role("link", name="Third-party app").click()
    console.get_by_role("link", name="Traditional web").click()
    console.get_by_label("Name").fill("Tide Tables")
    console.get_by_label("Description").fill("When the water comes")
    console.get_by_role("button", name="Create").click()
    console.get_by_role("heading", name="Tide Tables").wait_for()
    client_id, client_secret = copied(console, "client ID"), copied(console, "secret")
    token_endpoint = copied(console, "Token endpoint")
    details = console.url
    assert console.inner_text("#client-id") == client_id

    console.get_by_label("Redirect URIs", exact=True).fill(CALLBACK)
    console.get_by_role("button", name="Save changes").click()
    console.get_by_text("Saved.").wait_for()
    assert console.get_by_label("Redirect URIs", exact=True).input_value().strip() == CALLBACK
    assert client_secret not in console.content(), "a secret is shown once"

    console.get_by_role("link", name="Permissions").click()
    console.get_by_role("link", name="Add permissions").click()
    console.get_by_role("checkbox", name="Your profile").check()
    console.get_by_role("checkbox", name="Your email address").check()
    console.get_by_role("button", name="Add permissions").click()
    console.get_by_text("2 permissions added").wait_for()

    console.get_by_role("link", name="Applications").first.click()
    console.get_by_role("link", name="Third-party apps").click()
    console.goto(f"{console.url.partition('?')[0]}?q=Tide+Tables")  # other tests' applications fill pages
    console.get_by_role("link", name="Tide Tables", exact=True).click()
    assert console.url == details

    with httpx_client.OAuth2Client(
        client_id,
        client_secret,
        scope="openid profile email",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        trust_env=False,
    ) as client:
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        url, state = client.create_authorization_url(
            f"{live_server.issuer}/authorize", code_verifier=verifier, nonce=nonce
        )
        callback = authorize(open_page, live_server.issuer, url)
        tokens = client.fetch_token(
            token_endpoint, authorization_response=callback, state=state, code_verifier=verifier
        )
        keys = KeySet.import_key_set(client.request("GET", f"{live_server.issuer}/jwks", withhold_token=True).json())
        claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
        assert (claims["aud"], claims["nonce"]) == (client_id, nonce)
        userinfo = client.get(f"{live_server.issuer}/userinfo").raise_for_status().json()
    assert (userinfo["name"], userinfo["email"]) == ("Ada Lovelace", "ada@example.com")


def authorize(open_page: Callable[..., Any], issuer: str, url: str) -> str:
    """Another browser, in which ada signs in and authorizes; returns the address at which the application waits."""
    user = open_page({issuer, "https://tides.example.com"})
    user.goto(url)
    sign_in(user, "ada")
    user.locator("[data-page=consent]").wait_for()
    assert "Tide Tables wants to use your account" in " ".join(user.inner_text("h1").split())
    with user.expect_request("https://tides.example.com/**") as back:
        user.get_by_role("button", name="Authorize").click()
    return str(back.value.url)
