"""What twenty idle plugins cost at the token endpoint: `python benchmarks/plugins.py`, one paired and alternating run.

Two servers of the same code on databases of their own, one of them with twenty more plugins that are asked about
everything and have nothing to say. Requests alternate between the two, so that whatever else the machine does hits both
alike; what counts is the processor time of each server. Ends with 1 when the plugins add 2 % or more.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import OPERATIONS
from load import Operation, User
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


async def alternately(servers: Sequence[tuple[Process, User]], operation: Operation, times: int) -> dict[str, float]:
    """One operation at each server in turn, so often; milliseconds of processor time for each operation."""
    before = {process.name: nanoseconds(process) for process, _ in servers}
    for number in range(times):
        for _, user in servers if number % 2 else reversed(servers):
            await operation(user)
    return {process.name: (nanoseconds(process) - before[process.name]) / times / 1e6 for process, _ in servers}


def nanoseconds(process: Process) -> int:
    """What all threads have run, finer than the clock's ticks: a round is short."""
    tasks = [task for pid in process.pids() for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


async def run(plain: Process, loaded: Process, name: str, rounds: int, operations: int) -> tuple[float, float]:
    """Milliseconds of processor time for each operation without the plugins, and the median ratio of the rounds."""
    servers = [(process, User(process.server, ACCOUNT)) for process in (plain, loaded)]
    operation = OPERATIONS[name][1]
    await alternately(servers, operation, 100)  # to warm up
    spent = [await alternately(servers, operation, operations) for _ in range(rounds)]
    for _, user in servers:
        user.connection.close()
    without, with_them = ([cost[process.name] for cost in spent] for process in (plain, loaded))
    ratio = statistics.median(b / a for a, b in zip(without, with_them, strict=True))
    return statistics.median(without), ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--operations", type=int, default=200, help="in each round, at each server")
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
    without, ratio = asyncio.run(run(plain, loaded, name, arguments.rounds, arguments.operations))
    sys.stdout.write(f"{OPERATIONS[name][0]}: {without:.3f} ms without, {ratio - 1:+.2%}\n")
    sys.stdout.flush()
    return ratio - 1


if __name__ == "__main__":
    sys.exit(main())
