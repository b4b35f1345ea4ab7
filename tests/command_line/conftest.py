"""`credenza_command` runs a command here; `declared` is a database with what `credenza apply` made of STATE."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from credenza.__main__ import main
from credenza.testing import test_settings as settings_for_tests


@dataclass
class Done:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line on standard error."""
        assert len(self.err.splitlines()) == 1, self.err
        return self.err.strip()


Run = Callable[..., Done]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cheap password hashing, a database of this test, and nothing else."""
    for name in [name for name in os.environ if name.startswith("CREDENZA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREDENZA_ISSUER", "https://id.example.com")
    monkeypatch.setenv("CREDENZA_DATABASE_URL", f"sqlite:///{tmp_path / 'credenza.db'}")
    monkeypatch.setenv("CREDENZA_ARGON2_MEMORY_KIB", "8")
    monkeypatch.setenv("CREDENZA_ARGON2_TIME_COST", "1")


@pytest.fixture
def credenza_command(environment: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: str | Path, typed: str = "") -> Done:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        printed = capsys.readouterr()
        return Done(status, printed.out, printed.err)

    return run


@pytest.fixture
def declared(environment: None, credenza_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is as `credenza apply` leaves it with STATE."""
    shutil.copyfile(credenza_template, tmp_path / "credenza.db")
    monkeypatch.setenv("CREDENZA_SECRET_KEY", settings_for_tests("sqlite://").secret_key)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[Any], Path]:
    """A desired-state file with this content."""

    def write(document: Any) -> Path:
        path = tmp_path / "state.yaml"
        path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
        return path

    return write


def exported(run: Run) -> Any:
    done = run("export")
    assert done.status == 0, done.err
    return yaml.safe_load(done.out)
