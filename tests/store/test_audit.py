"""The audit log in the order in which things happened."""

from __future__ import annotations

from credenza.store import audit
from credenza.testing import Credenza

MANY = 50


def test_events_of_one_second_are_in_their_order(credenza: Credenza) -> None:
    async def write() -> None:
        for number in range(MANY):
            await audit.insert_event(audit.AuditEvent(at=1_700_000_000, name="Numbered", target=str(number)))

    credenza.run(write)
    found = credenza.run(audit.list_events, name="Numbered")
    assert [int(event.target) for event in found] == list(reversed(range(MANY)))
