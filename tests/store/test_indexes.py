"""What the console and clean-up ask is answered from the indexes that were made for it, and SQLite says so."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from credenza.cleaning import _clean_up
from credenza.store import audit, consents, logout, revocation, user_search, users
from credenza.store.access_tokens import AccessTokenRow, find_access_token
from credenza.store.batches import delete_batch
from credenza.store.migrations import m0002_indexes as indexes
from credenza.store.sqlite import SafeSQLiteEngine
from credenza.testing import Credenza
from credenza_resources.store import list_holders, list_roles
from credenza_unregistered.store import list_waiting

ASKED: dict[str, Callable[[Credenza], Awaitable[object]]] = {
    "credenza_audit_event_user_id": lambda _: audit.list_events(user="u1"),
    "credenza_audit_event_person_id": lambda _: audit.list_events(user="u1"),
    "credenza_audit_event_client_id": lambda _: audit.list_events(client="app"),
    "credenza_audit_event_error_id": lambda _: audit.list_events(error_id="0123456789abcdef"),
    "credenza_audit_event_seldom": lambda _: audit.list_events(name="KeyRotated"),
    "credenza_audit_event_failed": lambda _: audit.list_events(failed=True),
    "credenza_user_words": lambda _: users.list_users(search="ad"),
    "credenza_user_created_at": lambda _: users.list_users(order="created_at", descending=True),
    "credenza_user_last_sign_in_at": lambda _: users.list_users(order="last_sign_in_at", descending=True),
    "credenza_user_administrator": lambda _: users.count_administrators(),
    "credenza_user_suspended": lambda _: users.list_users(state="suspended"),
    "credenza_user_invited": lambda _: users.count_users(state="invited"),
    "credenza_consent_newest": lambda _: consents.list_consents(client_id="app", offset=50_000),
    "credenza_consent_permission_about": lambda _: consents.forget_answers("api", "https://orders.example.com", "read"),
    "credenza_grant_session_client": lambda _: revocation.list_session_clients(["s1"]),
    "credenza_logout_delivery_due": lambda _: logout.list_due_deliveries(0),
    "credenza_client_disabled": lambda _: list_waiting(search="", offset=0, limit=5),
    "credenza_grant_created_at": lambda credenza: _clean_up(credenza.server),
}


def test_each_index_has_its_question() -> None:
    """`credenza_access_token_grant` is for the database itself, when a grant is deleted."""
    assert {*ASKED, "credenza_access_token_grant"} == {*indexes.INDEXES, *indexes.OTHERS}


@pytest.mark.parametrize("index", ASKED)
def test_a_question_is_answered_from_its_index(credenza: Credenza, index: str) -> None:
    found = credenza.run(plans, credenza, lambda: ASKED[index](credenza))
    assert any(f"INDEX {index} " in f"{detail} " for detail in found), found


@pytest.mark.parametrize("more", [{}, {"user": "u1"}, {"actor": "u1"}])
def test_events_of_several_applications_are_found_from_indexes(credenza: Credenza, more: dict[str, str]) -> None:
    found = credenza.run(plans, credenza, lambda: audit.list_events(clients=["app", "other"], **more))
    used = "person_id" if more else "client_id"
    assert any(f"INDEX credenza_audit_event_{used} " in f"{detail} " for detail in found), found
    assert "SCAN credenza_audit_event" not in found


def test_a_token_is_found_with_its_consent_by_those_of_its_user(credenza: Credenza) -> None:
    """Else each look at a token would go through everybody who has said yes to its client."""
    found = credenza.run(plans, credenza, lambda: find_access_token("0" * 64, 0))
    assert any("INDEX credenza_consent_user " in f"{detail} " for detail in found), found
    assert not any(detail.startswith("SCAN") for detail in found), found


def test_a_batch_is_deleted_by_its_keys(credenza: Credenza) -> None:
    """Else each batch of an application's tokens would go through all that are left, with the lock for writing."""
    rows = [AccessTokenRow(digest=str(number), client="app") for number in range(200)]

    async def delete() -> list[Any]:
        await AccessTokenRow.insert(*rows)
        return await plans(credenza, lambda: delete_batch(AccessTokenRow, AccessTokenRow.client == "app"))

    *_, deletion = credenza.run(delete)
    assert "(digest=?)" in deletion


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ["username", "created_at", "last_sign_in_at"])
def test_everybody_is_listed_in_the_order_of_an_index(credenza: Credenza, order: str, descending: bool) -> None:
    """Nothing is sorted, even if very many are equal: they were imported at once, and have never signed in."""
    found = credenza.run(plans, credenza, lambda: users.list_users(order=order, descending=descending))
    assert f"SCAN credenza_user USING COVERING INDEX credenza_user_{order.replace('username', 'words')}" in found
    assert not [detail for detail in found if "TEMP B-TREE" in detail]


