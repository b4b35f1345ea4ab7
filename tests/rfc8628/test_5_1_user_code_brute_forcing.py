"""Codes that are guessed. RFC 8628 §5.1."""

from __future__ import annotations

from credenza.endpoints.device_authorization import TRIES_BY_ADDRESS, TRIES_BY_SESSION, TRIES_IN_ALL
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.rules import Try

from .conftest import begin, enter


def test_guessing_codes_is_stopped(user_agent: UserAgent, device: RelyingParty) -> None:
    """SECURITY A-BRU-10."""
    begin(device)
    statuses = []
    for _ in range(40):
        user_agent.get("/device")
        page = user_agent.submit([("user_code", "BBBB-BBBB")])
        assert isinstance(page, PageSeen)
        statuses.append(page.status)
    assert statuses[0] == 422
    assert statuses[-1] == 429


def guess(agent: UserAgent, times: int, network: str) -> list[int]:
    """Wrong codes from as many addresses; what each is answered with."""
    page = agent.get("/device")
    assert isinstance(page, PageSeen)
    statuses = []
    for host in range(1, times + 1):
        agent.address = f"{network}{host:x}"
        seen = agent.post("/device", [*page.forms[0].hidden(), ("user_code", "BBBB-BBBB")])
        assert isinstance(seen, PageSeen)
        statuses.append(seen.status)
    return statuses


def test_guessing_from_one_network_stops_that_network_and_nobody_else(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """RFC 8628 §5.1: whoever has one IPv6 network has 2^64 addresses, and blocked everybody's devices with 600."""
    statuses = guess(UserAgent(credenza), 700, "2001:db8:1:1::")
    assert statuses.count(422) < 3 * TRIES_BY_ADDRESS.burst
    user_agent.address = "198.51.100.9"
    assert enter(user_agent, begin(device)["user_code"]).name == "device"


def test_r_dv_04_guessing_in_a_session_is_stopped_wherever_it_comes_from(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-DV-04: per session, per address and globally; strangers do not stop who is signed in."""
    enter(user_agent, begin(device)["user_code"])
    for _ in range(TRIES_IN_ALL.burst + 100):
        credenza.run(credenza.app.state.limiter.may_know, False, (TRIES_IN_ALL, ""))
    assert guess(UserAgent(credenza), 1, "2001:db8:3:1::") == [429]
    statuses = [guess(user_agent, 1, f"2001:db8:4:{number:x}::")[0] for number in range(TRIES_BY_SESSION.burst + 2)]
    assert (statuses[0], statuses[-1]) == (422, 429)


def test_guessing_from_many_networks_is_stopped_and_right_codes_do_not_count_as_guesses(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    started, limiter = begin(device), credenza.app.state.limiter
    in_all: Try = (TRIES_IN_ALL, "")
    assert enter(user_agent, started["user_code"]).name == "device"
    assert in_all not in limiter._arrivals
    assert guess(UserAgent(credenza), 1, "2001:db8:2:1::") == [422]
    assert in_all in limiter._arrivals
    for _ in range(TRIES_IN_ALL.burst + 100):
        credenza.run(limiter.may_know, False, in_all)
    assert guess(UserAgent(credenza), 1, "2001:db8:2:2::") == [429]
