"""Authlib, as its documentation uses it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from credenza.testing import ORDERS, SECRET

pytestmark = pytest.mark.clients

httpx_client = pytest.importorskip("authlib.integrations.httpx_client", reason="Authlib is missing")


def authlib_client(application: dict[str, Any], **changes: Any) -> Any:
    values = {
        "client_id": application["client_id"],
        "client_secret": application.get("client_secret"),
        "scope": "openid profile email offline_access",
        "redirect_uri": application["redirect_uris"][0],
        "code_challenge_method": "S256",
        "trust_env": False,
    }
    return httpx_client.OAuth2Client(**values | changes)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_code_with_pkce_then_userinfo_refresh_and_revocation(
    live_server: Any, application: Callable[..., dict[str, Any]], the_user: Callable[[str], str], method: str
) -> None:
    registered = application(token_endpoint_auth_method=method, offline_access=True, require_pkce=True)
    methods = {"token_endpoint_auth_method": method, "revocation_endpoint_auth_method": method}
    with authlib_client(registered, **methods) as client:
        metadata = client.request("GET", f"{live_server.issuer}/.well-known/openid-configuration", withhold_token=True)
        endpoints = metadata.json()
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        url, state = client.create_authorization_url(
            endpoints["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        tokens = client.fetch_token(
            endpoints["token_endpoint"], authorization_response=the_user(url), state=state, code_verifier=verifier
        )

        keys = KeySet.import_key_set(client.request("GET", endpoints["jwks_uri"], withhold_token=True).json())
        claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
        assert (claims["iss"], claims["aud"], claims["nonce"]) == (live_server.issuer, registered["client_id"], nonce)

        userinfo = client.get(endpoints["userinfo_endpoint"]).raise_for_status().json()
        assert userinfo["sub"] == claims["sub"]
        assert (userinfo["name"], userinfo["email"]) == ("Ada Lovelace", "ada@example.com")

        fresh = client.refresh_token(endpoints["token_endpoint"], tokens["refresh_token"])
        assert fresh["access_token"] != tokens["access_token"]
        assert client.get(endpoints["userinfo_endpoint"]).json()["sub"] == claims["sub"]

        client.revoke_token(
            endpoints["revocation_endpoint"], fresh["refresh_token"], "refresh_token"
        ).raise_for_status()
        assert client.get(endpoints["userinfo_endpoint"]).status_code == 401
        with pytest.raises(httpx_client.OAuthError, match="invalid_grant"):
            client.refresh_token(endpoints["token_endpoint"], fresh["refresh_token"])


def test_a_single_page_app_without_a_secret(
    live_server: Any, application: Callable[..., dict[str, Any]], the_user: Callable[[str], str]
) -> None:
    registered = application(type="spa")
    with authlib_client(registered, token_endpoint_auth_method="none", scope="openid email") as client:
        verifier = secrets.token_urlsafe(48)
        url, state = client.create_authorization_url(f"{live_server.issuer}/authorize", code_verifier=verifier)
        callback = the_user(url)
        client.fetch_token(
            f"{live_server.issuer}/token", authorization_response=callback, state=state, code_verifier=verifier
        )
        assert client.get(f"{live_server.issuer}/userinfo").json()["email"] == "ada@example.com"


def test_client_credentials(live_server: Any) -> None:
    with httpx_client.OAuth2Client("machine", SECRET, trust_env=False) as client:
        token = client.fetch_token(
            f"{live_server.issuer}/token",
            grant_type="client_credentials",
            resource=ORDERS,
            scope="orders:read",
        )
        assert token["scope"] == "orders:read"
        assert token["access_token"].count(".") == 2
