"""Users who sign in, get tokens, use, renew and revoke them, while something breaks; and what must never happen.

Every answer is looked at (I4, I6), and everything that a client was told with 200 is written down first.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from credenza.testing import PASSWORD, SECRET, Callback, PageSeen, RelyingParty, UserAgent

INVARIANTS = {
    "I1": "no code redeemed twice, no two live refresh tokens in a family",
    "I2": "what was acknowledged works, what was revoked does not",
    "I3": "no half state in the database",
    "I4": "only 503 with Retry-After, or slow; never wrong content or an unchecked redirect",
    "I5": "recovered without a hand within 30 seconds",
    "I6": "nothing is skipped because its store is away",
}
SETTINGS = {"refresh_token_reuse_window": "60", "rate_limit": "on"}
MAY_LEAD_TO = ("https://app.example.com/cb", "https://spa.example.com/cb", "http://127.0.0.1/cb")
USERS = 6
RIGHT_TO_REPEAT = 55  # seconds, less than the reuse window of the servers under test


@dataclass
class Tally:
    """How often each invariant was looked at, and how often it did not hold."""

    looked: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, invariant: str, holds: bool, what: str = "") -> bool:
        with self.lock:
            self.looked[invariant] += 1
            if not holds:
                self.violations.append(f"{invariant}: {what}"[:500])
        return holds


@dataclass
class Family:
    """What came of one code, as far as the client was told."""

    party: RelyingParty
    code: str
    access: list[str] = field(default_factory=list)
    refresh: str = ""
    revoked: bool = False
    in_doubt: bool = False  # a revocation whose answer was lost, or a repeat that came too late


class Watched:
    """A server whose every answer is looked at. UserAgent and RelyingParty work with it."""

    def __init__(self, server: Any, tally: Tally) -> None:
        self.server = server
        self.issuer: str = server.issuer
        self.tally = tally
        self.statuses: Counter[int] = Counter()
        self.cut = 0

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            answer: httpx.Response = self.server.request(method, url, **options)
        except httpx.TransportError:
            self.cut += 1
            raise
        self.statuses[answer.status_code] += 1
        fine = answer.status_code < 500 or (answer.status_code == 503 and "retry-after" in answer.headers)
        self.tally.look("I4", fine, f"{method} {url.partition('?')[0]} answered {answer.status_code}: {answer.text}")
        location = answer.headers.get("location", "")
        if location.startswith("http") and not location.startswith(self.issuer + "/"):
            self.tally.look("I4", location.startswith(MAY_LEAD_TO), f"a redirect to {location[:100]}")
        return answer


class Journal:
    """What clients were told, on disk before anybody acts on it."""

    def __init__(self, path: Path) -> None:
        self.families: list[Family] = []
        self.redeemed: Counter[str] = Counter()
        self._file = path.open("a")
        self._lock = threading.Lock()

    def write(self, **entry: Any) -> None:
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def redeemed_with(self, family: Family, tokens: Mapping[str, Any]) -> None:
        self.write(kind="redeemed", code=family.code, tokens=dict(tokens))
        with self._lock:
            self.redeemed[family.code] += 1
            self.families.append(family)
            family.access.append(tokens["access_token"])
            family.refresh = tokens["refresh_token"]

    def renewed_with(self, family: Family, tokens: Mapping[str, Any]) -> None:
        self.write(kind="renewed", code=family.code, tokens=dict(tokens))
        with self._lock:
            family.access.append(tokens["access_token"])
            family.refresh = tokens["refresh_token"]

    def close(self) -> None:
        self._file.close()


class Traffic:
    """Users at work, each in a thread, and one who tries what is forbidden. `calm()` first: everybody is signed in."""

    def __init__(self, server: Any, tally: Tally, folder: Path, *, pace: float = 0.03) -> None:
        self.watched = Watched(server, tally)
        self.tally = tally
        self.journal = Journal(folder / f"journal-{random.randrange(10**9)}.jsonl")
        self.pace = pace
        self.flows = 0
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.errors: list[BaseException] = []
        self.on_id_token: Callable[[str], None] = lambda token: None

    def __enter__(self) -> Traffic:
        self._threads = [threading.Thread(target=self._guarded, args=(self._use, n)) for n in range(USERS)]
        self._threads.append(threading.Thread(target=self._guarded, args=(self._try_what_is_forbidden,)))
        for thread in self._threads:
            thread.start()
        self.go_on(USERS, "the first flows")
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(120)
        self.journal.close()
        if self.errors:
            raise self.errors[0]

    def go_on(self, flows: int, what: str, within: float = 120) -> float:
        """Wait until so many flows more are through; returns the seconds that took."""
        began, goal = time.monotonic(), self.flows + flows
        while self.flows < goal:
            assert not self.errors, self.errors
            assert time.monotonic() - began < within, f"{within} seconds were not enough for {what}"
            time.sleep(0.02)
        return time.monotonic() - began

    def check_recovery(self) -> None:
        """I5: soon after the fault is over whole flows succeed again, and a little later for everybody."""
        try:
            seconds = self.go_on(1, "the first flow after the fault")
            self.tally.look("I5", seconds < 30, f"the first flow took {seconds:.0f} seconds")
            self.go_on(2 * USERS, "everybody's recovery")
            self.tally.look("I5", holds=True)
        except AssertionError as error:
            self.tally.look("I5", holds=False, what=str(error))

    def _guarded(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            function(*arguments)
        except BaseException as error:  # noqa: BLE001 - the test's thread raises it
            self.errors.append(error)

    def _use(self, number: int) -> None:
        agent = UserAgent(self.watched)  # type: ignore[arg-type]
        party = RelyingParty(self.watched, "app", MAY_LEAD_TO[0])  # type: ignore[arg-type]
        if number % 2:  # a public client, whose refresh tokens rotate
            party = RelyingParty(self.watched, "spa", MAY_LEAD_TO[1], auth_method="none")  # type: ignore[arg-type]
        while not self._over.is_set():
            code = self._until_there_is_one(lambda: self._code(agent, party))
            if code and self._one_flow(party, code):
                self.flows += 1
            time.sleep(self.pace)

    def _code(self, agent: UserAgent, party: RelyingParty) -> str:
        seen = agent.authorize(party, scope="openid profile email offline_access")
        if isinstance(seen, PageSeen):
            return ""
        return seen.parameters.get("code", "")

    def _one_flow(self, party: RelyingParty, code: str) -> bool:
        answer = self._insist(lambda: party.redeem(Callback(party.redirect_uri, {"code": code})))
        if answer is None or answer.status_code != 200:
            # A first answer was lost: the code is spent, and so are its tokens, which nobody has.
            return False
        family = Family(party, code)
        self.journal.redeemed_with(family, answer.json())
        self.on_id_token(answer.json()["id_token"])
        for _ in range(2):
            began = time.monotonic()
            answer = self._insist(lambda: party.refresh(family.refresh))
            if answer is None or answer.status_code != 200:
                late = answer is None or time.monotonic() - began > RIGHT_TO_REPEAT
                self.tally.look("I2", late, f"an acknowledged refresh token was refused: {answer and answer.text}")
                family.in_doubt = True
                return False
            self.journal.renewed_with(family, answer.json())
        answer = self._insist(lambda: party.userinfo(family.access[-1]))
        if answer is not None:
            self.tally.look("I2", answer.status_code == 200, f"a fresh token was refused: {answer.text}")
        if random.random() < 0.3:
            family.in_doubt = True
            answer = self._insist(lambda: party.revoke(family.refresh))
            if answer is not None and answer.status_code == 200:
                self.journal.write(kind="revoked", code=code)
                family.revoked, family.in_doubt = True, False
        return answer is not None

    def _insist(self, ask: Callable[[], httpx.Response]) -> httpx.Response | None:
        """Ask until there is an answer that is one; None when the traffic ends first."""
        while True:
            with suppress(httpx.TransportError):
                answer = ask()
                if answer.status_code not in (429, 503):
                    return answer
            if self._over.wait(0.1):
                return None

    def _until_there_is_one(self, ask: Callable[[], str]) -> str:
        while not self._over.is_set():
            with suppress(httpx.TransportError):
                if found := ask():
                    return found
            self._over.wait(0.1)
        return ""

    def _try_what_is_forbidden(self) -> None:
        """I6: a disabled application, a suspended user, a revoked token, an application without consent."""
        machine = RelyingParty(self.watched, "disabled", "")  # type: ignore[arg-type]
        stranger = RelyingParty(self.watched, "native", "http://127.0.0.1/cb", auth_method="none")  # type: ignore[arg-type]
        signed_in = UserAgent(self.watched)  # type: ignore[arg-type]
        party = RelyingParty(self.watched, "app", MAY_LEAD_TO[0])  # type: ignore[arg-type]
        self._until_there_is_one(lambda: self._code(signed_in, party))
        while not self._over.is_set():
            with suppress(httpx.TransportError):
                status = machine.post("/token", {"grant_type": "client_credentials"}).status_code
                self.tally.look("I6", status in (401, 429, 503), f"a disabled application got {status}")
            with suppress(httpx.TransportError):
                seen = signed_in.get(stranger.authorization_url(prompt="none"))
                got = isinstance(seen, Callback) and "code" in seen.parameters
                self.tally.look("I6", not got, "a code without consent")
            with suppress(httpx.TransportError):
                agent = UserAgent(self.watched)  # type: ignore[arg-type]
                first = agent.get(party.authorization_url())
                if isinstance(first, PageSeen) and first.forms:
                    after = agent.sign_in("suspended", PASSWORD)
                    self.tally.look("I6", isinstance(after, PageSeen) and after.name != "consent", "a suspended user")
            dead = [family for family in self.journal.families if family.revoked]
            if dead:
                family = random.choice(dead)
                with suppress(httpx.TransportError):
                    status = family.party.refresh(family.refresh).status_code
                    self.tally.look("I6", status in (400, 429, 503), f"a revoked refresh token got {status}")
                with suppress(httpx.TransportError):
                    status = family.party.userinfo(family.access[-1]).status_code
                    self.tally.look("I6", status in (401, 429, 503), f"a revoked access token got {status}")
            self._over.wait(0.2)


FORBIDDEN: dict[str, Any] = {
    "applications": [
        {
            "client_id": "disabled",
            "client_secret": SECRET,
            "name": "Switched off",
            "type": "machine_to_machine",
            "third_party": False,
            "enabled": False,
        }
    ],
    "users": [{"username": "suspended", "password": PASSWORD, "suspended": True}],
}
