"""Ending much at once: however many sessions and grants somebody has, they can be signed out. R-SE-04, R-TK-19."""

from __future__ import annotations

from typing import Any

import pytest

from credenza import count_open, end_all_sessions, revoke_grants, users
from credenza.ending import mark_all
from credenza.store.endings import CLAIMED
from credenza.store.grants import GrantRow
from credenza.store.logout import LogoutDeliveryRow
from credenza.store.sessions import SessionRow
from credenza.testing import RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests

MANY = 33_000  # PostgreSQL takes 32,767 values in one statement

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
SESSIONS = (
    'INSERT INTO credenza_session (digest, id, "user", created_at, authenticated_at, last_seen_at, expires_at, amr, '
    f"acr, address, user_agent) {NUMBERS} SELECT 'd' || i, 's' || i, {{}}, 0, 0, 0, {{}}, '', '', '', '' FROM n"
)
GRANTS = (
    'INSERT INTO credenza_grant (id, "user", client, session, details, created_at) '
    f"{NUMBERS} SELECT 'g' || i, {{}}, 'app', 's1', {{}}, 0 FROM n"
)


@pytest.mark.parametrize(("many", "in_each"), [(MANY, 0), (1, MANY)], ids=["sessions", "grants"])
def test_nobody_has_too_many_of_them_to_be_signed_out(filled_database_url: str, many: int, in_each: int) -> None:
    with running(settings_for_tests(filled_database_url)) as credenza:
        ada: Any = credenza.run(users.find_user_by_identifier, "ada")
        later = credenza.server.now() + 3600
        credenza.run(SessionRow.raw(SESSIONS, many, ada.id, later).run)
        if in_each:
            credenza.run(GrantRow.raw(GRANTS, in_each, ada.id, "{}").run)
        credenza.run(end_all_sessions, credenza.server, ada.id)
        credenza.clock.move(CLAIMED + 1)
        credenza.run(mark_all, credenza.server)
        assert credenza.run(SessionRow.count().run) == 0
        assert credenza.run(GrantRow.count().where(GrantRow.revoked_at.is_null()).run) == 0


def test_a_session_more_asks_the_database_nothing_more(filled_sqlite_url: str) -> None:
    """Whoever signs in all the time has one for each sign-in: everybody else waits for as long as they take to end."""
    with running(settings_for_tests(filled_sqlite_url)) as credenza:
        out = {"backchannel_logout_uri": "https://app.example.com/out"}
        credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", **out}]})
        ada: Any = credenza.run(users.find_user_by_identifier, "ada")
        credenza.run(SessionRow.raw(SESSIONS, 400, ada.id, credenza.server.now() + 3600).run)
        credenza.run(GrantRow.raw(GRANTS.replace("'s1'", "'s' || i"), 400, ada.id, "{}").run)
        statements: list[str] = []
        engine: Any = credenza.server.engine
        connections = credenza.run(engine.connections)
        connections.writer.set_trace_callback(statements.append)
        credenza.run(end_all_sessions, credenza.server, ada.id)
        connections.writer.set_trace_callback(None)
        assert credenza.run(LogoutDeliveryRow.count().run) == 400
        ending = statements[: statements.index("COMMIT")]
        assert len(ending) <= 15, "\n".join(statement[:100] for statement in ending)


def test_what_has_ended_is_not_counted_as_accepted(filled_database_url: str) -> None:
    """An administrator who asks what suspending somebody would touch reads how many tokens of theirs work."""
    with running(settings_for_tests(filled_database_url)) as credenza:
        credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki"}]})
        client = RelyingParty(credenza, "app", "https://app.example.com/cb")
        client.tokens(UserAgent(credenza).authorize(client, scope="openid profile offline_access"))
        ada: Any = credenza.run(users.find_user_by_identifier, "ada")
        now = credenza.server.now()
        assert credenza.run(count_open, ada.id, now)[1].tokens == 2
        credenza.run(revoke_grants, now, user_id=ada.id)
        assert credenza.run(count_open, ada.id, now)[1].tokens == 0
