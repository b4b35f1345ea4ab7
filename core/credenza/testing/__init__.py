"""Fixtures for tests through the front door, ours and plugin authors': the roles of a sign-in, played over HTTP.

`credenza` is a whole server with its own database; `user_agent` a browser, `client` a relying party, `admin` a
browser in which an administrator is signed in. Requests are right but for the changes that a test names:

    def test_prompt_none_without_session(user_agent, client):
        callback = user_agent.authorize(client, prompt="none")
        assert callback.error == "login_required"
"""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..plugins import PluginError
from ..server import Clock
from .browser import UserAgent
from .examination import EXAMINATION, examine
from .outside import Outside, Sent
from .pages import Callback, Form, PageSeen
from .relying_party import RelyingParty
from .server import Credenza, running
from .state import ISSUER, ORDERS, PASSWORD, SECRET, STATE, test_settings

__all__ = [
    "ISSUER",
    "ORDERS",
    "PASSWORD",
    "SECRET",
    "STATE",
    "Callback",
    "Clock",
    "Credenza",
    "Form",
    "Outside",
    "PageSeen",
    "RelyingParty",
    "Sent",
    "UserAgent",
    "running",
    "test_settings",
]

# -- `pytest --credenza-plugin NAME` ----------------------------------------------------------------------------------


CHECKS = Path(__file__).parents[1] / "plugin_checks"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("credenza").addoption(
        "--credenza-plugin",
        metavar="NAME",
        action="append",
        help="run nothing but the checks of what every Credenza plugin promises, on this one: "
        "an installed plugin's name, or the path of a single file; may be given several times",
    )


def pytest_configure(config: pytest.Config) -> None:
    if wanted := config.getoption("--credenza-plugin", None):
        try:
            config.stash[EXAMINATION] = examine(wanted)
        except PluginError as error:
            pytest.exit(f"--credenza-plugin: {error}", returncode=pytest.ExitCode.INTERRUPTED)
        config.args = [str(path) for path in sorted(CHECKS.glob("test_*.py"))]


# -- every run --------------------------------------------------------------------------------------------------------


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is imported by now stays: looking for garbage in it costs a fifth of the time of a server's start."""
    if any("credenza" in getattr(item, "fixturenames", ()) for item in session.items):
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 5, 10)


# -- fixtures ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def credenza_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database with the state of the tests, made once and copied for each test."""
    path = tmp_path_factory.mktemp("template") / "credenza.db"
    with running(test_settings(f"sqlite:///{path}")) as credenza:
        credenza.apply(STATE)
        credenza.run(credenza.server.keys)
    return path


@pytest.fixture
def credenza_database(credenza_template: Path, tmp_path: Path) -> str:
    """The address of this test's own database; override it to run on another engine."""
    copy = tmp_path / "credenza.db"
    shutil.copyfile(credenza_template, copy)
    return f"sqlite:///{copy}"


@pytest.fixture
def credenza_settings() -> dict[str, Any]:
    """Settings that differ from the usual ones; override it in a test module."""
    return {}


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    """Plugins beside the installed ones: pairs of a name and a plugin; override it in a test module."""
    return []


@pytest.fixture
def outside() -> Iterator[Outside]:
    """The services that a plugin calls with `fetch`: a test says what they answer, and sees what they were sent."""
    with Outside() as there:
        yield there


@pytest.fixture
def credenza(
    request: pytest.FixtureRequest,
    credenza_database: str,
    credenza_settings: dict[str, Any],
    credenza_plugins: list[tuple[str, object]],
) -> Iterator[Credenza]:
    """A whole server with the people and applications of `STATE`."""
    if "outside" in request.fixturenames:
        request.getfixturevalue("outside")  # before the server starts, and until what it does besides has ended
    with running(test_settings(credenza_database, **credenza_settings), credenza_plugins) as started:
        yield started


@pytest.fixture
def user_agent(credenza: Credenza) -> UserAgent:
    """A browser in which nobody is signed in."""
    return UserAgent(credenza)


@pytest.fixture
def client(credenza: Credenza) -> RelyingParty:
    """The third-party web application `app`."""
    return RelyingParty(credenza, "app", "https://app.example.com/cb")


@pytest.fixture
def spa(credenza: Credenza) -> RelyingParty:
    """The third-party single page app `spa`, a public client."""
    return RelyingParty(credenza, "spa", "https://spa.example.com/cb", auth_method="none")


@pytest.fixture
def admin(credenza: Credenza) -> UserAgent:
    """A browser in which the administrator `root` is signed in to the console."""
    agent = UserAgent(credenza)
    agent.get("/console")
    agent.sign_in("root")
    return agent
