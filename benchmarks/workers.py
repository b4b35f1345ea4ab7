"""One worker against two: what a second one brings on this machine.

    python benchmarks/workers.py [--workers 2] [--database postgresql|sqlite] [--seconds 3] [--rounds 3] [--share 0.3]

The database, the load and the workers share the machine's cores. Where there are not enough of them, the workers' own
CPU time for one operation says what another core would bring: it is the same with two workers as with one as long as
they do not get in each other's way. Or each worker gets a share of a core only, so that what is left is enough for the
database and the load, as it is on a machine with a core for each of them.
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

sys.path.insert(0, str(Path(__file__).parent))

from bench import CONNECTIONS, OPERATIONS, Row, measure
from load import User
from report import keep
from servers import ACCOUNT, Process, credenza, postgresql
from shares import limited

HOT = ("cc_opaque", "cc_es", "code_es", "refresh_es", "userinfo", "introspection")


async def run(one: Process, more: Process, operations: list[str], rounds: int, seconds: float) -> str:
    processes = (one, more)
    users = {p.name: [User(p.server, ACCOUNT) for _ in range(2 * CONNECTIONS)] for p in processes}
    lines = [
        f"| operation | {one.name}: per second, CPU ms | {more.name}: per second, CPU ms | throughput | CPU |",
        "|---" * 5 + "|",
    ]
    for operation in operations:
        rows = {p.name: Row() for p in processes}
        for turn in range(rounds):
            for process in processes if turn % 2 == 0 else processes[::-1]:
                call = OPERATIONS[operation][1]
                await measure(process, users[process.name], call, rows[process.name], seconds=seconds)
        rate, cpu = (
            [statistics.median(getattr(rows[p.name], figure)) for p in processes] for figure in ("rate", "cpu_ms")
        )
        cells = [f"{rate[i]:.0f}, {cpu[i]:.3f}" for i in (0, 1)]
        lines.append(
            f"| {OPERATIONS[operation][0]} | {cells[0]} | {cells[1]} | "
            f"**{rate[1] / rate[0]:.2f}** | {cpu[1] / cpu[0]:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--port", type=int, default=8793)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--share", type=float, default=0.0, help="of a core, for each worker; 0 is no limit")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", action="store_true", help="keep the figures in docs/reference/performance.md")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(HOT)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        urls = ["", ""]
        if arguments.database == "postgresql":
            urls = stack.enter_context(postgresql("one", "more"))
        processes: list[Process] = []
        try:
            for number, (url, workers) in enumerate(zip(urls, (1, arguments.workers), strict=True)):
                place = Path(folder) / str(number)
                place.mkdir()
                process = credenza(place, arguments.port + number, -1, workers=workers, database=url)
                process.name = f"{workers} worker{'s' if workers > 1 else ''}"
                processes.append(process)
            one, more = processes
            if arguments.share:
                stack.enter_context(limited([*one.pids(), *more.pids()], arguments.share))
            table = asyncio.run(run(one, more, chosen, arguments.rounds, arguments.seconds))
            share = f" Each worker has {arguments.share:.2g} of a core." if arguments.share else ""
            report = f"{os.cpu_count()} cores for the workers, {arguments.database} and the load.{share}\n\n{table}"
            print(report)  # noqa: T201
            if arguments.keep:
                keep(f"workers{' with a share' if share else ''} on {arguments.database}", report)
        finally:
            for process in processes:
                process.stop()


if __name__ == "__main__":
    main()
