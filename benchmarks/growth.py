"""Whether a large company waits longer: hot operations, clean-up and the console on an empty and on a full database.

    python benchmarks/growth.py [--users 1000000] [--tokens 10000000] [--applications 10000] [--members 100000]
                                [--database sqlite|postgresql]

Fills one database by the rows themselves, starts a server on it and one on a database that is empty but for the
benchmark's own applications, and asks both for the same things in alternation. Needs a few gigabytes in the folder for
temporary files (`TMPDIR`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent))

import asyncpg  # type: ignore[import-untyped]  # asyncpg has no types
import yaml
from bench import OPERATIONS, run
from bench import Row as Figures
from load import Answer, User, expect, repeat
from report import keep
from servers import ACCOUNT, Process, credenza, postgresql

from credenza.settings import Settings
from credenza_organizations.tables import row_id

HOT = ("cc_opaque", "cc_es", "code_es", "refresh_es", "userinfo", "introspection")
SEARCH = "/console/users?q=person+77077"
PAGES = (
    "/console",
    "/console/applications/third-party",
    "/console/applications/third-party?q=application+77",
    "/console/users",
    SEARCH,
    "/console/users?state=suspended",
    "/console/users?sort=-last_sign_in_at",
    "/console/users?sort=created_at",
    "/console/administrators",
    "/console/organizations",
    "/console/organizations/everybody/members",
    "/console/organizations/everybody/members?q=person+770",
    "/console/audit-log",
    "/console/audit-log?client=grown-77",
    "/console/search?q=person+5005",
)
DAY = 86_400
Row = tuple[Any, ...]


def key(kind: int, number: int, many: int) -> str:
    """A key as hashes are, spread evenly; in order, because a tree is filled much faster so."""
    return f"{kind:02x}{number * ((1 << 128) // max(many, 1)):032x}".ljust(64, "0")


def rows(
    users: int, applications: int, tokens: int, members: int
) -> Iterator[tuple[str, Sequence[str], Iterable[Row]]]:
    """Each table with its columns and its rows; what is not named has the table's default."""
    now = int(time.time())
    organizations = max(1, members // 100)
    details = json.dumps({**EMPTY_DETAILS, "scopes": ["openid", "email", "profile", "offline_access"]})
    user = [f"ugrown{i:034}" for i in range(users)]
    yield (
        "credenza_client",
        ("id", "type", "name", "third_party", "created_at"),
        ((f"grown-{i}", "traditional", f"Application {i}", True, now - i) for i in range(applications)),
    )
    yield (
        "credenza_user",
        ("id", "username", "email", "email_verified", "profile", "created_at", "last_sign_in_at", "words"),
        (
            (
                user[i],
                f"person{i}",
                f"person{i}@example.com",
                True,
                json.dumps({"name": f"Person {i}"}),
                now - i % (900 * DAY),
                now - i % (30 * DAY),
                f"person{i} person{i}@example.com person {i}",
            )
            for i in range(users)
        ),
    )
    yield (
        "credenza_organization",
        ("id", "name", "created_at"),
        [("everybody", "Everybody", now), *((f"grown{i}", f"Organization {i}", now) for i in range(organizations))],
    )
    yield (
        "credenza_organization_member",
        ("id", "organization", "user", "joined_at"),
        (
            (row_id(organization, user[i % users]), organization, user[i % users], now)
            for i in range(members)
            for organization in (f"grown{i % organizations}", "everybody")
        ),
    )
    consents = [f"{key(1, i, users)[:40]}" for i in range(users)]
    yield (
        "credenza_consent",
        ("id", "user", "client", "granted_at", "updated_at"),
        ((consents[i], user[i], f"grown-{i % applications}", now, now - i % (90 * DAY)) for i in range(users)),
    )
    yield (
        "credenza_consent_permission",
        ("id", "consent", "source", "scope", "granted", "decided_at"),
        ((f"{key(2, i, users)[:40]}", consents[i], "profile", "email", True, now) for i in range(users)),
    )
    yield (
        "credenza_grant",
        ("id", "user", "client", "session", "details", "created_at"),
        (
            (f"{key(3, i, users)[:40]}", user[i], f"grown-{i % applications}", "", details, now - i % (9 * DAY))
            for i in range(users)
        ),
    )
    grants = [f"{key(3, i, users)[:40]}" for i in range(users)]
    yield (
        "credenza_access_token",
        ("digest", "grant", "client", "scope", "created_at", "expires_at"),
        (
            (key(4, i, tokens), grants[i % users], f"grown-{i % users % applications}", "openid email", now, now + DAY)
            for i in range(tokens)
        ),
    )
    yield (
        "credenza_refresh_token",
        ("digest", "grant", "created_at", "last_used_at", "idle_expires_at", "expires_at"),
        ((key(5, i, users), grants[i], now, now, now + 30 * DAY, now + 30 * DAY) for i in range(users)),
    )
    yield (
        "credenza_audit_event",
        ("at", "name", "actor", "user", "client", "address", "result", "data"),
        (
            (
                now - users + i,
                "UserSignedIn",
                user[i],
                user[i],
                f"grown-{i % applications}",
                "192.0.2.1",
                "success",
                "{}",
            )
            for i in range(users)
        ),
    )


EMPTY_DETAILS: dict[str, Any] = {
    "resources": [],
    "userinfo_claims": [],
    "id_token_claims": [],
    "choices": {},
    "nonce": None,
    "auth_time": int(time.time()),
    "acr": "",
    "amr": ["pwd"],
    "dpop_jkt": "",
}


def fill_sqlite(url: str, tables: Iterable[tuple[str, Sequence[str], Iterable[Row]]]) -> None:
    path = Settings(database_url=url).sqlite_path
    assert path is not None
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000000")
        for table, columns, content in tables:
            began = time.perf_counter()
            names, marks = ", ".join(f'"{c}"' for c in columns), ", ".join("?" * len(columns))
            connection.execute("BEGIN")
            connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", content)  # noqa: S608  # our own names
            connection.execute("COMMIT")
            say(f"{table}: {time.perf_counter() - began:.0f} s")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def fill_postgresql(url: str, tables: Iterable[tuple[str, Sequence[str], Iterable[Row]]]) -> None:
    connection = await asyncpg.connect(url)
    for table, columns, content in tables:
        began = time.perf_counter()
        await connection.copy_records_to_table(table, records=content, columns=list(columns), timeout=3600)
        say(f"{table}: {time.perf_counter() - began:.0f} s")
    await connection.execute("VACUUM ANALYZE", timeout=3600)  # as its own vacuum does after so many rows
    await connection.close()


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


ADMINISTRATOR = {"users": [{"username": ACCOUNT[0], "administrator": True}]}


def start(folder: Path, name: str, database: str, port: int, core: int, fill: Any = None) -> Process:
    """A server with the benchmark's applications, on a database that was filled before it started."""
    place = folder / name
    place.mkdir()
    url = database or f"sqlite:///{place / 'credenza.db'}"

    def prepare(environment: dict[str, str]) -> None:
        path = place / "administrator.yaml"
        path.write_text(yaml.safe_dump(ADMINISTRATOR))
        command = [sys.executable, "-m", "credenza", "apply", str(path)]
        subprocess.run(command, env=os.environ | environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        if fill is not None:
            fill(url)

    process = credenza(place, port, core, database=url, prepare=prepare)
    process.name = name
    return process


# -- the console -------------------------------------------------------------------------------------------------------


async def signed_in(process: Process) -> User:
    user = User(process.server, ACCOUNT)
    answer = await user.connection.request("GET", "/console", jar=True)
    while answer.status in (302, 303) or b'name="password"' in answer.body:
        if answer.status == 200:
            answer = await user.submit(answer)
            continue
        parts = urlsplit(answer.headers["location"])
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        answer = await user.connection.request("GET", path, jar=True)
    expect(answer, 200)
    return user


async def page_times(processes: list[Process], times: int = 25) -> str:
    """Milliseconds until a page is there, which is the server's time and the database's: medians.

    Of what only a full database has, an empty one has no page.
    """
    lines = ["| page | " + " | ".join(f"{p.name}, ms" for p in processes) + " |", "|---" * (len(processes) + 1) + "|"]
    found: dict[str, dict[str, list[float]]] = {path: {} for path in PAGES}
    users = {process.name: await signed_in(process) for process in processes}
    for _ in range(times):
        for path in PAGES:
            for process in processes:
                began = time.perf_counter()
                answer: Answer = await users[process.name].connection.request("GET", path, jar=True)
                took = time.perf_counter() - began
                if answer.status == 404 and process is not processes[-1]:
                    continue
                expect(answer, 200)
                found[path].setdefault(process.name, []).append(took * 1000)
    for path, by_name in found.items():
        cells = [f"{statistics.median(by_name[p.name]):.0f}" if p.name in by_name else "" for p in processes]
        lines.append(f"| `{path}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


async def tokens_beside_searches(process: Process, seconds: float) -> str:
    """How long a token takes while an administrator searches, one search after the other."""
    administrator, application = await signed_in(process), User(process.server, ACCOUNT)
    operation, much, over = OPERATIONS["cc_opaque"][1], 1_000_000, asyncio.Event()

    async def search() -> None:
        while not over.is_set():
            expect(await administrator.connection.request("GET", SEARCH, jar=True), 200)

    calm = await repeat([application], operation, operations=much, seconds=seconds)
    searching = asyncio.create_task(search())
    meanwhile = await repeat([application], operation, operations=much, seconds=seconds)
    over.set()
    await searching
    alone, beside = (Figures(latencies=measured.latencies).percentiles for measured in (calm, meanwhile))
    return f"A token, p50 / p95 / p99 ms over one connection: {alone}; beside one `{SEARCH}` after another: {beside}."


# -- clean-up ----------------------------------------------------------------------------------------------------------

CLEANING = """
import asyncio, sys, time
from credenza.settings import load_settings
from credenza.app import create_server
from credenza.store.expired import clean_up
async def main():
    server, _, _ = create_server(load_settings())
    await server.start()
    longest, deleted = 0.0, 0
    while True:
        began = time.perf_counter()
        gone = await clean_up(int(time.time()), grant_lifetime=server.settings.refresh_token_lifetime)
        longest = max(longest, time.perf_counter() - began)
        deleted += gone
        if not gone or deleted >= 50_000:
            break
        await asyncio.sleep(0)
    print(f"{deleted} rows, the longest batch {longest * 1000:.0f} ms")
    await server.stop()
asyncio.run(main())
"""


def cleaned(environment: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", CLEANING], env=os.environ | environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


EXPIRE = "UPDATE credenza_access_token SET expires_at = 1 WHERE digest < '0401' OR client = 'grown-77'"


def expire_sqlite(url: str) -> None:
    path = Settings(database_url=url).sqlite_path
    assert path is not None
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
        connection.execute(EXPIRE)


async def expire_postgresql(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(EXPIRE, timeout=600)
    await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--tokens", type=int, default=10_000_000)
    parser.add_argument("--applications", type=int, default=10_000)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--port", type=int, default=8795)
    parser.add_argument("--keep", action="store_true", help="keep the figures in docs/reference/performance.md")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    servers_core, load_core = (cores[0], cores[1]) if len(cores) > 1 else (-1, -1)
    tables = rows(arguments.users, arguments.applications, arguments.tokens, arguments.members)

    def fill(url: str) -> None:
        if arguments.database == "sqlite":
            fill_sqlite(url, tables)
        else:
            asyncio.run(fill_postgresql(url, tables))

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = ["", ""]
        if arguments.database == "postgresql":
            urls = stack.enter_context(postgresql("empty", "grown"))
        processes = [
            start(folder, "empty", urls[0], arguments.port, servers_core),
            start(folder, "grown", urls[1], arguments.port + 1, servers_core, fill),
        ]
        for process in processes:
            stack.callback(process.stop)
        grown = processes[1].environment["CREDENZA_DATABASE_URL"]
        if load_core >= 0:
            os.sched_setaffinity(0, {load_core})
        said = [
            f"{arguments.database}: {arguments.users:,} users, {arguments.applications:,} applications, "
            f"{arguments.tokens:,} live tokens, {arguments.members:,} members of organizations.",
            asyncio.run(run(processes, list(HOT), arguments.rounds, arguments.seconds, goals=False)),
            asyncio.run(page_times(processes)),
            asyncio.run(tokens_beside_searches(processes[1], 4 * arguments.seconds)),
        ]
        if arguments.database == "sqlite":
            expire_sqlite(grown)
        else:
            asyncio.run(expire_postgresql(grown))
        report = "\n\n".join([*said, f"Clean-up: {cleaned(processes[1].environment)}."])
        print(report)  # noqa: T201
        if arguments.keep:
            keep(f"growth on {arguments.database}", report)


if __name__ == "__main__":
    main()
