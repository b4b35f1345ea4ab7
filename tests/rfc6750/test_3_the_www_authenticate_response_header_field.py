"""How a request is answered whose token is missing, wrong or not enough. RFC 6750 §3, §3.1."""

from __future__ import annotations

import pytest

from credenza.testing import Credenza, RelyingParty, UserAgent


def test_a_token_in_two_places_is_answered_with_a_challenge(credenza: Credenza, token: str) -> None:
    """ "If the protected resource request … does not contain an access token that enables access to the protected
    resource, the resource server MUST include the HTTP WWW-Authenticate response header field". RFC 6750 §3.
    """
    headers = {"authorization": f"Bearer {token}"}
    answer = credenza.request("POST", "/userinfo", data={"access_token": token}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert 'Bearer realm="Credenza", error="invalid_request"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("authorization", ["", "Basic YXBwOnNlY3JldA==", "Negotiate abc", "token-without-a-scheme"])
def test_3_1_no_error_for_whoever_brought_no_token(credenza: Credenza, authorization: str) -> None:
    """ "If the request lacks any authentication information (e.g., the client was unaware that authentication is
    necessary or attempted using an unsupported authentication method), the resource server SHOULD NOT include an error
    code or other error information." RFC 6750 §3.1.
    """
    answer = credenza.request("GET", "/userinfo", headers={"authorization": authorization} if authorization else {})
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["www-authenticate"] == 'Bearer realm="Credenza"'


def test_3_1_a_token_that_is_not_good_is_an_invalid_token(client: RelyingParty, token: str) -> None:
    """ "The access token provided is expired, revoked, malformed, or invalid for other reasons": 401. RFC 6750 §3.1."""
    client.revoke(token)
    for value in (token, "malformed", "a b"):
        answer = client.userinfo(value)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_3_1_a_token_that_is_not_enough_has_an_insufficient_scope(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "The request requires higher privileges than provided by the access token": 403. RFC 6750 §3.1."""
    answer = client.userinfo(client.tokens(user_agent.authorize(client, scope=None))["access_token"])
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
