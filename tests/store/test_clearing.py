"""What has very many rows hanging on it goes a little at a time; the console's way is in tests/console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from credenza import audit, clear_client, clear_user, clients, users
from credenza.state import apply, export
from credenza.store import batches, clearing
from credenza.store.engine import StoreUnavailable
from credenza.store.expired import clean_up
from credenza.store.grants import GrantRow
from credenza.store.refresh_tokens import RefreshTokenRow
from credenza.testing import STATE, Credenza, RelyingParty, running
from credenza.testing import test_settings as settings_for_tests


def test_what_is_pruned_with_a_file_is_disabled_first(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = RelyingParty(credenza, "machine", "")
    for _ in range(3):
        assert machine.post("/token", {"grant_type": "client_credentials"}).status_code == 200
    calls = []

    async def switch(client_id: str, *, enabled: bool, now: int) -> bool:
        calls.append(client_id)
        return not enabled

    monkeypatch.setattr(clearing, "LARGE", 2)
    monkeypatch.setattr(clients, "switch_client", switch)
    document = STATE | {"applications": [each for each in STATE["applications"] if each["client_id"] != "machine"]}
    for dry in (True, False):
        assert calls == []
        credenza.run(apply, credenza.server, credenza.app.state.passwords, document, Path.cwd(), prune=True, dry=dry)
    assert calls == ["machine"], "and no other one, of which there is little"
    assert machine.post("/token", {"grant_type": "client_credentials"}).status_code == 401


def test_an_organization_that_is_pruned_is_suspended_first(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is a member of it any more before the first of them goes."""
    people = [{"username": name, "roles": []} for name in ("ada", "grace")]
    credenza.apply({"organizations": [{"name": "Acme", "members": people}]})
    seen = []

    async def delete_batch(table: Any, condition: Any, *, batch: int) -> int:
        seen.append(await table.exists().where(condition & table.organization.suspended.eq(False)))
        return await batches.delete_batch(table, condition, batch=batch)

    monkeypatch.setattr(clearing, "LARGE", 1)
    monkeypatch.setattr(clearing, "delete_batch", delete_batch)
    for dry in (True, False):
        assert seen == []
        document = STATE | {"organizations": []}
        credenza.run(apply, credenza.server, credenza.app.state.passwords, document, Path.cwd(), prune=True, dry=dry)
    assert seen == [False, False, False]
    assert "organizations" not in credenza.run(export, credenza.server)


def test_a_prune_that_dies_half_way_is_in_the_audit_log(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is disabled or suspended stays so until somebody runs it again, and must be found; again it says nothing."""
    people = [{"username": name, "roles": []} for name in ("ada", "grace")]
    credenza.apply({"organizations": [{"name": "Acme", "members": people}]})
    machine = RelyingParty(credenza, "machine", "")
    for _ in range(3):
        machine.post("/token", {"grant_type": "client_credentials"})

    async def full(*_: Any, **__: Any) -> int:
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(clearing, "LARGE", 1)
    monkeypatch.setattr(clearing, "delete_batch", full)
    kept = [each for each in STATE["applications"] if each["client_id"] != "machine"]
    for section, items in (("organizations", []), ("applications", kept)):
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                credenza.apply({section: items}, prune=True)
    events = credenza.run(audit.list_events, name="ObjectChanged")
    found = [(event.data["kind"], event.data["action"], event.target) for event in events]
    assert found[:2] == [("application", "disabled", "Night Job"), ("organization", "suspended", "Acme")]
    assert found.count(found[0]) == found.count(found[1]) == 1


FAMILY = 7  # refresh tokens of one grant


@pytest.fixture
def family(filled_database_url: str) -> Iterator[tuple[Credenza, str]]:
    """Somebody with one grant, that was refreshed very often."""
    with running(settings_for_tests(filled_database_url)) as credenza:
        credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki"}]})
        ada: Any = credenza.run(users.find_user_by_identifier, "ada")
        credenza.run(GrantRow.insert(GrantRow(id="grant", user=ada.id, client="app", created_at=1)).run)
        tokens = [RefreshTokenRow(digest=str(number), grant="grant", expires_at=1) for number in range(FAMILY)]
        credenza.run(RefreshTokenRow.insert(*tokens).run)
        yield credenza, ada.id


@pytest.mark.parametrize("whose", ["user", "application"])
def test_refresh_tokens_go_before_their_grant(
    family: tuple[Credenza, str], whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a few grants there may be hundreds of thousands, which took seconds in one statement."""
    credenza, user_id = family
    left: list[int] = []

    async def delete_batch(table: Any, condition: Any, *, batch: int) -> int:
        if table is GrantRow:
            left.append(await RefreshTokenRow.count())
        return await batches.delete_batch(table, condition, batch=batch)

    async def disable() -> None:
        left.append(await RefreshTokenRow.count())

    monkeypatch.setattr(clearing, "LARGE", FAMILY - 1)
    monkeypatch.setattr(clearing, "TOKENS", 2)
    monkeypatch.setattr(clearing, "delete_batch", delete_batch)
    what = (clear_user, user_id) if whose == "user" else (clear_client, "app")
    credenza.run(*what, disable)
    assert left == [FAMILY, 0, 0]
    assert not credenza.run(GrantRow.exists().run)


def test_a_grant_that_has_expired_waits_for_its_refresh_tokens(family: tuple[Credenza, str]) -> None:
    credenza, _ = family
    left = []
    while credenza.run(clean_up, credenza.server.now(), grant_lifetime=0, batch=3):
        left.append((credenza.run(GrantRow.count().run), credenza.run(RefreshTokenRow.count().run)))
    assert left == [(1, 4), (1, 1), (0, 0)]
