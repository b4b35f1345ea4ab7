"""Each tutorial on plugins, followed to the letter: files written, commands typed, tests run, as the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from credenza.testing import PageSeen, RelyingParty, UserAgent

DOCS = Path(__file__).parents[2] / "docs" / "plugins"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

pytestmark = pytest.mark.slow


def section(page: str, title: str) -> list[tuple[str, str]]:
    """The code blocks below a heading: pairs of a language and a text."""
    text = (DOCS / page).read_text()
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return BLOCK.findall(found[1])


def blocks(page: str, title: str, language: str) -> list[str]:
    return [text for kind, text in section(page, title) if kind == language]


def commands(page: str, title: str) -> str:
    """What is typed at a prompt."""
    lines = "".join(blocks(page, title, "console")).splitlines()
    return "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))


def run(*command: str, cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CREDENZA_", "PYTEST_"))}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installed(folder: Path, project: dict[str, Any]) -> None:
    """What `pip install -e .` would leave for whoever asks which plugins there are, in this folder alone."""
    about = f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    (points,) = ([f"{k} = {v}" for k, v in group.items()] for group in project["entry-points"].values())
    written(folder, f"{about}/entry_points.txt", "\n".join(["[credenza]", *points, ""]))
    written(
        folder, f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )


def its_tests_pass(page: str, file: str, folder: Path) -> None:
    """The page's own tests, in one file beside the plugin."""
    (folder / file).write_text("\n\n".join(blocks(page, "Test it", "python")))
    said = run(sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", file, cwd=folder)
    assert "passed" in said


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def serve_with(credenza_template: Path, start_server: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """`credenza serve` with a single file as plugin, and what a page declares applied."""

    def start(plugin: str, declared: str) -> Any:
        shutil.copyfile(credenza_template, tmp_path / "credenza.db")
        server = start_server(f"sqlite:///{tmp_path / 'credenza.db'}", plugins_path=plugin)
        server.command("apply", written(tmp_path, "declared.yaml", declared))
        return server

    return start


def test_a_scope_source(tmp_path: Path, serve_with: Callable[..., Any]) -> None:
    page = "scope-source.md"
    (plugin,) = blocks(page, "The whole plugin", "python")
    path = written(tmp_path, "staff_directory.py", plugin)
    assert "staff_directory" in run("bash", "-e", "-c", commands(page, "Try it"), cwd=tmp_path)
    (declared,) = blocks(page, "Try it", "yaml")
    server = serve_with(path, declared)
    assert "groups" in server.request("GET", "/.well-known/openid-configuration").json()["scopes_supported"]
    client = RelyingParty(server, "app", "https://app.example.com/cb")
    agent = UserAgent(server)
    agent.get(client.authorization_url(scope="openid groups"))
    consent = agent.sign_in()
    assert isinstance(consent, PageSeen)
    assert "harbour-pilots" in consent.text
    tokens = client.tokens(agent.decide())
    assert client.userinfo(tokens["access_token"]).json()["groups"] == ["harbour-pilots", "night-watch"]
    its_tests_pass(page, "test_staff_directory.py", tmp_path)


def test_a_client_type(tmp_path: Path, serve_with: Callable[..., Any]) -> None:
    page = "client-type.md"
    (plugin,) = blocks(page, "The whole plugin", "python")
    path = written(tmp_path, "kiosk_client.py", plugin)
    (declared,) = blocks(page, "Try it", "yaml")
    server = serve_with(path, declared)
    kiosk = RelyingParty(server, "lobby", "https://lobby.example.com/cb", auth_method="none")
    tokens = kiosk.tokens(UserAgent(server).authorize(kiosk, scope="openid profile"))
    assert "refresh_token" not in tokens
    its_tests_pass(page, "test_kiosk_client.py", tmp_path)


def test_a_theme(tmp_path: Path) -> None:
    page = "theme.md"
    (python,) = blocks(page, "The whole plugin", "python")
    (css,) = blocks(page, "The whole plugin", "css")
    written(tmp_path, "theme_harbour/__init__.py", python)
    written(tmp_path, "theme_harbour/static/harbour.css", css)
    (toml,) = blocks(page, "Install it", "toml")
    installed(tmp_path, tomllib.loads(toml)["project"])
    its_tests_pass(page, "test_theme_harbour.py", tmp_path)


def test_a_page_in_the_console(tmp_path: Path) -> None:
    page = "console-page.md"
    (python,) = blocks(page, "The whole plugin", "python")
    (template,) = blocks(page, "The whole plugin", "jinja")
    written(tmp_path, "tide_gauge/__init__.py", python)
    written(tmp_path, "tide_gauge/templates/gauge.html", template)
    its_tests_pass(page, "test_tide_gauge.py", tmp_path)
