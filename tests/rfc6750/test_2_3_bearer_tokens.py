"""RFC 6750, the use of bearer tokens, at UserInfo."""

from __future__ import annotations

import pytest

from credenza.testing import Credenza, RelyingParty, UserAgent


@pytest.fixture
def token(user_agent: UserAgent, client: RelyingParty) -> str:
    return str(client.tokens(user_agent.authorize(client))["access_token"])


@pytest.mark.parametrize(
    "content_type", ["Application/X-WWW-Form-URLEncoded", "application/x-www-form-urlencoded ; charset=UTF-8"]
)
def test_2_2_the_token_in_a_form_whatever_letters_its_type_is_written_in(
    credenza: Credenza, token: str, content_type: str
) -> None:
    """ "The type and subtype tokens are case-insensitive." RFC 9110 §8.3.1."""
    body = f"access_token={token}"
    answer = credenza.request("POST", "/userinfo", content=body, headers={"content-type": content_type})
    assert answer.status_code == 200


def test_2_2_a_body_of_another_type_is_not_read(credenza: Credenza, token: str) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded-not"):
        headers = {"content-type": content_type}
        answer = credenza.request("POST", "/userinfo", content=f"access_token={token}", headers=headers)
        assert answer.status_code == 401


def test_3_1_a_token_in_two_places_is_answered_with_a_challenge(credenza: Credenza, token: str) -> None:
    """ "If the protected resource request … does not contain an access token that enables access to the protected
    resource, the resource server MUST include the HTTP WWW-Authenticate response header field". RFC 6750 §3.
    """
    answer = credenza.request(
        "POST", "/userinfo", data={"access_token": token}, headers={"authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert 'Bearer realm="Credenza", error="invalid_request"' in answer.headers["www-authenticate"]
