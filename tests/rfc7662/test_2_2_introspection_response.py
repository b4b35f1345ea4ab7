"""What is said of a token, and of what is none. RFC 7662 §2.2."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from credenza.testing import ORDERS, Credenza, RelyingParty, UserAgent


@pytest.fixture
def tokens(user_agent: UserAgent, client: RelyingParty) -> dict[str, Any]:
    return client.tokens(user_agent.authorize(client, scope="openid email offline_access"))


def test_an_active_token_with_its_members(credenza: Credenza, client: RelyingParty, tokens: dict[str, Any]) -> None:
    """ "active REQUIRED"; the others as a resource server reads them, times as "the number of seconds since
    January 1 1970 UTC". RFC 7662 §2.2.
    """
    answer = client.post("/introspect", {"token": tokens["access_token"]})
    assert answer.headers["content-type"] == "application/json"
    said = answer.json()
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert said["active"] is True
    assert set(said["scope"].split(" ")) == {"openid", "email", "offline_access"}
    assert (said["client_id"], said["username"], said["token_type"]) == ("app", "ada", "Bearer")
    assert (said["sub"], said["aud"], said["iss"]) == (claims["sub"], credenza.issuer, credenza.issuer)
    assert said["exp"] - said["iat"] == tokens["expires_in"]


def test_a_token_for_an_api_says_which(user_agent: UserAgent, client: RelyingParty) -> None:
    """aud: the "intended audience for this token", as RFC 7519 defines it. RFC 7662 §2.2."""
    seen = user_agent.authorize(client, scope="openid orders:read", resource=ORDERS)
    said = client.introspect(client.tokens(seen, resource=ORDERS)["access_token"])
    assert (said["aud"], said["scope"]) == (ORDERS, "orders:read")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("why", ["unknown", "revoked", "expired", "of somebody else"])
def test_of_what_is_not_active_nothing_else_is_said(
    credenza: Credenza, client: RelyingParty, tokens: dict[str, Any], kind: str, why: str
) -> None:
    """ "the authorization server SHOULD NOT include any additional information about an inactive token, including why
    the token is inactive." RFC 7662 §2.2.
    """
    party, token = client, tokens[kind]
    assert client.introspect(token)["active"] is True
    if why == "unknown":
        token = f"{token}x"
    elif why == "revoked":
        client.revoke(token)
    elif why == "expired":
        credenza.clock.move(client.introspect(token)["exp"] - credenza.clock.now())
    else:
        party = RelyingParty(credenza, "own", "")
    answer = party.post("/introspect", {"token": token})
    assert (answer.status_code, answer.json()) == (200, {"active": False})
