"""What a client may have revoked, and what goes with it. RFC 7009 §2, §2.1."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.testing import Credenza, RelyingParty, UserAgent


@pytest.fixture
def tokens(user_agent: UserAgent, client: RelyingParty) -> dict[str, Any]:
    return client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))


def test_2_refresh_tokens_and_access_tokens_can_be_revoked(
    user_agent: UserAgent, client: RelyingParty, tokens: dict[str, Any]
) -> None:
    """ "Implementations MUST support the revocation of refresh tokens and SHOULD support the revocation of access
    tokens". RFC 7009 §2.
    """
    assert client.revoke(tokens["access_token"]).status_code == 200
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    other = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    assert client.revoke(other["refresh_token"]).status_code == 200
    assert client.refresh(other["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_public_client_revokes_its_own_without_credentials(
    user_agent: UserAgent, spa: RelyingParty, kind: str
) -> None:
    """The server "first validates the client credentials (in case of a confidential client)". RFC 7009 §2.1."""
    given = spa.tokens(user_agent.authorize(spa, scope="openid profile offline_access"))
    assert spa.revoke(given[kind]).status_code == 200
    assert spa.userinfo(given["access_token"]).status_code == 401
    assert (spa.refresh(given["refresh_token"]).status_code == 200) is (kind == "access_token")


def test_without_credentials_nobody_else_does(credenza: Credenza, client: RelyingParty, tokens: dict[str, Any]) -> None:
    answer = credenza.request("POST", "/revoke", data={"token": tokens["access_token"], "client_id": "app"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert client.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_of_somebody_else_is_refused_and_lives(
    credenza: Credenza, client: RelyingParty, tokens: dict[str, Any], kind: str
) -> None:
    """The server "verifies whether the token was issued to the client making the revocation request. If this
    validation fails, the request is refused and the client is informed of the error". RFC 7009 §2.1.
    """
    answer = RelyingParty(credenza, "own", "").revoke(tokens[kind])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert client.introspect(tokens[kind])["active"] is True


def test_it_takes_effect_at_once(client: RelyingParty, tokens: dict[str, Any]) -> None:
    """ "The invalidation takes place immediately, and the token cannot be used again after the revocation." RFC 7009
    §2.1.
    """
    assert client.userinfo(tokens["access_token"]).status_code == 200
    client.revoke(tokens["access_token"])
    assert client.userinfo(tokens["access_token"]).status_code == 401


def test_a_refresh_token_takes_the_access_tokens_of_its_grant_along(
    client: RelyingParty, tokens: dict[str, Any]
) -> None:
    """ "the authorization server SHOULD also invalidate all access tokens based on the same authorization grant".
    RFC 7009 §2.1.
    """
    client.revoke(tokens["refresh_token"])
    assert client.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_wrong_hint_does_not_hide_the_token(client: RelyingParty, tokens: dict[str, Any], kind: str) -> None:
    """ "If the server is unable to locate the token using the given hint, it MUST extend its search across all of its
    supported token types." RFC 7009 §2.1.
    """
    other = {"access_token": "refresh_token", "refresh_token": "access_token"}[kind]
    assert client.revoke(tokens[kind], token_type_hint=other).status_code == 200
    assert client.introspect(tokens[kind]) == {"active": False}
