"""A share of a core for each process, so that a small machine shows what a larger one would bring. Linux, as root."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PERIOD = 20_000  # µs: a process that has had its share waits for the rest of this
GROUPS = Path("/sys/fs/cgroup")


@contextmanager
def limited(pids: Sequence[int], share: float) -> Iterator[None]:
    """Each of these processes gets `share` of a core and no more, until the end of the block."""
    made: list[Path] = []
    try:
        for pid in pids:
            made.append(_group(f"credenza-{pid}", round(PERIOD * share)))
            (made[-1] / "cgroup.procs").write_text(str(pid))
        yield
    except OSError as error:
        sys.exit(f"A share of a core needs root and control groups for the processor: {error}")
    finally:
        for group in made:
            for inside in (group / "cgroup.procs").read_text().split():
                with suppress(ProcessLookupError):
                    (group.parent / "cgroup.procs").write_text(inside)
            group.rmdir()


def _group(name: str, quota: int) -> Path:
    """Of the first version of control groups, else of the second."""
    if (GROUPS / "cpu").is_dir():
        group = GROUPS / "cpu" / name
        group.mkdir()
        (group / "cpu.cfs_period_us").write_text(str(PERIOD))
        (group / "cpu.cfs_quota_us").write_text(str(quota))
    else:
        (GROUPS / "cgroup.subtree_control").write_text("+cpu")
        group = GROUPS / name
        group.mkdir()
        (group / "cpu.max").write_text(f"{quota} {PERIOD}")
    return group
