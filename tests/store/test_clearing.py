"""What has very many rows hanging on it goes a little at a time; the console's way is in tests/console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from credenza import audit, clients
from credenza.state import apply, export
from credenza.store import batches, clearing
from credenza.store.engine import StoreUnavailable
from credenza.testing import STATE, Credenza, RelyingParty


def test_what_is_pruned_with_a_file_is_disabled_first(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = RelyingParty(credenza, "machine", "")
    for _ in range(3):
        assert machine.post("/token", {"grant_type": "client_credentials"}).status_code == 200
    calls = []

    async def disable(client_id: str) -> None:
        calls.append(client_id)

    monkeypatch.setattr(clearing, "LARGE", 2)
    monkeypatch.setattr(clients, "disable_client", disable)
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
