"""`--reload`, for whoever writes a plugin: each change of one of its files counts at once."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from faults.waiting import wait_until

from credenza import Settings
from credenza.__main__ import main
from credenza.commands import reloading

PLUGIN = """
from pathlib import Path

from litestar import get

from credenza import hookimpl

TEMPLATE = Path(__file__).parent / "templates" / "level.html"


@get("/tide")
async def tide() -> str:
    return "high, " + TEMPLATE.read_text()


@hookimpl
def register_routes():
    return tide
"""
KEYS = {"secret_key": "a key that is for this test only and long enough", "argon2_time_cost": "1"}


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """An installed one, in a folder: as `pip install -e` leaves it."""
    package, told = tmp_path / "water_level", tmp_path / "water_level-1.dist-info"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").write_text(PLUGIN)
    (package / "templates" / "level.html").write_text("calm")
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: water-level\nVersion: 1\n")
    (told / "entry_points.txt").write_text("[credenza]\nwater-level = water_level\n")
    return package


@pytest.fixture
def reloaded(
    plugin: Path, start_program: Callable[..., Any], free_ports: Callable[[int], list[int]]
) -> Callable[..., tuple[Any, Callable[[], str]]]:
    """Start a command with it; returns the program, and what the plugin answers."""

    def start(command: str, *arguments: str) -> tuple[Any, Callable[[], str]]:
        [port] = free_ports(1)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CREDENZA_")}
        env = kept | {f"CREDENZA_{name.upper()}": value for name, value in KEYS.items()}
        env |= {"PYTHONPATH": str(plugin.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        words = [sys.executable, "-m", "credenza", command, "--reload", "--port", str(port), *arguments]
        address = f"http://localhost:{port}/tide"
        program = start_program(words, ready=address, env=env)

        def answer() -> str:
            with suppress(httpx.TransportError):
                return httpx.get(address, trust_env=False).text
            return ""

        return program, answer

    return start


@pytest.mark.slow
def test_a_change_of_code_or_of_a_template_counts_and_is_told(plugin: Path, reloaded: Callable[..., Any]) -> None:
    program, answer = reloaded("serve")
    assert answer() == "high, calm"
    (plugin / "__init__.py").write_text(PLUGIN.replace("high", "low"))
    wait_until(lambda: answer() == "low, calm", "the new code")
    assert f"{plugin / '__init__.py'} has changed: the server begins anew" in program.said
    for starts, name in enumerate(("templates/level.html", "de.mo"), start=3):
        (plugin / name).write_text("rough")
        wait_until(lambda name=name: f"{plugin / name} has changed" in program.said, name)
        wait_until(lambda starts=starts: program.said.count("Credenza is at") == starts, "the server")
    wait_until(lambda: answer() == "low, rough", "the new template")
    assert program.stop() == 0
    assert answer() == ""


@pytest.mark.slow
def test_a_mistake_is_told_with_its_line_and_the_next_change_is_waited_for(
    plugin: Path, reloaded: Callable[..., Any]
) -> None:
    program, answer = reloaded("serve")
    (plugin / "__init__.py").write_text(PLUGIN + "\nnobody.knows\n")
    wait_until(lambda: "The server has ended." in program.said, "the mistake")
    line = len(PLUGIN.splitlines()) + 2
    assert f"NameError(\"name 'nobody' is not defined\") in {plugin / '__init__.py'}, line {line}" in program.said
    assert program.alive()
    (plugin / "__init__.py").write_text(PLUGIN.replace("high", "low"))
    wait_until(lambda: answer() == "low, calm", "the mended code")


@pytest.mark.slow
def test_the_demo_begins_anew_too(
    plugin: Path, reloaded: Callable[..., Any], free_ports: Callable[[int], list[int]], tmp_path: Path
) -> None:
    database = str(tmp_path / "demo" / "credenza.db")
    _, answer = reloaded("demo", "--app-port", str(free_ports(1)[0]), "--database", database)
    (plugin / "__init__.py").write_text(PLUGIN.replace("high", "low"))
    wait_until(lambda: answer() == "low, calm", "the new code")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_the_server_ends_with_the_process_that_looks_at_the_files(
    command: str, reloaded: Callable[..., Any], free_ports: Callable[[int], list[int]], tmp_path: Path
) -> None:
    """However that ends: a server that is left behind keeps the port, and nobody sees it."""
    demo = ["--app-port", str(free_ports(1)[0]), "--database", str(tmp_path / "demo" / "credenza.db")]
    program, answer = reloaded(command, *(demo if command == "demo" else []))
    os.kill(program.process.pid, signal.SIGKILL)
    program.process.wait()
    wait_until(lambda: answer() == "", "the end of the server")


def test_a_folder_that_goes_while_its_files_are_looked_at_is_none(
    plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with another branch of a repository: the server would be left behind, with nobody to end it."""
    for name in ("de", "fr"):
        (plugin / name).mkdir()
        (plugin / name / "texts.po").write_text("")
    monkeypatch.syspath_prepend(plugin.parent)
    looked_at = reloading._files(Settings(), None)
    seen = next(path for path in looked_at if path.name == "texts.po")
    gone = plugin / ({"de", "fr"} - {seen.parent.name}).pop()
    shutil.rmtree(gone)
    assert plugin / "__init__.py" in [*looked_at], "and the others are looked at"


def test_several_workers_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--reload", "--workers", "2"]) == 1
    assert "--reload serves with one worker" in capsys.readouterr().err
