"""Authlib, as its documentation uses it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

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


def test_private_key_jwt_and_introspection(
    live_server: Any, application: Callable[..., dict[str, Any]], the_user: Callable[[str], str]
) -> None:
    """Its assertions are for the token endpoint, wherever they go. Left alone they live for an hour: too long."""
    from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign

    class ShortLived(PrivateKeyJWT):  # type: ignore[misc,no-any-unimported,unused-ignore]
        def sign(self, auth: Any, token_endpoint: str) -> str:
            signed = private_key_jwt_sign(auth.client_secret, auth.client_id, token_endpoint, expires_in=60)
            return str(signed)

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = pyjwt.get_algorithm_by_name("RS256").to_jwk(key.public_key(), as_dict=True)
    public.pop("key_ops", None)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    registered = application(token_endpoint_auth_method="private_key_jwt", client_secret=None, jwks={"keys": [public]})
    token_endpoint = f"{live_server.issuer}/token"
    methods = {"token_endpoint_auth_method": "private_key_jwt", "revocation_endpoint_auth_method": "private_key_jwt"}
    with authlib_client(registered, client_secret=RSAKey.import_key(pem), **methods) as client:
        client.register_client_auth_method(PrivateKeyJWT(token_endpoint))
        with pytest.raises(httpx_client.OAuthError, match="exp is too far ahead"):
            client.fetch_token(token_endpoint, grant_type="refresh_token", refresh_token="x")
        client.register_client_auth_method(ShortLived(token_endpoint))

        verifier = secrets.token_urlsafe(48)
        url, state = client.create_authorization_url(f"{live_server.issuer}/authorize", code_verifier=verifier)
        tokens = client.fetch_token(
            token_endpoint, authorization_response=the_user(url), state=state, code_verifier=verifier
        )
        fresh = client.refresh_token(token_endpoint, tokens["refresh_token"])
        known = client.introspect_token(f"{live_server.issuer}/introspect", fresh["access_token"]).json()
        assert (known["active"], known["client_id"]) == (True, registered["client_id"])
        client.revoke_token(f"{live_server.issuer}/revoke", fresh["refresh_token"]).raise_for_status()
        gone = client.introspect_token(f"{live_server.issuer}/introspect", fresh["access_token"]).json()
        assert gone == {"active": False}


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
