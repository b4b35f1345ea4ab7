"""F-01, each point once: a worker dies before, and after, each place in the code that commits.

The places are not listed: a plugin of the test's, in every worker, watches commits while users are at work and writes
down the function that each one is for; then a worker is killed on both sides of each.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from faults.oracle import at_the_end
from faults.waiting import wait_until

from credenza.testing import PASSWORD, RelyingParty, UserAgent

pytestmark = pytest.mark.faults
NEWCOMERS = [f"newcomer{number}" for number in range(40)]
NEEDED = ("authorization", "login", "consent", "authorization_code", "refresh_token", "revocation")

WATCHING = '''
"""Kills its process where the file `armed` says, and writes down where it could."""
import os, signal, sys
from pathlib import Path
from credenza.store import engine, postgresql, sqlite

FOLDER = Path({folder!r})
PASSED_OVER = {{"engine.py", "postgresql.py", "sqlite.py", "statements.py", "contextlib.py", "breaking.py"}}


def place():
    """The function that the commit is for: the innermost of ours that is not about storing."""
    frame = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        ours = "credenza" in str(path) and "site-packages" not in str(path)
        if ours and path.name not in PASSED_OVER and path.parent.name != "store":
            return f"{{path.stem}}.{{frame.f_code.co_name}}"
        frame = frame.f_back
    return ""


def at(side, where):
    if not where:
        return
    (FOLDER / where).touch()
    try:
        if (FOLDER / "armed").read_text() == f"{{side}} {{where}}":
            os.rename(FOLDER / "armed", FOLDER / "fired")  # one process only
            os.kill(os.getpid(), signal.SIGKILL)
    except FileNotFoundError:
        pass


def watched(commit):
    async def with_a_risk(self, *arguments):
        where = place()
        at("before", where)
        done = await commit(self, *arguments)
        at("after", where)
        return done
    return with_a_risk


def watched_statement(run):
    async def with_a_risk(self, sql, *arguments, **options):
        if engine.is_read(sql) or self.open_transaction() is not None or "credenza_version" in sql:
            return await run(self, sql, *arguments, **options)
        where = place()
        at("before", where)
        done = await run(self, sql, *arguments, **options)
        at("after", where)
        return done
    return with_a_risk


sqlite.SafeSQLiteTransaction.commit = watched(sqlite.SafeSQLiteTransaction.commit)
postgresql.SafePostgresTransaction.commit = watched(postgresql.SafePostgresTransaction.commit)
for kind in (sqlite.SafeSQLiteEngine, postgresql.SafePostgresEngine):
    kind._run = watched_statement(kind._run)
'''


def test_f_01_killed_before_and_after_each_commit(
    filled_database_url: str, under_test: Callable[..., Any], plugin: Callable[[str], str], tmp_path: Path
) -> None:
    folder = tmp_path / "points"
    folder.mkdir()
    over = threading.Event()
    server, traffic, finish = under_test(filled_database_url, config=plugin(WATCHING.format(folder=str(folder))))
    server.apply({"users": [{"username": name, "password": PASSWORD} for name in NEWCOMERS]})
    killed: set[tuple[str, str]] = set()
    newcomers = threading.Thread(target=lambda: come_and_sign_in(traffic.watched, over))
    with at_the_end(traffic, finish):
        for path in folder.iterdir():
            path.unlink()  # what only happens at the start
        newcomers.start()
        try:
            wait_until(lambda: all(any(folder.glob(f"{name}.*")) for name in NEEDED), f"commits in {NEEDED}")
            traffic.go_on(6, "what else commits")
            for where in sorted(path.name for path in folder.iterdir()):
                for side in ("before", "after"):
                    (folder / "arming").write_text(f"{side} {where}")
                    (folder / "arming").rename(folder / "armed")
                    if fired(folder):
                        killed.add((side, where))
                        traffic.go_on(1, f"flows after a death {side} {where}")
                        wait_until(lambda: len(server.program.workers()) == 2, "a new worker")
                    for name in ("armed", "fired"):
                        (folder / name).unlink(missing_ok=True)
        finally:
            over.set()
            newcomers.join(120)
    print(f"\n{len(killed)} deaths: {', '.join(sorted(' '.join(one) for one in killed))}")
    for name in NEEDED:
        for side in ("before", "after"):
            assert any(which == side and where.startswith(f"{name}.") for which, where in killed), (side, name)


def come_and_sign_in(server: Any, over: threading.Event) -> None:
    """One after the other, each in a browser of their own: signed in, consented, and on."""
    party = RelyingParty(server, "app", "https://app.example.com/cb")
    for name in itertools.cycle(NEWCOMERS):
        with suppress(httpx.TransportError):
            UserAgent(server).authorize(party, user=name, prompt="consent")
        if over.wait(0.05):
            return


def fired(folder: Path, patience: float = 8) -> bool:
    """Whether somebody came by, while the users are at work."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if (folder / "fired").exists():
            return True
        time.sleep(0.02)
    return False
