"""The command line: 0 is success, 1 a refusal in one line, 2 wrong usage in one line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run

COMMANDS = [
    ["serve"],
    ["demo"],
    ["migrate"],
    ["apply"],
    ["diff"],
    ["export"],
    ["admin"],
    ["admin", "create"],
    ["keys"],
    ["keys", "list"],
    ["keys", "rotate"],
    ["keys", "revoke"],
    ["plugins"],
    ["check"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_takes_help(credenza_command: Run, command: list[str]) -> None:
    done = credenza_command(*command, "--help")
    assert done.status == 0
    assert done.out.startswith(f"usage: credenza {' '.join(command)}")
    assert done.err == ""


def test_who_has_read_enough_stops_it_without_a_word(tmp_path: Path) -> None:
    """`credenza plugins | head`: what is left of the answer goes nowhere."""
    command = [sys.executable, "-m", "credenza", "plugins"]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=buffered, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == b""
    assert program.returncode == 0


INTERRUPTED = """
import signal, sys
from rich.progress import Progress
from credenza.__main__ import main

def update(progress, task, *, completed, total):
    for name in sys.argv[3:]:
        signal.raise_signal(signal.Signals[name])

if sys.argv[1] == "background":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
else:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run below nohup
Progress.update = update
sys.exit(main(["apply", sys.argv[2]]))
"""


@pytest.mark.parametrize(
    "how", ["foreground SIGINT", "foreground SIGTERM", "foreground SIGHUP SIGHUP", "background SIGTERM"]
)
def test_who_ends_apply_is_told_what_it_has_made(declared: None, tmp_path: Path, how: str) -> None:
    """A terminal that is closed sends its signal twice."""
    (tmp_path / "users.json").write_text(json.dumps({"users": [{"username": f"user{n}"} for n in range(100)]}))
    where, *signals = how.split()
    command = [sys.executable, "-c", INTERRUPTED, where, "users.json", *signals]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
    assert "+ user user0\n    id: " in done.stdout
    assert "user99" not in done.stdout


def test_apply_that_nohup_started_goes_on_when_the_terminal_is_closed(declared: None, tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text(json.dumps({"users": [{"username": f"user{n}"} for n in range(100)]}))
    command = [sys.executable, "-c", INTERRUPTED, "background", "users.json", "SIGHUP"]
    done = subprocess.run(["nohup", *command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "+ user user99" in done.stdout


def test_help_lists_every_command(credenza_command: Run) -> None:
    out = credenza_command("--help").out
    assert all(f"  {command[0]} " in out for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["keys"],
        ["keys", "nonsense"],
        ["admin", "create"],
        ["apply"],
        ["export", "--nonsense"],
        ["serve", "--port", "many"],
        ["serve", "--port", "65536"],
        ["serve", "--workers", "0"],
        ["demo", "--app-port", "0"],
        ["admin", "create", "--username", "olive", "--role", "nonsense"],
        ["--config"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_one_line(credenza_command: Run, arguments: list[str]) -> None:
    done = credenza_command(*arguments)
    assert done.status == 2
    assert done.out == ""
    assert done.error.startswith("credenza")
    assert "--help" in done.error


def test_the_version_is_told(credenza_command: Run) -> None:
    done = credenza_command("--version")
    assert (done.status, done.err) == (0, "")
    assert re.fullmatch(r"credenza \d+\.\d+\.\d+\n", done.out)


def test_a_command_that_is_not_there_makes_no_files(credenza_command: Run, tmp_path: Path) -> None:
    credenza_command("nonsense")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("before", [True, False])
def test_config_may_stand_before_or_after_the_command(credenza_command: Run, tmp_path: Path, before: bool) -> None:
    config = tmp_path / "credenza.toml"
    config.write_text('[plugins]\ndisabled = ["profile"]\n')
    option = ["--config", str(config)]
    done = credenza_command(*(option if before else []), "plugins", "--json", *([] if before else option))
    assert done.status == 0, done.err
    assert "profile" not in {plugin["name"] for plugin in done.json}


def test_an_unknown_setting_is_named(credenza_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENZA_ISUER", "https://id.example.com")
    done = credenza_command("export")
    assert done.status == 1
    assert "CREDENZA_ISUER" in done.error


def test_a_database_that_is_none_is_one_line(credenza_command: Run, tmp_path: Path) -> None:
    (tmp_path / "credenza.db").write_text("This is a letter, and no database. " * 50)
    (tmp_path / "credenza.db.key").write_text("0123456789abcdef0123456789abcdef")
    for command in (["export"], ["migrate"], ["keys", "list"], ["check"]):
        done = credenza_command(*command)
        assert done.status == 1, command
        assert done.out == ""
        assert "Traceback" not in done.err
        assert "file is not a database" in done.err.splitlines()[-1]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://localhost/credenza",
        "credenza.db",
        "sqlite://credenza.db",
        "sqlite:////",
        "sqlite:///.",
        "postgresql://[bad",
        "postgresql://localhost:99999/credenza",
    ],
)
def test_a_database_address_that_is_none_is_one_line(
    credenza_command: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("CREDENZA_DATABASE_URL", url)
    monkeypatch.setenv("CREDENZA_SECRET_KEY", "0123456789abcdef0123456789abcdef")
    for command in ("export", "check"):
        done = credenza_command(command)
        assert done.status == 1
        assert "database_url" in done.error


def test_a_database_that_cannot_be_reached_is_one_line(credenza_command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENZA_DATABASE_URL", "postgresql://127.0.0.1:9/credenza")
    monkeypatch.setenv("CREDENZA_SECRET_KEY", "0123456789abcdef0123456789abcdef")
    done = credenza_command("export")
    assert done.status == 1
    assert done.error.startswith("credenza: ")
