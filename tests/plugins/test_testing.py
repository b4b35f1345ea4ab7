"""`credenza.testing` for those who write plugins."""

from __future__ import annotations

from pathlib import Path

from credenza.app import create_server
from credenza.store import engine
from credenza.testing import RelyingParty, running, test_settings

MACHINE = {"client_secret": "a-secret-of-a-machine", "name": "Night Job", "type": "machine_to_machine"}


def test_each_of_two_servers_in_one_process_has_its_own_database(tmp_path: Path) -> None:
    """A fixture of a whole session outlives servers that single tests start."""

    def knows(server: object, client_id: str) -> bool:
        party = RelyingParty(server, client_id, "", secret=MACHINE["client_secret"])  # type: ignore[arg-type]
        return party.post("/token", {"grant_type": "client_credentials"}).status_code == 200

    with running(test_settings(f"sqlite:///{tmp_path / 'first.db'}")) as first:
        first.apply({"applications": [MACHINE | {"client_id": "night", "third_party": False}]})
        with running(test_settings(f"sqlite:///{tmp_path / 'second.db'}")) as second:
            second.apply({"applications": [MACHINE | {"client_id": "day", "third_party": False}]})
            assert (knows(first, "night"), knows(first, "day")) == (True, False)
            assert (knows(second, "night"), knows(second, "day")) == (False, True)
        assert knows(first, "night")


def test_a_server_that_is_made_and_never_started_takes_no_tables(tmp_path: Path) -> None:
    """Commands make one to ask about plugins; what another server does meanwhile, in the background, stays its own."""
    with running(test_settings(f"sqlite:///{tmp_path / 'first.db'}")) as first:
        create_server(test_settings(f"sqlite:///{tmp_path / 'second.db'}"))
        assert engine.database() is first.server.engine
