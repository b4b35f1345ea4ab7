"""What may be pushed, and by whom. RFC 9126 §2.1."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from credenza.testing import Credenza, RelyingParty

from .conftest import push, stored


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"scope": "openid address"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
    ],
)
def test_everything_is_checked_at_once(client: RelyingParty, changes: dict[str, str | None], error: str) -> None:
    """ "Validate the pushed request as it would an authorization request sent to the authorization endpoint", and
    "Reject the request if the request_uri authorization request parameter is provided." RFC 9126 §2.1. SECURITY
    R-PA-01, R-PA-02.
    """
    response = push(client, **changes)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_it_authenticates_like_the_token_endpoint(credenza: Credenza, client: RelyingParty) -> None:
    """ "Authenticate the client in the same way as at the token endpoint", RFC 9126 §2.1; without POST it is a 405,
    §2.3.

    SECURITY A-REQ-02, R-TK-08.
    """
    client.secret = "wrong"
    assert push(client).status_code == 401
    assert credenza.request("POST", "/par", data={"client_id": "app"}).status_code == 401
    assert credenza.request("GET", "/par").status_code == 405
    assert credenza.request("PUT", "/par").status_code == 405


def test_nobody_pushes_a_request_of_another_client(client: RelyingParty) -> None:
    """ "Authenticate the client": it is the one whose request that is. RFC 9126 §2.1."""
    answer = push(client, client_id="own")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_strangers_leave_only_so_much_behind(credenza: Credenza, client: RelyingParty, spa: RelyingParty) -> None:
    """A public client is whoever says so; one with credentials is not limited. SECURITY G1, G2."""

    def push_from(party: RelyingParty, address: str) -> int:
        request = dict(parse_qsl(urlsplit(party.authorization_url()).query))
        return party.post("/par", request, address=address).status_code

    answers = [push_from(spa, "2001:db8:0:1::1")]
    while answers[-1] == 201 and len(answers) < 1000:
        answers.append(push_from(spa, f"2001:db8:0:1::{len(answers):x}"))
    assert answers[-1] == 429
    assert len(stored(credenza)) == answers.count(201) >= 100
    assert push_from(spa, "2001:db8:0:2::1") == 201
    assert {push_from(client, "2001:db8:0:1::1") for _ in range(3)} == {201}


def test_a_request_of_no_honest_length_is_not_kept(credenza: Credenza, client: RelyingParty) -> None:
    response = push(client, junk="x" * 40_000)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert stored(credenza) == []
    assert push(client, state="\u4e2d" * 2048, login_hint="x" * 10_000).status_code == 201
