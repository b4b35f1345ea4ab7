"""Whose tokens can be exchanged, and which. RFC 8693 §2.1."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.testing import SECRET, Credenza, RelyingParty, UserAgent

from .conftest import EXCHANGE, exchange


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_only_an_access_token_can_be_exchanged(client: RelyingParty, tokens: dict[str, Any], kind: str) -> None:
    """SECURITY R-AT-04."""
    assert exchange(client, tokens[kind]).json()["error"] == "invalid_request"


def test_only_ones_own_token_can_be_exchanged(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, tokens: dict[str, Any]
) -> None:
    other = {
        "client_id": "other",
        "client_secret": SECRET,
        "name": "Other",
        "type": "traditional",
        "third_party": False,  # nobody's consent is in its way
        "redirect_uris": ["https://other.example.com/cb"],
        "grant_types": ["authorization_code", EXCHANGE],
    }
    credenza.apply({"applications": [other]})
    stranger = RelyingParty(credenza, "other", "https://other.example.com/cb")
    assert exchange(stranger, tokens["access_token"]).json()["error"] == "invalid_request"
    assert client.introspect(tokens["access_token"])["active"] is True, "and it lives on"


def test_a_dead_token_cannot_be_exchanged(client: RelyingParty, tokens: dict[str, Any]) -> None:
    client.revoke(tokens["access_token"])
    assert exchange(client, tokens["access_token"]).json()["error"] == "invalid_request"


def test_it_is_off_unless_the_application_has_it(credenza: Credenza, user_agent: UserAgent) -> None:
    """SECURITY R-TK-13."""
    own = RelyingParty(credenza, "own", "https://own.example.com/cb")
    token = own.tokens(user_agent.authorize(own))["access_token"]
    assert exchange(own, token).json()["error"] == "unauthorized_client"
    for name in ("spa", "machine"):
        party = RelyingParty(credenza, name, "", auth_method="none" if name == "spa" else "client_secret_basic")
        assert exchange(party, token).json()["error"] == "unauthorized_client"
