"""An application with very many tokens goes a little at a time; the console's way is in tests/console."""

from __future__ import annotations

from pathlib import Path

import pytest

from credenza import clients
from credenza.state import apply
from credenza.store import clearing
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
