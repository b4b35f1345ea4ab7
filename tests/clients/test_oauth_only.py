"""A plain OAuth 2.0 client in the shape of Apache Answer's connector: no PKCE, no nonce, the secret in the body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("scope", ["profile email", "openid profile email"])
def test_it_gets_the_users_name_and_email(
    live_server: Any, application: Callable[..., dict[str, Any]], the_user: Callable[[str], str], scope: str
) -> None:
    registered = application(token_endpoint_auth_method="client_secret_post", require_pkce=False)
    redirect_uri = registered["redirect_uris"][0]
    query = {
        "client_id": registered["client_id"],
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": scope,
        "state": "a-state",
    }
    answer = parse_qs(urlsplit(the_user(f"{live_server.issuer}/authorize?{urlencode(query)}")).query)
    assert answer["state"] == ["a-state"]
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"][0],
        "redirect_uri": redirect_uri,
        "client_id": registered["client_id"],
        "client_secret": registered["client_secret"],
    }
    with httpx.Client(trust_env=False) as http:
        tokens = http.post(f"{live_server.issuer}/token", data=form).raise_for_status().json()
        assert tokens["token_type"].lower() == "bearer"
        assert ("id_token" in tokens) == ("openid" in scope)
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        userinfo = http.get(f"{live_server.issuer}/userinfo", headers=headers).raise_for_status()
    assert userinfo.headers["content-type"].startswith("application/json")
    assert userinfo.json()["sub"]
    assert userinfo.json()["name"] == "Ada Lovelace"
    assert userinfo.json()["email"] == "ada@example.com"
    assert userinfo.json()["email_verified"] is True
