"""Credenza against npm oidc-provider, in one paired and alternating run.

    python benchmarks/bench.py [--database sqlite|postgresql] [--rounds 5] [--seconds 2] [--only code_es,refresh_es]
    python benchmarks/bench.py --first 1000

Each server is one process on one core, the load comes from the other core over 8 keep-alive connections. What counts is
the server's own CPU time for one operation, and the ratio of the two: a busy machine changes the one, not the other.
PostgreSQL's own time counts for neither; it runs wherever there is room.

With --first, both are started anew for every round, and each operation is measured from the first time: what a server
costs after a deployment, before a just-in-time compiler has seen it often.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parent))

from load import API, Connection, Operation, User, expect, repeat
from report import keep
from servers import ACCOUNT, MACHINE, PUBLIC, WEB, Process, credenza, peer, postgresql

CONNECTIONS = 8


async def discovery(user: User) -> None:
    expect(await user.connection.request("GET", "/.well-known/openid-configuration"), 200)


async def jwks(user: User) -> None:
    await user.get("jwks_uri")


def client_credentials(alg: str, resource: str) -> Operation:
    named = {"resource": resource, "scope": "read write"} if resource else {}

    async def operation(user: User) -> None:
        answer = await user.token(MACHINE[alg], grant_type="client_credentials", **named)
        assert answer["access_token"].count(".") == (2 if resource else 0)

    return operation


def code_round(alg: str) -> Operation:
    async def operation(user: User) -> None:
        assert "id_token" in await user.code_round(WEB[alg])

    return operation


def refresh(alg: str) -> Operation:
    """A public client, whose refresh tokens rotate at both servers."""

    async def operation(user: User) -> None:
        name = f"refresh {alg}"
        if name not in user.kept:
            user.kept[name] = (await user.code_round(PUBLIC[alg], "openid email offline_access"))["refresh_token"]
        answer = await user.token(PUBLIC[alg], grant_type="refresh_token", refresh_token=user.kept[name])
        assert answer["refresh_token"] != user.kept[name]
        assert "id_token" in answer
        user.kept[name] = answer["refresh_token"]

    return operation


async def _access_token(user: User) -> str:
    if "access" not in user.kept:
        user.kept["access"] = (await user.code_round(WEB["ES256"]))["access_token"]
    return user.kept["access"]


async def userinfo(user: User) -> None:
    headers = {"authorization": f"Bearer {await _access_token(user)}"}
    answer = await user.connection.request("GET", user.server.path("userinfo_endpoint"), headers)
    assert "email" in expect(answer, 200).json()


async def introspection(user: User) -> None:
    body = urlencode({"token": await _access_token(user)})
    path = user.server.path("introspection_endpoint")
    answer = await user.connection.request("POST", path, WEB["ES256"].basic, body)
    assert expect(answer, 200).json()["active"] is True


async def sign_in(user: User) -> None:
    """A browser that was never here: sign-in page, password, consent where it is asked, code, tokens."""
    fresh = User(user.server, user.account)
    fresh.connection = Connection(user.server.port)
    try:
        await fresh.code_round(WEB["ES256"])
    finally:
        fresh.connection.close()


OPERATIONS: dict[str, tuple[str, Operation, float]] = {  # name: (what it is, how, the ratio that is the goal)
    "discovery": ("discovery", discovery, 2.0),
    "jwks": ("JWKS", jwks, 1.3),
    "cc_opaque": ("client credentials, opaque", client_credentials("ES256", ""), 1.4),
    "cc_es": ("client credentials, JWT ES256", client_credentials("ES256", API), 1.5),
    "cc_rs": ("client credentials, JWT RS256", client_credentials("RS256", API), 1.1),
    "code_es": ("code + PKCE, ES256", code_round("ES256"), 2.0),
    "code_rs": ("code + PKCE, RS256", code_round("RS256"), 1.7),
    "refresh_es": ("refresh with rotation, ES256", refresh("ES256"), 1.5),
    "refresh_rs": ("refresh with rotation, RS256", refresh("RS256"), 1.3),
    "userinfo": ("UserInfo", userinfo, 1.4),
    "introspection": ("introspection", introspection, 1.6),
    "sign_in": ("interactive sign-in with consent", sign_in, 1.1),
}


@dataclass(slots=True)
class Row:
    """One operation at one server: a figure for each round."""

    cpu_ms: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000

    @property
    def percentiles(self) -> str:
        return " / ".join(f"{self.percentile(part):.1f}" for part in (0.5, 0.95, 0.99))


async def measure(
    process: Process, users: list[User], operation: Operation, row: Row, *, seconds: float, operations: int = 1_000_000
) -> None:
    await asyncio.gather(*(operation(user) for user in users))  # what it needs to begin with is not its cost
    before = process.cpu_seconds()
    done = await repeat(users, operation, operations=operations, seconds=seconds)
    spent = process.cpu_seconds() - before
    row.cpu_ms.append(spent / done.operations * 1000)
    row.rate.append(done.operations / done.seconds)
    row.latencies += done.latencies


def table(rows: dict[str, dict[str, Row]], names: list[str], *, goals: bool) -> str:
    head = "| operation | " + " | ".join(f"{n}: CPU ms, per second, p50 / p95 / p99 ms" for n in names)
    lines = [head + f" | ratio |{' goal |' if goals else ''}", "|---" * (len(names) + 2 + goals) + "|"]
    for operation, found in rows.items():
        title, _, goal = OPERATIONS[operation]
        cells = []
        for name in names:
            row = found[name]
            cells.append(f"{statistics.median(row.cpu_ms):.3f}, {statistics.median(row.rate):.0f}, {row.percentiles}")
        ratio = "-"
        if len(names) > 1:
            pairs = zip(found[names[1]].cpu_ms, found[names[0]].cpu_ms, strict=True)
            ratio = f"**{statistics.median(theirs / ours for theirs, ours in pairs):.2f}**"
        lines.append(f"| {title} | " + " | ".join(cells) + f" | {ratio} |{f' {goal} |' if goals else ''}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--first", type=int, default=0, help="only so many operations, of servers that just started")
    parser.add_argument("--only", default="")
    parser.add_argument("--port", type=int, default=8790)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--alone", action="store_true", help="without the peer")
    parser.add_argument("--keep", action="store_true", help="keep the figures in docs/reference/performance.md")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(OPERATIONS)
    cores = sorted(os.sched_getaffinity(0))
    servers_core, load_core = (cores[0], cores[1]) if len(cores) > 1 else (-1, -1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours, theirs = "", ""
        if arguments.database == "postgresql":
            ours, theirs = stack.enter_context(postgresql("ours", "theirs"))
        starters: list[Callable[[], Process]] = [lambda: credenza(folder, arguments.port, servers_core, database=ours)]
        if not arguments.alone:
            starters.append(lambda: peer(folder, arguments.port + 1, servers_core, database=theirs))
        section = "bench" if arguments.database == "sqlite" else "bench on postgresql"
        if arguments.first:
            section = "bench of first operations"
            report = first(starters, load_core, chosen, arguments.rounds, arguments.first)
        else:
            goals = arguments.database == "sqlite"
            started = starts(starters, arguments.rounds)
            with running(starters, load_core) as processes:
                work = run(processes, chosen, arguments.rounds, arguments.seconds, started, goals=goals)
                report = asyncio.run(work)
    print(report)  # noqa: T201
    if arguments.keep:
        keep(section, report)


@contextmanager
def running(starters: list[Callable[[], Process]], load_core: int) -> Iterator[list[Process]]:
    """The servers, while this process keeps to the core for the load."""
    everywhere = os.sched_getaffinity(0)
    processes: list[Process] = []
    try:
        processes.extend(start() for start in starters)
        if load_core >= 0:
            os.sched_setaffinity(0, {load_core})
        yield processes
    finally:
        os.sched_setaffinity(0, everywhere)
        for process in processes:
            process.stop()


def starts(starters: list[Callable[[], Process]], rounds: int) -> dict[str, float]:
    """Seconds from the command to the first answer: of each server so many times, in turn; medians."""
    seconds: dict[str, list[float]] = {}
    for turn in range(rounds):
        for start in starters if turn % 2 == 0 else starters[::-1]:
            with running([start], -1) as (process,):
                seconds.setdefault(process.name, []).append(process.start_seconds)
    return {name: statistics.median(found) for name, found in seconds.items()}


def first(
    starters: list[Callable[[], Process]], load_core: int, chosen: list[str], rounds: int, operations: int
) -> str:
    rows: dict[str, dict[str, Row]] = {operation: {} for operation in chosen}
    names: list[str] = []
    for turn in range(rounds):
        for operation in chosen:
            for start in starters if turn % 2 == 0 else starters[::-1]:
                with running([start], load_core) as (process,):
                    if process.name not in names:
                        names.append(process.name)
                    row = rows[operation].setdefault(process.name, Row())
                    users = [User(process.server, ACCOUNT) for _ in range(CONNECTIONS)]
                    work = OPERATIONS[operation][1]
                    asyncio.run(measure(process, users, work, row, seconds=60, operations=operations))
        print(f"round {turn + 1} …", file=sys.stderr, flush=True)  # noqa: T201
    head = f"The first {operations} operations of servers that just started, {rounds} times; medians."
    return f"{head}\n\n{table(rows, names, goals=False)}"


async def run(
    processes: list[Process],
    chosen: list[str],
    rounds: int,
    seconds: float,
    started: dict[str, float] | None = None,
    *,
    goals: bool = True,
) -> str:
    names = [process.name for process in processes]
    idle = {process.name: process.memory_mib() for process in processes}
    users = {p.name: [User(p.server, ACCOUNT) for _ in range(CONNECTIONS)] for p in processes}
    rows = {operation: {name: Row() for name in names} for operation in chosen}
    for operation in chosen:
        for turn in range(rounds):
            order = processes if turn % 2 == 0 else processes[::-1]
            for process in order:
                row = rows[operation][process.name]
                await measure(process, users[process.name], OPERATIONS[operation][1], row, seconds=seconds)
        print(f"{operation} …", file=sys.stderr, flush=True)  # noqa: T201
    started = {p.name: p.start_seconds for p in processes} | (started or {})
    lines = [
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {rounds} rounds of "
        f"{seconds} s, {CONNECTIONS} connections, one process on one core; medians.",
        "",
        table(rows, names, goals=goals),
        "",
        "| | start to first answer, s | memory idle, MiB | after the load, MiB |",
        "|---|---|---|---|",
        *(
            f"| {p.name} {p.version} | {started[p.name]:.2f} | {idle[p.name]:.0f} | {p.memory_mib():.0f} |"
            for p in processes
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
