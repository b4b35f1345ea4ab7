"""The audit log in the order in which things happened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from credenza.cleaning import _clean_up
from credenza.store import audit, users
from credenza.testing import Credenza, RelyingParty, UserAgent, running, test_settings

MANY = 50
DAY = 24 * 3600


def test_events_of_one_second_are_in_their_order(credenza: Credenza) -> None:
    async def write() -> None:
        for number in range(MANY):
            await audit.insert_event(at=1_700_000_000, name="Numbered", target=str(number))

    credenza.run(write)
    found = credenza.run(audit.list_events, name="Numbered")
    assert [int(event.target) for event in found] == list(reversed(range(MANY)))


def test_of_a_person_the_newest_are_found_whatever_they_were_in_it(credenza: Credenza) -> None:
    """Done by them, about them, or both, page by page; of those that something else is asked of as well."""
    roles: list[dict[str, str]] = [
        {"user": "ann"},
        {"actor": "ann"},
        {"actor": "ann", "user": "ann"},
        {"actor": "ann", "user": "ben"},
        {"actor": "ben", "user": "ann"},
        {"actor": "ben", "user": "ben"},
        {"actor": "ann", "client": "ann"},
    ]

    async def write() -> None:
        for number in range(60):
            result = "failed" if number % 4 == 0 else "success"
            await audit.insert_event(at=number, name="Numbered", target=str(number), result=result, **roles[number % 7])

    async def pages(**asked: Any) -> list[int]:
        found: list[int] = []
        before = ""
        while page := await audit.list_events(limit=7, before=before, **asked):
            found += [int(event.target) for event in page]
            before = page[-1].id
        return found

    def those(*wanted: int) -> list[int]:
        return [number for number in reversed(range(60)) if number % 7 in wanted]

    credenza.run(write)
    assert credenza.run(lambda: pages(user="ann")) == those(0, 1, 2, 3, 4)
    assert credenza.run(lambda: pages(actor="ann")) == those(1, 2, 3, 6)
    assert credenza.run(lambda: pages(actor="ann", user="ben")) == those(3)
    failed = [number for number in those(0, 1, 2, 3, 4) if number % 4 == 0]
    assert credenza.run(lambda: pages(user="ann", failed=True)) == failed
    assert credenza.run(lambda: pages(user="ann", name="Numbered", since=20, until=40)) == [
        number for number in those(0, 1, 2, 3, 4) if 20 <= number < 40
    ]


def test_events_leave_after_their_time_and_not_before(credenza_database: str) -> None:
    """P-19: a retention that an operator sets; without one they stay for ever."""
    with running(test_settings(credenza_database)) as credenza:
        credenza.run(write_at, credenza.server.now() - 40 * DAY, credenza.server.now() - 20 * DAY)
        credenza.run(_clean_up, credenza.server)
        assert len(credenza.run(audit.list_events, name="Aged")) == 2
    with running(test_settings(credenza_database, audit_retention_days=30)) as credenza:
        while credenza.run(_clean_up, credenza.server):
            pass
        (kept,) = credenza.run(audit.list_events, name="Aged")
        assert kept.at > credenza.server.now() - 30 * DAY


async def write_at(*moments: int) -> None:
    for at in moments:
        await audit.insert_event(at=at, name="Aged")


def test_r_co_08_what_people_and_applications_do_is_written_down(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """R-CO-08: who, from where, and what came of it; and no secret."""
    user_agent.get(client.authorization_url(scope="openid profile offline_access"))
    user_agent.sign_in("ada", "not the password")
    user_agent.sign_in("ada")
    tokens = client.tokens(user_agent.decide())
    client.revoke(tokens["refresh_token"])
    user_agent.get("/logout")
    user_agent.submit([("decision", "sign-out")])
    events = {event.name: event for event in credenza.run(audit.list_events, limit=100)}
    people = ("SignInFailed", "UserSignedIn", "ConsentGiven", "CodeIssued", "UserSignedOut")
    assert {*people, "TokenIssued", "TokenRevoked"} <= events.keys()
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    assert {(events[name].user, events[name].address) for name in people} == {(ada.id, user_agent.address)}
    assert events["SignInFailed"].result == "failure"
    secrets = [value for name, value in tokens.items() if name.endswith("_token")]
    assert len(secrets) > 1
    assert not [secret for secret in (*secrets, "not the password") if secret in str(events)]


@pytest.mark.postgresql
def test_p_19_a_server_needs_no_right_to_change_what_is_written(
    postgresql_server: Any, filled_postgresql_url: str
) -> None:
    """P-19: one role migrates, and another one serves and only appends, as `docs/how-to/postgresql.md` has it."""
    role = f"serving_{uuid4().hex}"
    guide = Path(__file__).parents[2] / "docs/how-to/postgresql.md"
    recipe = "".join(re.findall(r"```sql\n(.*?)```", guide.read_text(), re.DOTALL))
    database = urlsplit(filled_postgresql_url).path.removeprefix("/")
    said = postgresql_server.psql(f"\\c {database}\n{recipe.replace('credenza_serving', role)}")
    assert "REVOKE" in said, said
    address = filled_postgresql_url.replace("//postgres:", f"//{role}:")
    assert role in address
    with running(test_settings(address)) as credenza:
        agent, client = UserAgent(credenza), RelyingParty(credenza, "app", "https://app.example.com/cb")
        tokens = client.tokens(agent.authorize(client, scope="openid profile offline_access"))
        assert client.refresh(tokens["refresh_token"]).status_code == 200
        ada = credenza.run(users.find_user_by_identifier, "ada")
        assert ada is not None
        assert credenza.run(users.delete_user, ada.id)
        assert {event.name for event in credenza.run(audit.list_events)} >= {"UserSignedIn", "TokenIssued"}
        for change in ("UPDATE credenza_audit_event SET name = ''", "DELETE FROM credenza_audit_event"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                credenza.run(audit.AuditEventRow.raw, change)
