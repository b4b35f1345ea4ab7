""" "expires_in … The lifetime in seconds of the access token." RFC 6749 §5.1: the application's, the API's, or ours."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.testing import ORDERS, Credenza, RelyingParty


@pytest.fixture
def credenza_settings() -> dict[str, Any]:
    """Set after the applications were made, as after a restart."""
    return {"access_token_lifetime": 120}


@pytest.mark.parametrize(
    ("application", "api", "lifetime"),
    [(None, None, 120), (60, None, 60), (900, None, 900), (None, 1800, 1800), (900, 60, 60), (60, 900, 60)],
)
def test_5_1_the_shortest_that_was_set_counts_and_without_any_the_servers(
    credenza: Credenza, application: int | None, api: int | None, lifetime: int
) -> None:
    credenza.apply(
        {
            "api_resources": [{"identifier": ORDERS, "name": "Orders", "token_lifetime": api}],
            "applications": [{"client_id": "machine", "name": "Night Job", "access_token_lifetime": application}],
        }
    )
    machine = RelyingParty(credenza, "machine", "")
    answer = machine.post("/token", {"grant_type": "client_credentials", "resource": ORDERS, "scope": "orders:read"})
    assert answer.json()["expires_in"] == lifetime


def test_5_1_a_token_for_userinfo_lives_as_long_as_the_server_says(client: RelyingParty, user_agent: Any) -> None:
    assert client.tokens(user_agent.authorize(client))["expires_in"] == 120