@pytest.mark.parametrize("order", ["username", "created_at", "last_sign_in_at"])
@pytest.mark.parametrize(("many", "scanned"), [(5_000, False), (0, True)])
def test_few_are_found_by_three_letters_and_many_are_come_upon(
    credenza: Credenza, monkeypatch: pytest.MonkeyPatch, order: str, many: int, scanned: bool
) -> None:
    """To look through the names of a million people takes 0.1 s."""
    monkeypatch.setattr(user_search, "MANY", many)

    async def ask() -> None:
        assert [user.username for user in await users.list_users(search="lovelace ad", order=order)] == ["ada"]

    found = credenza.run(plans, credenza, ask)
    assert any("credenza_user_trigrams VIRTUAL TABLE INDEX 0:L0" in detail for detail in found), found
    assert any(detail.startswith("SCAN credenza_user ") for detail in found) is scanned, found


def test_of_a_role_that_very_many_hold_a_person_is_found_at_once(
    credenza: Credenza, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "MANY", 0)
    ada = credenza.run(users.find_user_by_identifier, "ada")
    credenza.apply({"roles": [{"name": "reader"}], "users": [{"username": "ada", "roles": ["reader"]}]})
    role = next(role for role in credenza.run(list_roles) if role["name"] == "reader")

    async def ask() -> None:
        assert [holder for holder, _, _ in await list_holders(role["id"])] == [ada.id]

    found = credenza.run(plans, credenza, ask)
    assert any("INDEX credenza_user_role_both (user=? AND role=?)" in detail for detail in found), found


def test_hosts_that_wait_are_listed_and_counted_from_an_index(credenza: Credenza) -> None:
    """Each of very many applications was looked at for the overview; now those of the hosts that it shows are."""
    found = credenza.run(plans, credenza, lambda: list_waiting(search="", offset=0, limit=5))
    hosts, total, shown = (detail for detail in found if re.match("(SCAN|SEARCH) r ", detail))
    assert "INDEX credenza_registration_waiting" in hosts  # SQLite 3.53 has all that it needs from it
    assert hosts == total
    assert "(host=?)" in shown


@pytest.mark.parametrize(("many", "index"), [(5_000, "sqlite_autoindex_credenza_user_1"), (0, "credenza_user_words")])
def test_few_are_sorted_and_many_are_come_upon(
    credenza: Credenza, monkeypatch: pytest.MonkeyPatch, many: int, index: str
) -> None:
    """Who has allowed an application something, as an example of another table."""
    monkeypatch.setattr(users, "MANY", many)
    row = consents.ConsentRow
    ada = credenza.run(users.find_user_by_identifier, "ada")
    credenza.run(consents.save_consent, consents.Consent("c1", ada.id, "app"), 1)

    async def ask(search: str = "") -> list[str]:
        among = await users.among(row.user, row.client == "app")
        assert await users.count_users(search=search, among=among) == len(await users.list_users(among=among))
        return [user.username for user in await users.list_users(search=search, among=among)]

    assert credenza.run(ask) == ["ada"]
    assert credenza.run(ask, "lovelace") == ["ada"]
    found = credenza.run(plans, credenza, ask)
    assert any(f"INDEX {index} " in f"{detail} " for detail in found), found


async def plans(credenza: Credenza, ask: Callable[[], Awaitable[object]]) -> list[Any]:
    """How SQLite goes about what is asked."""
    engine = credenza.server.engine
    if not isinstance(engine, SafeSQLiteEngine):
        pytest.skip("PostgreSQL plans by what the tables hold, and in tests they hold little.")
    connections = await engine.connections()
    asked: list[str] = []
    for connection in (connections.reader, connections.writer):
        connection.set_trace_callback(asked.append)
    await ask()
    for connection in (connections.reader, connections.writer):
        connection.set_trace_callback(None)
    asked = [sql for sql in asked if sql.startswith(("SELECT", "DELETE"))]
    return [row[3] for sql in asked for row in connections.reader.execute(f"EXPLAIN QUERY PLAN {sql}")]
