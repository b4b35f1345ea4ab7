"""Registration, management and clean-up on each database engine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from PIL import Image

import credenza_unregistered.store
from credenza import count_reach, store_image
from credenza.store.clients import ClientRow, delete_client, find_client, switch_client
from credenza.testing import Credenza, RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests

PUBLIC: dict[str, Any] = {"redirect_uris": ["https://gull.example.net/cb"], "token_endpoint_auth_method": "none"}
GRANTS = {"grant_types": ["authorization_code", "refresh_token"]}


@pytest.fixture
def credenza(filled_database_url: str) -> Iterator[Credenza]:
    settings = settings_for_tests(filled_database_url, registration="open", registration_limit_per_hour=1000)
    with running(settings) as started:
        yield started


def register(credenza: Credenza, **changes: Any) -> dict[str, Any]:
    response = credenza.request("POST", "/register", json=PUBLIC | changes)
    assert response.status_code == 201, response.text
    return dict(response.json())


def test_the_life_of_a_registration(credenza: Credenza) -> None:
    made = register(credenza)
    address = f"/register/{made['client_id']}"
    headers = {"authorization": f"Bearer {made['registration_access_token']}"}
    body = {**PUBLIC, "client_id": made["client_id"], "client_name": "Gull Watch"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: credenza.request("PUT", address, json=body, headers=headers), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    (token,) = [a.json()["registration_access_token"] for a in answers if a.status_code == 200]
    headers = {"authorization": f"Bearer {token}"}
    assert credenza.request("GET", address, headers=headers).json()["client_name"] == "Gull Watch"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: credenza.request("DELETE", address, headers=headers), range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 401, 401, 401]


def test_identical_registrations_are_one(credenza: Credenza) -> None:
    assert register(credenza)["client_id"] == register(credenza)["client_id"]


def test_unused_clients_are_deleted_and_used_ones_stay(credenza: Credenza) -> None:
    unused, used = register(credenza), register(credenza, client_name="Used", **GRANTS)
    client = RelyingParty(credenza, used["client_id"], used["redirect_uris"][0], auth_method="none")
    client.tokens(UserAgent(credenza).authorize(client, scope="openid offline_access"))
    before = credenza.run(ClientRow.count)
    credenza.clock.move(31 * 24 * 3600)
    ((_, cleaner), _) = [found for found in credenza.server.cleaners if found[0] == "unregistered"]
    live = client.refresh("x").status_code == 400  # it is in use again
    assert live
    assert credenza.run(cleaner, credenza.server.now()) == 1
    assert credenza.run(ClientRow.count) == before - 1
    assert credenza.run(credenza.server.find_client, unused["client_id"]) is None


def test_copies_of_logos_go_with_their_clients(credenza: Credenza) -> None:
    out = io.BytesIO()
    Image.new("RGB", (20, 20), "teal").save(out, "PNG")
    ids = [register(credenza, client_name=name)["client_id"] for name in ("One", "Two")]
    owners = [*map(credenza_unregistered.store.owner_of_logo, ids), ""]
    now = credenza.server.now()
    copies = [credenza.run(partial(store_image, out.getvalue(), now, owner=owner)) for owner in owners]
    credenza.run(delete_client, ids[0])
    (_, (_, cleaner)) = [found for found in credenza.server.cleaners if found[0] == "unregistered"]
    assert credenza.run(cleaner, now + 3600) == 0  # perhaps of one that is about to be registered
    assert credenza.run(cleaner, now + 3601) == 1
    assert [credenza.request("GET", copy).status_code for copy in copies] == [404, 200, 200]


def test_too_many_unused_clients_push_out_the_oldest(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credenza_unregistered.store, "MOST_UNUSED", 1)
    first, second = (register(credenza, client_name=name)["client_id"] for name in ("One", "Two"))
    credenza.clock.move(3700)
    register(credenza, client_name="Three")
    assert credenza.run(credenza.server.find_client, first) is None
    assert credenza.run(credenza.server.find_client, second) is not None


def test_a_mcp_04_a_client_that_was_disabled_by_itself_stays_so_whatever_is_decided_about_its_host(
    credenza: Credenza,
) -> None:
    """A-MCP-04: allowing the host, or what its applications may ask for, switched it on again."""
    disabled, other = register(credenza)["client_id"], register(credenza, client_name="Other")["client_id"]
    credenza.run(switch_client, disabled, enabled=False, now=credenza.server.now())

    def enabled() -> list[bool]:
        found = [credenza.run(find_client, key, credenza.server.client_types) for key in (disabled, other)]
        return [client is not None and client.enabled for client in found]

    def decide(*decisions: dict[str, object]) -> None:
        credenza.apply({"unregistered": {"hosts": list(decisions)}}, prune=not decisions)

    host = {"host": "gull.example.net"}
    for allowed in (
        {**host, "decision": "allowed"},
        {**host, "decision": "allowed", "permissions": {"profile": ["email"]}},
    ):
        decide(allowed)
        assert enabled() == [False, True]
    for after in ([{**host, "decision": "allowed"}], []):
        decide({**host, "decision": "blocked"})
        assert enabled() == [False, False]
        decide(*after)
        assert enabled() == [False, True]


def test_what_a_block_ends_is_counted(credenza: Credenza) -> None:
    register(credenza)
    register(credenza, redirect_uris=["https://gull.example.net:8443/cb", "https://other.example/cb"])
    register(credenza, redirect_uris=["https://other.example/cb"])
    for host, number in (("gull.example.net", 2), ("gull.example.net:8443", 1), ("example.net", 0), ("%", 0)):
        assert credenza.run(credenza_unregistered.store.count_under_host, host) == number, host
        reach = credenza.run(count_reach, 1, clients=credenza_unregistered.store.under_host(host))
        assert not reach.any
