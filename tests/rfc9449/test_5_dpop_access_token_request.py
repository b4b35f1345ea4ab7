"""What a proof at the token endpoint binds. RFC 9449 §5."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.testing import Credenza, RelyingParty, UserAgent

from .conftest import Key, redeem, userinfo


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "RS256"])
def test_a_proof_binds_the_access_token(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, alg: str
) -> None:
    """ "A token_type of DPoP MUST be included in the access token response to signal to the client that the access
    token was bound to its DPoP key". RFC 9449 §5, §6.2. SECURITY R-DP-06.
    """
    key = Key(alg)
    tokens = redeem(client, user_agent.authorize(client), key).json()
    assert tokens["token_type"] == "DPoP"
    token = tokens["access_token"]
    answer = userinfo(credenza, token, key.proof("/userinfo", "GET", token=token))
    assert answer.json()["email"] == "ada@example.com"
    introspected = client.introspect(token)
    assert introspected["token_type"] == "DPoP"
    assert len(introspected["cnf"]["jkt"]) == 43


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"typ": "JWT"}, "typ must be dpop+jwt"),
        ({"jwk": None}, "has no jwk"),
        ({"jwk": Key().private_jwk}, "private key"),
        ({"jwk": Key().jwk}, "signature does not match"),
        ({"exp": 1}, "expired"),
        ({"now": 1}, "more than 60 seconds ago"),
        ({"htm": "GET"}, "htm must be POST, and htu https://id.example.com/token"),
        ({"htu": "http://internal:8400/token"}, "htm must be POST, and htu https://id.example.com/token"),
    ],
)
def test_whoever_made_the_proof_is_told_what_is_wrong(
    user_agent: UserAgent, client: RelyingParty, key: Key, changes: dict[str, Any], told: str
) -> None:
    """It brings its own key, so nobody else's secret is in the answer."""
    answer = redeem(client, user_agent.authorize(client), key, **changes).json()
    assert told in answer["error_description"]


def test_refresh_tokens_of_public_clients_are_bound(user_agent: UserAgent, spa: RelyingParty, key: Key) -> None:
    """ "the refresh token MUST be bound to the respective public key. The binding MUST be validated when the refresh
    token is later presented". RFC 9449 §5. SECURITY A-REF-14.
    """
    tokens = redeem(spa, user_agent.authorize(spa, scope="openid offline_access"), key).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert spa.post("/token", form).status_code == 400
    assert spa.post("/token", form, headers={"dpop": Key().proof("/token")}).status_code == 400
    refreshed = spa.post("/token", form, headers={"dpop": key.proof("/token")})
    assert refreshed.status_code == 200
    assert refreshed.json()["token_type"] == "DPoP"
    form["refresh_token"] = refreshed.json()["refresh_token"]  # the key goes on to the successor
    assert spa.post("/token", form, headers={"dpop": Key().proof("/token")}).status_code == 400
    assert spa.post("/token", form).status_code == 400
    assert spa.post("/token", form, headers={"dpop": key.proof("/token")}).status_code == 200


def test_refresh_tokens_of_confidential_clients_take_a_new_key(
    user_agent: UserAgent, client: RelyingParty, key: Key
) -> None:
    """FAPI 2.0: "a new DPoP key is accepted"."""
    tokens = redeem(client, user_agent.authorize(client, scope="openid offline_access"), key).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert client.post("/token", form, headers={"dpop": Key().proof("/token")}).json()["token_type"] == "DPoP"
