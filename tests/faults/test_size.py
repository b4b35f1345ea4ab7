"""F-16 and F-17: a great many rows to clean up, and a great many who ask for the keys at once."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from faults.crowds import gathered
from faults.driver import Tally
from faults.measuring import calm_times, measured, p95, p99
from faults.oracle import ask

from credenza.testing import Callback, RelyingParty, UserAgent

pytestmark = pytest.mark.faults
PEOPLE, TOKENS, EXPIRED = 100_000, 1_000_000, 200_000

SOONER = '''
"""Nobody waits a minute for the clean-up."""
from credenza import cleaning

cleaning.EVERY = 1.0
'''


def test_f_16_of_a_million_tokens_those_that_expired_are_cleaned_up(
    filled_database_url: str,
    start_server: Callable[..., Any],
    plugin: Callable[[str], str],
    tally: Tally,
    tmp_path: Path,
) -> None:
    """In batches, so that no request waits for long; what is alive stays alive; the table ends where it began."""
    server = start_server(filled_database_url, workers=2)
    party = RelyingParty(server, "app", "https://app.example.com/cb")
    seen = UserAgent(server).authorize(party, scope="openid profile offline_access")
    assert isinstance(seen, Callback)
    tokens = party.tokens(seen)
    calm = calm_times(server, tmp_path)
    server.program.stop()
    long_ago = int(time.time()) - 7 * 24 * 3600
    people = ((f"u{number}", f"person{number}", f"person{number}@example.org") for number in range(PEOPLE))
    fill(filled_database_url, "credenza_user", ("id", "username", "email"), people)
    ends = ((number, long_ago if number < EXPIRED else long_ago + 30 * 24 * 3600) for number in range(TOKENS))
    all_tokens = ((sha256(str(n).encode()).hexdigest(), "machine", "", "", end - 600, end) for n, end in ends)
    columns = ("digest", "client", "scope", "audience", "created_at", "expires_at")
    fill(filled_database_url, "credenza_access_token", columns, all_tokens)
    server.env["CREDENZA_CONFIG"] = plugin(SOONER)
    left, steps = "SELECT COUNT(*) AS what FROM credenza_access_token WHERE expires_at < " + str(long_ago + 1), []
    server.start()
    with measured(server, tmp_path) as busy:
        began = time.monotonic()
        while (now := int(ask(filled_database_url, left)[0])) > 0:
            steps.append(now)
            assert time.monotonic() - began < 400, f"{now} are left"
            time.sleep(0.2)
        seconds = time.monotonic() - began
    calm += calm_times(server, tmp_path)
    ratio, slowest = p95(busy) / p95(calm), p99(busy) / p99(calm)
    print(
        f"\n{EXPIRED} of {TOKENS} tokens cleaned up in {seconds:.0f} s; token p95 {ratio:.1f} times its calm value, "
        f"p99 {slowest:.1f} times, the longest {max(busy) / max(calm):.1f} times; {len(busy)} and {len(calm)} of them"
    )
    tally.look("I3", len(steps) > 3, "it went in one step")
    tally.look("I2", party.userinfo(tokens["access_token"]).status_code == 200, "a live token is gone")
    tally.look("I2", party.refresh(tokens["refresh_token"]).status_code == 200, "a live refresh token is gone")
    assert not tally.violations, tally.violations
    assert ratio < 3
    assert slowest < 10, "requests are blocked: a batch came dozens of times a second"


def fill(database_url: str, table: str, columns: tuple[str, ...], records: Iterable[tuple[Any, ...]]) -> None:
    """Past the server."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=30)) as connection:
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", records)
            connection.commit()
        return

    async def copy() -> None:
        import asyncpg

        connection = await asyncpg.connect(database_url)
        try:
            await connection.copy_records_to_table(table, records=records, columns=columns)
        finally:
            await connection.close()

    asyncio.run(copy())


@pytest.mark.postgresql
@pytest.mark.parametrize("pause", [pytest.param(2, id="together"), pytest.param(0, id="without_a_pause")])
def test_f_17_five_hundred_ask_for_the_keys_at_once(
    filled_postgresql_url: str, start_server: Callable[..., Any], tally: Tally, tmp_path: Path, pause: int
) -> None:
    """Every two seconds all at the same moment, or each again as soon as it has its answer. From memory: the database
    is asked as often as time passes, and not as often as somebody asks.
    """
    server = start_server(filled_postgresql_url, workers=2)
    name = filled_postgresql_url.partition("?")[0].rpartition("/")[2]
    committed = f"SELECT xact_commit AS what FROM pg_stat_database WHERE datname = '{name}'"
    calm, seconds = calm_times(server, tmp_path, seconds=4), 20
    time.sleep(1.5)  # PostgreSQL's own figures are a second late
    before = int(ask(filled_postgresql_url, committed)[0])
    with gathered("herd", server.port, 500, seconds, pause) as go, measured(server, tmp_path) as busy:
        counts = go()
    time.sleep(1.5)
    asked = int(ask(filled_postgresql_url, committed)[0]) - before
    calm += calm_times(server, tmp_path, seconds=4)
    ratio = p95(busy) / p95(calm)
    print(
        f"\n500 connections, {counts.total()} answers in {seconds} s, {asked} transactions for them and {len(busy)} "
        f"tokens; token p95 {ratio:.1f} times its calm value"
    )
    tally.look("I4", set(counts) <= {200, 304}, f"answers were {counts}")
    assert counts[304] > 0, "an ETag that is still right saves the body"
    assert asked - 4 * len(busy) < counts.total() / 2, "the database is asked for each of them"
    assert not tally.violations, tally.violations
    if pause:  # without one, the clients take all of two processors, and what is measured is who gets how much
        assert ratio < 3
