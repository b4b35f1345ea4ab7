"""After a fault: what the clients were told against what the server and its database say."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from credenza.testing import Callback

from .driver import Tally, Traffic

SAMPLE = 120  # tokens of a kind that are tried; the database is looked at as a whole

TWO_LIVE = (
    'SELECT "grant" AS what FROM credenza_refresh_token WHERE spent_at IS NULL GROUP BY "grant" HAVING COUNT(*) > 1'
)
HALF = {
    "an access token without its grant": "SELECT t.digest AS what FROM credenza_access_token t LEFT JOIN "
    'credenza_grant g ON g.id = t."grant" WHERE t."grant" IS NOT NULL AND g.id IS NULL',
    "a refresh token without its grant": "SELECT t.digest AS what FROM credenza_refresh_token t LEFT JOIN "
    'credenza_grant g ON g.id = t."grant" WHERE g.id IS NULL',
    "a grant of a code that is not spent": "SELECT c.digest AS what FROM credenza_authorization_code c JOIN "
    'credenza_grant g ON g.id = c."grant" WHERE c.spent_at IS NULL',
    "a consent without its audit event": "SELECT c.id AS what FROM credenza_consent c WHERE NOT EXISTS (SELECT 1 FROM "
    'credenza_audit_event e WHERE e.name = \'ConsentGiven\' AND e."user" = c."user" AND e.client = c.client)',
    "a session whose sign-in is not in the audit log": "SELECT s.id AS what FROM credenza_session s WHERE NOT EXISTS "
    '(SELECT 1 FROM credenza_audit_event e WHERE e.name = \'UserSignedIn\' AND e."user" = s."user")',
    "a successor that does not exist": "SELECT t.digest AS what FROM credenza_refresh_token t LEFT JOIN "
    "credenza_refresh_token s ON s.digest = t.successor WHERE t.successor IS NOT NULL AND s.digest IS NULL",
}


def ask(database_url: str, sql: str) -> list[str]:
    """What a query finds in the column `what`, past the server."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=30)) as connection:
            return [str(row[0]) for row in connection.execute(sql)]

    async def fetch() -> list[str]:
        import asyncpg

        connection = await asyncpg.connect(database_url)
        try:
            return [str(row[0]) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


def check(traffic: Traffic, server: Any, database_url: str, tally: Tally) -> None:
    """I1, I2 and I3; the traffic has ended, the server is well again."""
    journal = traffic.journal
    assert len(journal.families) > 10, "nothing happened that could be checked"
    for code, times in journal.redeemed.items():
        tally.look("I1", times == 1, f"a code was redeemed {times} times: {code[:12]}")
    tally.look("I1", not (found := ask(database_url, TWO_LIVE)), f"two live refresh tokens in {found}")
    for what, sql in HALF.items():
        tally.look("I3", not (found := ask(database_url, sql)), f"{what}: {found[:3]}")
    if database_url.startswith("sqlite"):
        tally.look("I3", ask(database_url, "PRAGMA integrity_check") == ["ok"], "integrity_check")
        tally.look("I3", ask(database_url, "PRAGMA foreign_key_check") == [], "foreign_key_check")
    alive = [family for family in journal.families if not family.revoked and not family.in_doubt]
    dead = [family for family in journal.families if family.revoked]
    for family in random.sample(alive, min(SAMPLE, len(alive))):
        status = family.party.userinfo(random.choice(family.access)).status_code
        tally.look("I2", status == 200, f"an acknowledged access token got {status}")
        answer = family.party.refresh(family.refresh)
        tally.look("I2", answer.status_code == 200, f"an acknowledged refresh token got {answer.text}")
    for family in random.sample(dead, min(SAMPLE, len(dead))):
        for token in family.access:
            status = family.party.userinfo(token).status_code
            tally.look("I2", status == 401, f"a revoked access token got {status}")
        answer = family.party.refresh(family.refresh)
        tally.look("I2", answer.status_code == 400, f"a revoked refresh token got {answer.status_code}")
    for family in random.sample(alive, min(20, len(alive))):
        # The last look: whoever shows a code twice ends what came of it.
        again = family.party.redeem(Callback(family.party.redirect_uri, {"code": family.code}))
        tally.look("I1", again.status_code == 400, f"a spent code got {again.status_code}")
    tally.look("I5", server.program.alive(), "the server ended")


def finish(server: Any, traffic: Traffic, database_url: str, tally: Tally) -> None:
    """I5 while the traffic goes on, then everything else."""
    traffic.check_recovery()
    traffic.stop()
    workers = server.program.workers()
    tally.look("I5", len(workers) == 2, f"{len(workers)} workers are there")
    if database_url.startswith("postgresql"):
        name = database_url.partition("?")[0].rpartition("/")[2]
        open_now = ask(database_url, f"SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '{name}'")
        tally.look("I5", int(open_now[0]) <= 2 * 10 + 1, f"{open_now[0]} connections are open")
    before = len(tally.violations)
    check(traffic, server, database_url, tally)
    print(
        f"\n{traffic.flows} flows, answers {dict(sorted(traffic.watched.statuses.items()))}, {traffic.watched.cut} cut"
    )
    assert not tally.violations[before:], tally.violations
    assert not tally.violations, tally.violations


@contextmanager
def at_the_end(traffic: Traffic, finish: Callable[[], None]) -> Iterator[None]:
    with traffic:
        yield
        finish()
