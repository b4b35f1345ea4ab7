"""RFC 6749 §1.4 and §1.5: what the two kinds of tokens are, and for whom."""

from __future__ import annotations

import re

from credenza.testing import RelyingParty, UserAgent


def test_1_4_an_access_token_tells_the_client_nothing(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "The string is usually opaque to the client." RFC 6749 §1.4."""
    token = client.tokens(user_agent.authorize(client))["access_token"]
    assert re.fullmatch(r"cz_at_[A-Za-z0-9_-]{43}_[A-Za-z0-9_-]+", token)
    assert client.introspect(token)["active"] is True


def test_1_5_a_refresh_token_opens_nothing_at_a_resource_server(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "Refresh tokens are intended for use only with authorization servers". RFC 6749 §1.5."""
    tokens = client.tokens(user_agent.authorize(client, scope="openid offline_access"))
    assert client.userinfo(tokens["access_token"]).status_code == 200
    answer = client.userinfo(tokens["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_1_5_an_access_token_is_no_refresh_token(user_agent: UserAgent, client: RelyingParty) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid offline_access"))
    answer = client.refresh(tokens["access_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
