"""What twenty idle plugins cost at the token endpoint: `python benchmarks/plugins.py`, one paired and alternating run.

Two servers of the same code on databases of their own, one of them with twenty more plugins that are asked about
everything and have nothing to say. Short rounds alternate between the two, so that whatever else the machine does hits
both alike; what counts is the processor time of each server. Ends with 1 when the plugins add 2 % or more.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import OPERATIONS
from load import Operation, User, repeat
from servers import ACCOUNT, Process, credenza

PLUGINS = 20
LIMIT = 0.02
NAMES = ("cc_opaque", "cc_es", "refresh_es")
IDLE = '''
from credenza import Permission, Prompt, Scope, ScopeProvider, SigningKeyMoved, Theme, hookimpl

NAME = "idle-{number}"


class Idle(ScopeProvider):
    name = title = NAME
    steady = True

    async def catalogue(self):
        return [Scope(Permission(NAME, "", NAME), NAME)]


class Never(Prompt):
    name = NAME

    async def required(self, waiting):
        return False


async def listen(event: SigningKeyMoved) -> None:
    """There is none in this run."""


@hookimpl
def register_scopes():
    return Idle()


@hookimpl
def register_prompts():
    return Never()


@hookimpl
def register_themes():
    return Theme(NAME, NAME)


@hookimpl
def register_listeners():
    return listen


@hookimpl
def choose_theme():
    return None


@hookimpl
def render_consent():
    return None
'''


def install(folder: Path) -> None:
    """Twenty installed plugins: modules, and a distribution with their entry points."""
    metadata = folder / "idle-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: idle\nVersion: 1.0\n")
    entries = [f"idle-{number} = idle_{number}" for number in range(PLUGINS)]
    (metadata / "entry_points.txt").write_text("[credenza]\n" + "\n".join(entries) + "\n")
    for number in range(PLUGINS):
        (folder / f"idle_{number}.py").write_text(IDLE.format(number=number))


def start(folder: Path, port: int, core: int, plugins: Path | None) -> Process:
    before = os.environ.get("PYTHONPATH")
    if plugins is not None:
        os.environ["PYTHONPATH"] = str(plugins)
    try:
        folder.mkdir()
        return credenza(folder, port, core)
    finally:
        os.environ.pop("PYTHONPATH", None)
        if before is not None:
            os.environ["PYTHONPATH"] = before


async def milliseconds(process: Process, users: list[User], operation: Operation, operations: int) -> float:
    before = nanoseconds(process)
    done = await repeat(users, operation, operations=operations, seconds=120)
    return (nanoseconds(process) - before) / done.operations / 1e6


def nanoseconds(process: Process) -> int:
    """What all threads have run, finer than the clock's ticks: a round is short."""
    tasks = [task for pid in process.pids() for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


async def run(plain: Process, loaded: Process, name: str, rounds: int, operations: int) -> tuple[float, float]:
    """Milliseconds of processor time for each operation, without the plugins and with them."""
    users = {process.name: [User(process.server, ACCOUNT) for _ in range(4)] for process in (plain, loaded)}
    operation = OPERATIONS[name][1]
    spent: dict[str, list[float]] = {process.name: [] for process in (plain, loaded)}
    for number in range(-2, rounds):  # two to warm up
        for process in (plain, loaded) if number % 2 else (loaded, plain):
            cost = await milliseconds(process, users[process.name], operation, operations)
            if number >= 0:
                spent[process.name].append(cost)
    for user in (user for group in users.values() for user in group):
        user.connection.close()
    return statistics.median(spent[plain.name]), statistics.median(spent[loaded.name])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--operations", type=int, default=400, help="in each round, at each server")
    parser.add_argument("--port", type=int, default=8490)
    parser.add_argument("--core", type=int, default=-1, help="pin both servers to this core")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        install(folder / "plugins")
        plain = start(folder / "plain", arguments.port, arguments.core, None)
        stack.callback(plain.stop)
        plain.name = "without"
        loaded = start(folder / "loaded", arguments.port + 1, arguments.core, folder / "plugins")
        stack.callback(loaded.stop)
        loaded.name = f"with {PLUGINS} idle plugins"
        assert "idle-19" in loaded.server.metadata["scopes_supported"], "the plugins are there"
        added = [report(plain, loaded, name, arguments) for name in NAMES]
    mean = statistics.fmean(added)
    sys.stdout.write(f"at the token endpoint: {mean:+.2%} (must stay below {LIMIT:+.0%})\n")
    return 0 if mean < LIMIT else 1


def report(plain: Process, loaded: Process, name: str, arguments: argparse.Namespace) -> float:
    without, with_them = asyncio.run(run(plain, loaded, name, arguments.rounds, arguments.operations))
    added = with_them / without - 1
    sys.stdout.write(f"{OPERATIONS[name][0]}: {without:.3f} ms, {with_them:.3f} ms, {added:+.2%}\n")
    sys.stdout.flush()
    return added


if __name__ == "__main__":
    sys.exit(main())
