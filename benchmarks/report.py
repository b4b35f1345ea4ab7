"""Where what was measured is kept: a section of a page for each benchmark, with what it was measured on."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "performance.md"
PACKAGES = ("litestar", "uvicorn", "uvloop", "piccolo", "asyncpg", "python-jose", "cryptography", "argon2-cffi")


def measured_on() -> str:
    """The day, the commit, the machine and the versions, in one paragraph."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}; {processor()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}; Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {packages}."
    )


def commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=PAGE.parent, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603, S607  # our own words
        return done.stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--", "core", "plugins", "console", "themes") else ""
    return git("rev-parse", "--short", "HEAD") + changed


def processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def keep(section: str, text: str, page: Path = PAGE) -> None:
    """Put it between the two marks of its section; raises ValueError when the page has none."""
    whole = page.read_text()
    begin, end = f"<!-- {section} -->\n", f"<!-- end of {section} -->"
    before, mark, rest = whole.partition(begin)
    _, closing, after = rest.partition(end)
    if not mark or not closing:
        raise ValueError(f"{page} has no place for {section}")
    page.write_text(f"{before}{begin}\n{text.strip()}\n\nMeasured on {measured_on()}\n\n{end}{after}")
