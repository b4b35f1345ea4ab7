"""The token response of OpenID Connect, and the ID token in it; what a later one keeps."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import jwt
import pytest

from credenza.testing import ISSUER, Credenza, RelyingParty, UserAgent


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_3_1_3_2_a_code_is_for_the_client_that_it_was_issued_to(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """ "Verify that the Authorization Code was issued to the authenticated Client", for that redirect URI.

    OpenID Connect Core §3.1.3.2.
    """
    callback = user_agent.authorize(client)
    other = RelyingParty(credenza, "own", "https://own.example.com/cb")
    other.verifier = client.verifier
    answer = other.redeem(callback, redirect_uri=client.redirect_uri)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    answer = client.redeem(callback, redirect_uri="https://app.example.com/cb?tenant=1")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_3_1_3_3_the_response_has_an_id_token_and_is_kept_by_nobody(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    """ "All Token Responses that contain tokens, secrets, or other sensitive information MUST include … no-store".

    OpenID Connect Core §3.1.3.3.
    """
    answer = client.redeem(user_agent.authorize(client))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("application/json")
    tokens = answer.json()
    assert tokens["token_type"] == "Bearer"
    assert claims_of(tokens["id_token"])["iss"] == ISSUER


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_3_1_3_6_at_hash_is_the_left_half_of_the_hash(credenza: Credenza, user_agent: UserAgent, alg: str) -> None:
    """ "The base64url encoding of the left-most half of the hash of the octets of the ASCII representation of the
    access_token value". OpenID Connect Core §3.1.3.6.
    """
    credenza.apply({"applications": [{"client_id": "app", "id_token_signed_response_alg": alg}]})
    client = RelyingParty(credenza, "app", "https://app.example.com/cb")
    tokens = client.tokens(user_agent.authorize(client))
    assert jwt.get_unverified_header(tokens["id_token"])["alg"] == alg
    half = hashlib.sha256(tokens["access_token"].encode("ascii")).digest()[:16]
    assert claims_of(tokens["id_token"])["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")


def test_12_2_the_id_token_of_a_refresh_is_about_the_same_sign_in(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """ "its iss Claim Value MUST be the same … its sub … its aud … its auth_time Claim MUST represent the time of the
    original authentication … it SHOULD NOT have a nonce Claim". OpenID Connect Core §12.2.
    """
    first = client.tokens(user_agent.authorize(client, scope="openid offline_access", max_age="1000"))
    credenza.clock.move(100)
    later = client.refresh(first["refresh_token"]).json()
    before, after = claims_of(first["id_token"]), claims_of(later["id_token"])
    for name in ("iss", "sub", "aud", "auth_time"):
        assert after[name] == before[name]
    assert after["iat"] >= before["iat"] + 100
    assert "nonce" not in after
    half = hashlib.sha256(later["access_token"].encode("ascii")).digest()[:16]
    assert after["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")
