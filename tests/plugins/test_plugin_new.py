"""`credenza plugin new`: what it makes can be installed, passes its tests, and is seen by the command and the console.

Each plugin is alone in a virtual environment in which Credenza is installed from its wheel; the libraries that it needs
are those that are installed here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from credenza.__main__ import main
from credenza.commands.plugin import KINDS, LONGEST

ROOT = Path(__file__).parents[2]
QUIETLY = ("install", "--quiet", "--disable-pip-version-check", "--no-deps")
HOOKS = {
    "scope-source": ["register_scopes"],
    "client-type": ["register_client_types"],
    "theme": ["register_themes"],
    "prompt": ["register_prompts"],
    "second-factor": ["account_sections", "register_second_factors", "register_tables"],
    "listener": ["register_listeners"],
    "console-page": ["console_pages"],
    "bare": [],
}
ALONE = [option for name in ("randomly", "faker", "hypothesispytest", "xdist") for option in ("-p", f"no:{name}")]
UNREACHABLE = (
    "No matching distribution found for hatchling",
    "Could not find a version that satisfies",
    "ConnectionError",
)
MAKE_ALL = """
import os, sys
from credenza.__main__ import main

for kind in sys.argv[1:]:
    os.mkdir(kind)
    os.chdir(kind)
    assert main(["plugin", "new", "tide-table", "--kind", kind]) == 0
    os.chdir("..")
"""
IN_THE_CONSOLE = """
def test_the_console_lists_it(admin):
    page = admin.get("/console/plugins")
    assert "credenza-{name}" in page.text
    assert all(hook in page.text for hook in {hooks})
