"""`credenza demo` in the terminal. What its pages show is in tests/browser/test_demo.py."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from credenza.demo.data import ACCOUNTS

pytestmark = pytest.mark.clients

CHEAP = {"CREDENZA_ARGON2_TIME_COST": "1", "CREDENZA_ARGON2_MEMORY_KIB": "8"}


def command(port: int, app_port: int, database: Path) -> list[str]:
    where = ["--port", str(port), "--app-port", str(app_port), "--database", str(database)]
    return [sys.executable, "-m", "credenza", "demo", *where]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("CREDENZA_")} | CHEAP


def test_it_says_where_to_go_and_starts_again_on_what_is_there(
    start_program: Callable[..., Any], free_ports: Callable[[int], list[int]], tmp_path: Path
) -> None:
    port, app_port = free_ports(2)
    database = tmp_path / "demo-data" / "credenza.db"
    for _ in range(2):
        demo = start_program(
            command(port, app_port, database), ready=f"http://localhost:{app_port}/", env=environment()
        )
        assert httpx.get(f"http://localhost:{port}/readyz", trust_env=False).status_code == 200
        for told in (f"http://localhost:{app_port}", f"http://localhost:{port}/console"):
            assert told in demo.said
        for account in ACCOUNTS:
            assert account.username in demo.said
            assert account.password in demo.said
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(30) == 0
        assert "Traceback" not in demo.said
    for kept in (database, database.with_name("harbour-wiki.secret")):
        assert kept.stat().st_mode & 0o777 == 0o600
    assert database.parent.stat().st_mode & 0o777 == 0o700


def test_a_port_that_is_taken_is_one_clear_line(free_ports: Callable[[int], list[int]], tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        app_port = taken.getsockname()[1]
        done = subprocess.run(
            command(port, app_port, tmp_path / "credenza.db"),
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("credenza: ")
    assert str(app_port) in line
    assert "--app-port" in line
    assert not (tmp_path / "credenza.db").exists()


def test_the_passwords_are_as_long_as_ours_must_be() -> None:
    assert all(len(account.password) >= 15 for account in ACCOUNTS)
