"""What a token can be exchanged for, and how long that lives. RFC 8693 §2, §2.2.1."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.testing import ORDERS, Credenza, RelyingParty, UserAgent

from .conftest import ACCESS_TOKEN, STOCK, authorize, exchange, read


@pytest.mark.parametrize("parameter", ["resource", "audience"])
def test_a_token_for_another_resource(client: RelyingParty, tokens: dict[str, Any], parameter: str) -> None:
    """ "issued_token_type REQUIRED". RFC 8693 §2.1, §2.2.1."""
    response = exchange(client, tokens["access_token"], **{parameter: STOCK})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["issued_token_type"] == ACCESS_TOKEN
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "stock:read")
    assert {"refresh_token", "id_token"}.isdisjoint(answer)
    claims, before = read(answer["access_token"]), read(tokens["access_token"])
    assert (claims["aud"], claims["sub"], claims["client_id"]) == (STOCK, before["sub"], "app")
    assert {"auth_time", "acr", "amr"} <= before.keys(), "RFC 9068 §2.2.1"
    assert all(claims[name] == before[name] for name in ("auth_time", "acr", "amr"))
    assert client.introspect(answer["access_token"])["scope"] == "stock:read"


def test_without_a_target_it_stays_where_it_is_and_can_only_become_less(
    client: RelyingParty, tokens: dict[str, Any]
) -> None:
    same = exchange(client, tokens["access_token"]).json()
    assert set(same["scope"].split()) == {"orders:read", "orders:write"}
    less = exchange(client, tokens["access_token"], scope="orders:read").json()
    assert less["scope"] == "orders:read"
    for wider in ("orders:write", "orders:read orders:write"):
        again = exchange(client, less["access_token"], scope=wider)
        assert "orders:write" not in again.json().get("scope", ""), again.text
    assert exchange(client, less["access_token"]).json()["scope"] == "orders:read"


def test_what_was_narrowed_stays_so_by_way_of_another_resource(client: RelyingParty, tokens: dict[str, Any]) -> None:
    """There and back again brings no more than one went away with; what was given up on the way neither."""
    less = exchange(client, tokens["access_token"], scope="orders:read").json()
    there = exchange(client, less["access_token"], resource=STOCK).json()
    assert there["scope"] == "stock:read"
    back = exchange(client, there["access_token"], resource=ORDERS).json()
    assert back["scope"] == "orders:read"
    assert exchange(client, back["access_token"], resource=STOCK).json()["scope"] == "stock:read"
    wider = exchange(client, there["access_token"], resource=ORDERS, scope="orders:write")
    assert wider.json()["error"] == "invalid_scope", wider.text


def test_it_never_lives_longer_than_the_token_it_came_from(
    credenza: Credenza, client: RelyingParty, tokens: dict[str, Any]
) -> None:
    credenza.clock.move(400)
    answer = exchange(client, tokens["access_token"], resource=STOCK).json()
    assert read(answer["access_token"])["exp"] == read(tokens["access_token"])["exp"]
    assert answer["expires_in"] <= 200
    credenza.clock.move(201)
    assert client.introspect(answer["access_token"]) == {"active": False}


def test_another_organization_needs_a_consent_of_its_own(
    user_agent: UserAgent, client: RelyingParty, tokens: dict[str, Any], ids: dict[str, str]
) -> None:
    refused = exchange(client, tokens["access_token"], organization_id=ids["Basalt"])
    assert refused.json()["error"] == "invalid_request"
    here = exchange(client, tokens["access_token"], resource=f"urn:credenza:organization:{ids['Acme']}").json()
    assert here["scope"] == "members:read"
    authorize(user_agent, client, ids["Basalt"], prompt="consent")
    elsewhere = exchange(client, tokens["access_token"], organization_id=ids["Basalt"])
    assert "orders:read" not in elsewhere.json()["scope"].split(), "whoever moves leaves the resource too"
    target = f"urn:credenza:organization:{ids['Basalt']}"
    answer = exchange(client, tokens["access_token"], organization_id=ids["Basalt"], resource=target)
    assert answer.status_code == 200, answer.text
    assert (read(answer.json()["access_token"])["aud"], answer.json()["scope"]) == (target, "members:read")


def test_what_was_taken_away_since_is_gone(credenza: Credenza, client: RelyingParty, tokens: dict[str, Any]) -> None:
    """It is decided again, at this moment. PRODUCT M10."""
    credenza.apply({"roles": [{"name": "support", "permissions": {ORDERS: ["orders:read"]}}]})
    assert exchange(client, tokens["access_token"], resource=STOCK).json()["error"] == "invalid_target"
    assert exchange(client, tokens["access_token"]).json()["scope"] == "orders:read"
    credenza.apply({"users": [{"username": "ada", "suspended": True}]})
    assert exchange(client, tokens["access_token"]).json()["error"] == "invalid_request"


def test_ending_the_authorization_ends_what_was_exchanged(client: RelyingParty, tokens: dict[str, Any]) -> None:
    answer = exchange(client, tokens["access_token"], resource=STOCK).json()
    assert client.revoke(tokens["refresh_token"]).status_code == 200
    assert client.introspect(answer["access_token"]) == {"active": False}


def test_the_end_of_a_token_alone_does_not_end_what_was_exchanged_for_it(
    client: RelyingParty, tokens: dict[str, Any]
) -> None:
    """RFC 7009 §2.1: it is revoked by itself; docs/how-to/applications.md says so."""
    answer = exchange(client, tokens["access_token"], resource=STOCK).json()
    assert client.revoke(tokens["access_token"]).status_code == 200
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert client.introspect(answer["access_token"])["active"] is True
    client.revoke(answer["access_token"])
    assert client.introspect(answer["access_token"]) == {"active": False}
