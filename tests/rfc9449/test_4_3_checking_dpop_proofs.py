"""Which proofs are good. RFC 9449 §4.3."""

from __future__ import annotations

import time
from typing import Any

import pytest

from credenza.testing import Credenza, RelyingParty, UserAgent

from .conftest import Key, redeem, userinfo


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 513},
        {"jti": "x\0y"},
        {"htm": None},
        {"htm": "GET"},
        {"htu": None},
        {"htu": "https://id.example.com/par"},
        {"htu": "https://evil.example/token"},
        {"htu": "http://id.example.com/token"},
        {"htu": "https://id.example.com:8443/token"},
        {"htu": "https://id.example.com:port/token"},
        {"htu": "https://ada@id.example.com/token"},
        {"htu": "https://[id.example.com/token"},
        {"iat": None},
        {"iat": "now"},
        {"iat": 1e400},
        {"exp": 1},
        {"nbf": int(time.time()) + 3600},
        {"now": 1},
        {"now": 2**50},
        {"jwk": {"kty": "EC"}},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": None},
        {"jwk": Key().jwk},
        {"jwk": Key().private_jwk},
    ],
)
def test_a_wrong_proof_is_refused(
    user_agent: UserAgent, client: RelyingParty, key: Key, changes: dict[str, Any]
) -> None:
    """ "If the DPoP proof is invalid, the authorization server issues an error response … with invalid_dpop_proof as
    the value of the error parameter." RFC 9449 §5, §4.3. SECURITY R-DP-01, R-DP-02, R-DP-03, A-DPO-02, A-DPO-04.
    """
    response = redeem(client, user_agent.authorize(client), key, **changes)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")
    assert "access_token" not in response.text


@pytest.mark.parametrize(("seconds", "status"), [(-61, 400), (-55, 200), (60, 200), (66, 400)])
def test_a_proof_is_good_for_a_minute_before_and_after(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, key: Key, seconds: int, status: int
) -> None:
    """ "The creation time of the JWT … is within an acceptable window". RFC 9449 §4.3."""
    response = redeem(client, user_agent.authorize(client), key, now=credenza.clock.now() + seconds)
    assert response.status_code == status


def test_two_proofs_in_one_header_are_refused_as_such(credenza: Credenza, token: str, key: Key) -> None:
    """ "There is not more than one DPoP HTTP request header field." RFC 9449 §4.3."""
    proofs = ", ".join(key.proof("/userinfo", "GET", token=token) for _ in range(2))
    assert "exactly one" in userinfo(credenza, token, proofs).json()["error_description"]


def test_query_and_fragment_of_htu_do_not_count(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    """htu is compared with "the HTTP URI value for the HTTP request … ignoring any query and fragment parts", after
    normalization. RFC 9449 §4.3, RFC 3986 §6.2.2, §6.2.3.
    """
    response = redeem(client, user_agent.authorize(client), key, htu="HTTPS://ID.example.com:443/token?a=b#c")
    assert response.status_code == 200


@pytest.mark.parametrize("seconds", [-10, 8, 10])
def test_a_clock_that_is_a_little_off_is_accepted(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, key: Key, seconds: int
) -> None:
    response = redeem(client, user_agent.authorize(client), key, now=credenza.clock.now() + seconds)
    assert response.status_code == 200
