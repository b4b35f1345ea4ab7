"""Checks that change their server: each has one of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from credenza import state
from credenza.objects import StateSection
from credenza.protocol.clients import ClientType
from credenza.testing import Credenza
from credenza.testing.examination import Examined

from .conftest import copied, registered_by


@pytest.fixture
def credenza(credenza_template: Path, credenza_settings: dict[str, Any], tmp_path: Path) -> Iterator[Credenza]:
    with copied(credenza_template, tmp_path, credenza_settings) as started:
        yield started


def test_an_application_of_a_client_type_can_be_declared(client_type: ClientType, credenza: Credenza) -> None:
    declared = {
        "client_id": "checked",
        "name": "Checked",
        "type": client_type.name,
        "third_party": client_type.third_party,
    }
    if client_type.redirects:
        declared["redirect_uris"] = ["https://checked.example.com/callback"]
    credenza.apply({"applications": [declared]})
    client = credenza.run(credenza.server.find_client, "checked")
    assert client is not None
    assert client.type == client_type


def test_a_cleaner_says_how_many_rows_it_deleted(cleaning: Examined, credenza: Credenza) -> None:
    for cleaner in registered_by(cleaning, credenza.server, "register_cleaners"):
        assert isinstance(credenza.run(cleaner, credenza.server.now()), int)


def test_a_state_section_is_exported_as_it_can_be_applied(state_section: StateSection, credenza: Credenza) -> None:
    whole = credenza.run(state.export, credenza.server)
    json.dumps(whole)
    if exported := whole.get(state_section.name):
        assert not credenza.apply({state_section.name: exported}).changes, "an exported section changes nothing"