"""


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings, and a working directory with nothing in it."""
    for name in [name for name in os.environ if name.startswith("CREDENZA_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)


def new(*arguments: str | Path) -> int:
    """The exit status of `credenza plugin new`."""
    try:
        return main(["plugin", "new", *map(str, arguments)])
    except SystemExit as exit_:
        return int(exit_.code or 0)


# -- installed --------------------------------------------------------------------------------------------------------


class Environment:
    """A virtual environment with a wheel of Credenza; pytest and all libraries come from here, and stand behind it."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        venv.create(folder, with_pip=False)
        self.python = folder / "bin" / "python"
        here = sysconfig.get_paths()["purelib"]
        there = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        (there / "_here.pth").write_text(f"import site; site.addsitedir({here!r})\n")
        self.packages = there
        done = self.run("pip", *QUIETLY, "--no-index", "--ignore-installed", wheel, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        return self._python("-m", *map(str, arguments), cwd=cwd)

    def said(self, code: str, *arguments: str, cwd: Path) -> str:
        done = self._python("-c", code, *arguments, cwd=cwd)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _python(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        env = {n: v for n, v in os.environ.items() if not n.startswith(("CREDENZA_", "PYTEST_", "PYTHON"))}
        # -P, so that nothing is found only because it lies in the working directory.
        command = [str(self.python), "-P", *arguments]
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)

    @contextmanager
    def having(self, distribution: str, folder: Path) -> Iterator[None]:
        self.install(folder)
        yield
        for left in self.packages.glob(f"*{distribution.replace('-', '_')}*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()

    def install(self, folder: Path) -> None:
        """With the hatchling that is here; without one pip has to fetch it."""
        here = importlib.util.find_spec("hatchling") is not None
        done = self.run(
            "pip", *QUIETLY, *(["--no-build-isolation", "--no-index"] if here else []), "-e", ".", cwd=folder
        )
        if not here and any(message in done.stdout + done.stderr for message in UNREACHABLE):
            pytest.skip("hatchling is not installed, and the package index cannot be reached")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Credenza as it is released."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling builds the wheel, and is missing")
    folder = tmp_path_factory.mktemp("dist")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("credenza-*.whl")
    return made


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("environment") / "venv", wheel)


@pytest.fixture(scope="session")
def made(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new plugin of each kind, in a folder named for it: made where Credenza is installed, one after the other."""
    folder = tmp_path_factory.mktemp("made")
    environment.said(MAKE_ALL, *KINDS, cwd=folder)
    return folder


def test_the_wheel_has_what_is_no_code(wheel: Path) -> None:
    """Compiled catalogues, templates, stylesheets, and the files of new plugins."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder in ("core", "console", "plugins", "themes"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".mo", ".html", ".css", ".svg", ".tmpl", ".typed", ".woff2"):
                assert path.relative_to(ROOT / folder).as_posix() in names


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_is_installed_passes_its_tests_and_is_listed(
    kind: str, environment: Environment, made: Path, tmp_path: Path
) -> None:
    folder = made / kind / "credenza-tide-table"
    with environment.having("credenza-tide-table", folder):
        credenza = environment.said(
            "from importlib.util import find_spec; print(find_spec('credenza').origin)", cwd=tmp_path
        )
        assert str(environment.packages) in credenza

        in_the_console = tmp_path / "test_console.py"
        in_the_console.write_text(IN_THE_CONSOLE.format(name="tide-table", hooks=HOOKS[kind]))
        done = environment.run("pytest", "-q", "-W", "error", *ALONE, "tests", in_the_console, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr

        done = environment.run("credenza", "plugins", "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert {
            "name": "tide-table",
            "distribution": "credenza-tide-table 0.1.0",
            "module": "credenza_tide_table",
            "hooks": HOOKS[kind],
        } in json.loads(done.stdout)


# -- made -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_names_the_paths_that_it_made(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new("tide-table", "--kind", kind, "--directory", tmp_path / "a" / "b", "--json") == 0
    made: Any = json.loads(capsys.readouterr().out)
    folder = tmp_path / "a" / "b" / "credenza-tide-table"
    assert made["directory"] == str(folder)
    assert sorted(made["files"]) == sorted(str(path) for path in folder.rglob("*") if path.is_file())
    names = {str(Path(path).relative_to(folder)) for path in made["files"]}
    assert {
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "credenza_tide_table/__init__.py",
        "credenza_tide_table/py.typed",
        "tests/test_tide_table.py",
    } <= names
    assert not list(Path.cwd().iterdir())  # not even a key of a database


@pytest.mark.parametrize("name", ["a", "b2", "tide-table-2", "x" * LONGEST])
@pytest.mark.parametrize("kind", KINDS)
def test_the_code_is_formatted_and_clean_whatever_the_name(kind: str, name: str) -> None:
    assert new(name, "--kind", kind) == 0
    ruff = [sys.executable, "-m", "ruff"]
    for check in (["check", "--select", "A,ANN,B,E,F,I,PT,RUF,SIM,UP"], ["format", "--check"]):
        done = subprocess.run(
            [*ruff, *check, "--isolated", "--no-cache", "."], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_types_are_right() -> None:
    for kind in KINDS:
        assert new(f"a-{kind}", "--kind", kind) == 0
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file=", *Path.cwd().iterdir()]
    done = subprocess.run(mypy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert new("tide-table", "--kind", "theme") == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert [line.strip() for line in said.out.splitlines()[1:]] == [
        f"cd {Path.cwd() / 'credenza-tide-table'}",
        "pip install -e '.[dev]'",
        "pytest",
        "pytest --credenza-plugin tide-table",
        "credenza plugins",
    ]


# -- refused ----------------------------------------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path, status: int) -> str:
    """The one line on standard error; nothing was made."""
    assert new(*arguments) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert not list(Path.cwd().iterdir())
    return said.err


@pytest.mark.parametrize(
    "name",
    ["", "Tide", "tide_table", "2tide", "-tide", "tide-", "tide--table", "tide.table", "../tide", "tidé", "tide\n"],
)
def test_a_bad_name_is_wrong_usage(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, "--kind", "theme", "--", name, status=2)


def test_a_name_that_no_column_holds_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert f"at most {LONGEST} characters" in refused(capsys, "x" * (LONGEST + 1), "--kind", "theme", status=2)


@pytest.mark.parametrize(
    "arguments", [["tide-table"], ["--kind", "theme"], ["tide-table", "--kind", "hook"], ["a", "b", "--kind", "theme"]]
)
def test_a_missing_or_unknown_argument_is_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, *arguments, status=2)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("console", "theme", "a plugin called 'console' is installed"),
        ("theme-plain", "prompt", "a plugin called 'theme-plain' is installed"),
        ("spa", "client-type", "there is a client type called 'spa'"),
        ("plain", "theme", "there is a theme called 'plain'"),
        ("totp", "second-factor", "a plugin called 'totp' is installed"),
        ("recovery-code", "second-factor", "there is a second factor called 'recovery-code'"),
        ("login", "prompt", "there is a prompt called 'login'"),
        ("authenticator", "second-factor", "there is a page at /account/security/authenticator"),
        ("users", "console-page", "there is a page at /console/users"),
        ("audit-log", "console-page", "there is a page at /console/audit-log"),
    ],
)
def test_a_name_that_is_taken_is_refused(
    name: str, kind: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(capsys, name, "--kind", kind, status=1)


def test_a_package_of_that_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "credenza_tide_table.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert "'credenza_tide_table'" in refused(capsys, "tide-table", "--kind", "theme", status=1)


def test_an_existing_folder_is_refused_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "credenza-tide-table"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    message = refused(capsys, "tide-table", "--kind", "theme", "--directory", tmp_path, status=1)
    assert str(folder) in message
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    refused(capsys, "tide-table", "--kind", "theme", "--directory", tmp_path / "file", status=1)
