"""The server is killed while it issues tokens, and started again. What a client was told with 200 stays true."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from credenza.testing import Callback, RelyingParty

pytestmark = pytest.mark.slow
KILLS = 3
CLIENTS = 4
BETWEEN = 40  # acknowledged answers between two kills


@dataclass
class Journal:
    """What the clients were told. A family is what came of one code."""

    answers: int = 0
    redeemed: dict[str, int] = field(default_factory=dict)  # code to how often it was answered with 200
    access: list[str] = field(default_factory=list)
    refresh: dict[str, str] = field(default_factory=dict)  # code to the refresh token that counts now
    in_doubt: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, code: str, tokens: dict[str, Any], *, first: bool) -> None:
        with self.lock:
            self.answers += 1
            self.redeemed[code] = self.redeemed.get(code, 0) + first
            self.access.append(tokens["access_token"])
            self.refresh[code] = tokens["refresh_token"]


def insist(journal: Journal, ask: Callable[[], Any]) -> Any:
    """Ask until there is an answer, as clients do; while the server is away there is none."""
    deadline = time.monotonic() + 180
    while True:
        try:
            return ask()
        except httpx.TransportError:
            assert time.monotonic() < deadline
            with journal.lock:
                journal.in_doubt += 1
            time.sleep(0.02)


def drive(
    party: RelyingParty, code_for: Callable[[RelyingParty], str], journal: Journal, over: threading.Event
) -> None:
    """One client: a code, its tokens, two refreshes, and again."""
    while not over.is_set():
        code = insist(journal, lambda: code_for(party))
        callback = Callback(party.redirect_uri, {"code": code})
        answer = insist(journal, lambda callback=callback: party.redeem(callback))
        if answer.status_code != 200:
            # The first answer was lost with the server: the code is spent, and its tokens with it.
            assert answer.json()["error"] == "invalid_grant", answer.text
            continue
        tokens = answer.json()
        journal.acknowledge(code, tokens, first=True)
        for _ in range(2):
            value = tokens["refresh_token"]
            answer = insist(journal, lambda value=value: party.refresh(value))
            assert answer.status_code == 200, answer.text
            tokens = answer.json()
            journal.acknowledge(code, tokens, first=False)


def test_no_code_is_redeemed_twice_and_no_acknowledged_token_is_lost(
    filled_database_url: str, start_server: Callable[..., Any], signed_in: Callable[..., Any]
) -> None:
    # An answer that is lost is asked for again after the restart, which may take a moment.
    server = start_server(filled_database_url, refresh_token_reuse_window="60")
    journals = {}
    over = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as threads:
        running = []
        try:
            for number in range(CLIENTS):
                # A confidential client keeps its refresh token, a public one gets another each time.
                party = RelyingParty(server, "app", "https://app.example.com/cb")
                if number % 2:
                    party = RelyingParty(server, "spa", "https://spa.example.com/cb", auth_method="none")
                _, code_for = signed_in(server, party)
                journal = journals[number] = Journal()
                running.append((party, journal, threads.submit(drive, party, code_for, journal, over)))
            for _ in range(KILLS):
                goal = sum(journal.answers for _, journal, _ in running) + BETWEEN
                while sum(journal.answers for _, journal, _ in running) < goal:
                    assert not any(future.done() for _, _, future in running), [f.exception() for *_, f in running]
                    time.sleep(0.01)
                time.sleep(random.uniform(0, 0.05))
                server.restart()
        finally:
            over.set()
        for _, _, future in running:
            future.result(60)
    assert sum(journal.in_doubt for journal in journals.values()) > 0, "no request was under way at any kill"
    for party, journal, _ in running:
        check(party, journal)


def check(party: RelyingParty, journal: Journal) -> None:
    assert journal.redeemed
    assert set(journal.redeemed.values()) == {1}
    for token in journal.access:
        assert party.userinfo(token).status_code == 200
    for token in journal.refresh.values():
        assert party.refresh(token).status_code == 200
    for code in journal.redeemed:
        again = party.redeem(Callback(party.redirect_uri, {"code": code}))
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
