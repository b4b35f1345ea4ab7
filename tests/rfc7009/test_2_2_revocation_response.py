"""What is answered. RFC 7009 §2.2, §2.2.1."""

from __future__ import annotations

import pytest

from credenza.testing import Credenza, RelyingParty, UserAgent


@pytest.mark.parametrize("token", ["nonsense", "cz_at_" + "A" * 43, "cz_rt_" + "A" * 43, "a.b.c"])
def test_what_is_no_token_is_no_error(client: RelyingParty, token: str) -> None:
    """ "invalid tokens do not cause an error response since the client cannot handle such an error in a reasonable
    way." RFC 7009 §2.2.
    """
    assert client.revoke(token).status_code == 200


def test_twice_is_as_good_as_once(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "the purpose of the revocation request, invalidating the particular token, is already achieved." RFC 7009
    §2.2.
    """
    token = client.tokens(user_agent.authorize(client))["access_token"]
    assert [client.revoke(token).status_code for _ in range(2)] == [200, 200]


def test_a_hint_that_nobody_knows_is_ignored(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "An invalid token type hint value is ignored by the authorization server and does not influence the revocation
    response." RFC 7009 §2.2.
    """
    token = client.tokens(user_agent.authorize(client))["access_token"]
    assert client.revoke(token, token_type_hint="pickle").status_code == 200
    assert client.introspect(token) == {"active": False}


def test_2_2_1_errors_are_those_of_the_token_endpoint(credenza: Credenza, client: RelyingParty) -> None:
    """ "The error presentation conforms to the definition in Section 5.2 of [RFC6749]." RFC 7009 §2.2.1."""
    missing = client.post("/revoke", {})
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")
    client.secret = "wrong"
    stranger = client.revoke("nonsense")
    assert (stranger.status_code, stranger.json()["error"]) == (401, "invalid_client")
    assert stranger.headers["www-authenticate"].startswith("Basic")
    for answer in (missing, stranger):
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
