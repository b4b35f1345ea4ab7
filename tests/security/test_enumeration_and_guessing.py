"""Nobody learns who has an account, and nobody guesses for ever. SECURITY.md R-PW-*, §2.14."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import sys
import threading
import time
import unicodedata
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerificationError
from argon2.low_level import error_to_str

from credenza.endpoints import authorization
from credenza.invitations import invite
from credenza.protocol.errors import TemporarilyUnavailable
from credenza.protocol.tokens import digest
from credenza.settings import Settings, SettingsError, secret_keys
from credenza.store import failed_sign_ins, sessions, users
from credenza.store.user_rows import UserRow
from credenza.testing import PASSWORD, PageSeen, RelyingParty, UserAgent, test_settings
from credenza.web import refusals
from credenza.web.passwords import AHEAD, MAX_WAITING, Passwords, WeakPassword, check_new_password
from credenza.web.rules import Rule
from credenza.web.tries import FREE_FAILURES, LONGEST_WAIT

# -- enumeration ------------------------------------------------------------------------------------------------------


def shape(page: Any, agent: Any) -> tuple[Any, ...]:
    """Everything that could tell one failure from another."""
    html = re.sub(r'(name="identifier" value=")[^"]*', r"\1TYPED", page.html).replace(
        page.forms[0].values_of("csrf_token")[0], "TOKEN"
    )
    html = re.sub(
        r"challenge(&#34;: ?&#34;)[\w-]{43}", r"challenge\1RANDOM", html.replace(page.forms[0].action, "ACTION")
    )
    headers = {name: value for name, value in page.headers.items() if name not in ("content-length", "date")}
    return page.status, html, tuple(sorted(headers.items())), tuple(sorted(c.name for c in agent.cookies.jar))


def test_a_enu_01_a_enu_02_every_failure_looks_the_same(credenza: Any, new_visitor: Any, client: RelyingParty) -> None:
    """A-ENU-01, A-ENU-02, R-PW-10: unknown, wrong, suspended, without a password; empty, long and right passwords."""
    known, other = credenza.new_user(), credenza.new_user()
    suspended = credenza.new_user(suspended=True)
    passwordless = credenza.new_user(password_hash=None)
    unverified = credenza.new_user(email_verified=False)
    tries = [
        ("nobody-at-all", "wrong"),
        ("nobody-at-all", ""),
        ("nobody-at-all", "x" * 1024),
        ("nobody-at-all", "x" * 2000),
        (known, "wrong"),
        (known, ""),
        (known, "x" * 1024),
        (known, "x" * 2000),
        (other, PASSWORD + " "),
        (other, PASSWORD.upper()),
        (suspended, PASSWORD),
        (suspended, "wrong"),
        (passwordless, ""),
        (passwordless, "wrong"),
        (unverified, "wrong"),
        ("", ""),
        ("", PASSWORD),
        ("%", PASSWORD),
        ("_" * len(known), PASSWORD),
        ("' OR 1=1--", PASSWORD),
        ("x" * 5000, PASSWORD),
    ]
    shapes = {}
    for identifier, password in tries:
        agent = new_visitor()
        agent.get(client.authorization_url())
        page = agent.submit([("identifier", identifier), ("password", password)])
        assert isinstance(page, PageSeen)
        if 0 < len(identifier) < 300:
            shapes[identifier, password] = shape(page, agent)
        assert page.status == 422
        assert "The email, username or password is wrong." in page.text
    assert len(set(shapes.values())) == 1


def test_a_enu_01_the_same_work_whoever_is_named(credenza: Any) -> None:
    """A-ENU-01: an account that is not there costs a hash as well."""
    passwords = Passwords(Settings(argon2_time_cost=3, argon2_memory_kib=8192))
    stored = credenza.run(passwords.hash, PASSWORD)

    def medians() -> tuple[float, float]:
        taken: dict[str, list[float]] = {"known": [], "unknown": []}
        for _ in range(15):
            for kind, value in (("known", stored), ("unknown", None)):
                started = time.process_time()  # what others do on this machine does not count
                assert not credenza.run(passwords.verify, value, "wrong")
                taken[kind].append(time.process_time() - started)
        return statistics.median(taken["known"]), statistics.median(taken["unknown"])

    known, unknown = medians()
    assert 0.5 < known / unknown < 2


def test_a_enu_02_an_email_of_several_accounts_is_that_of_one(
    credenza: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """A-ENU-02: the password of another one is a wrong one, as anybody's is."""
    for created_at, changes in ((1, {"password_hash": None}), (2, {})):
        credenza.new_user(email="shared@example.com", email_verified=False, created_at=created_at, **changes)
    agent = new_visitor()
    agent.get(client.authorization_url())
    page = agent.sign_in("shared@example.com")
    assert (page.status, page.name) == (422, "sign-in")
    assert "The email, username or password is wrong." in page.text


def test_nobody_takes_away_the_address_that_somebody_else_has_confirmed(
    credenza: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """A-ENU-02: it goes on to sign in its owner, whoever says it is theirs as well; two owners are none."""
    owner = credenza.user(credenza.new_user(email="mine@example.com", email_verified=True))
    for _ in range(4):
        credenza.new_user(email="mine@example.com", email_verified=False)
    assert credenza.run(users.find_user_by_identifier, "Mine@Example.com").id == owner.id
    agent = new_visitor()
    agent.get(client.authorization_url())
    assert agent.sign_in("mine@example.com").name == "consent"
    credenza.new_user(email="mine@example.com", email_verified=True)
    for find in (users.find_user_by_identifier, users.find_user_signing_in):
        assert credenza.run(find, "mine@example.com") is None


def test_signing_in_by_email_and_in_capitals(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    user_agent.get(client.authorization_url())
    assert user_agent.sign_in(f" {user_agent.name.upper()}@EXAMPLE.com ").name == "consent"


# -- guessing ---------------------------------------------------------------------------------------------------------


def fail(agent: Any, client: RelyingParty, name: str, times: int) -> list[int]:
    agent.get(client.authorization_url())
    return [agent.sign_in(name, "wrong").status for _ in range(times)]


def counted_as(credenza: Any, name: str) -> str:
    return str(credenza.server.keyring.keyed_name(f"sign-in/password/{name}"))


def failures(credenza: Any, name: str) -> int:
    return int(credenza.run(failed_sign_ins.failed_sign_ins, counted_as(credenza, name))[0])


def add_failures(credenza: Any, name: str, more: int) -> None:
    """As if somebody else had failed at this moment: the waits then do not depend on how fast the test is."""
    key = counted_as(credenza, name)
    for _ in range(more):
        seen = credenza.run(failed_sign_ins.failed_sign_ins, key)
        assert credenza.run(failed_sign_ins.count_failed_sign_in, key, credenza.server.now(), seen=seen)


def test_a_bru_01_an_account_is_throttled_and_never_locked(
    credenza: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """A-BRU-01, R-PW-09: after some failures each next try waits longer; after the wait the right password works."""
    owner = new_visitor()
    attacker = new_visitor()
    assert fail(attacker, client, owner.name, FREE_FAILURES) == [422] * FREE_FAILURES
    assert failures(credenza, owner.name) == FREE_FAILURES
    add_failures(credenza, owner.name, 6)
    assert fail(attacker, client, owner.name, 1) == [429]
    # The right password does not help during the wait, not even from elsewhere: that would tell that it is right.
    owner.address = "203.0.113.200"
    owner.get(client.authorization_url())
    assert owner.sign_in().status == 429
    credenza.clock.move(2**6)
    assert owner.sign_in().name == "consent"
    assert failures(credenza, owner.name) == 0
    assert fail(new_visitor(), client, owner.name, FREE_FAILURES) == [422] * FREE_FAILURES


def test_a_bru_01_waits_grow_up_to_a_quarter_of_an_hour(credenza: Any, new_visitor: Any, client: RelyingParty) -> None:
    """R-PW-09: fewer than a hundred tries a day."""
    attacker = new_visitor()
    name = credenza.new_user()
    tried = 0
    attacker.get(client.authorization_url())
    for _ in range(60):
        tried += attacker.sign_in(name, "wrong").status == 422
        credenza.clock.move(60)
        attacker.get(client.authorization_url())
    assert tried <= 5 + 13
    credenza.clock.move(LONGEST_WAIT)
    attacker.get(client.authorization_url())
    assert attacker.sign_in(name).name == "consent"


def test_a_bru_01_accounts_that_do_not_exist_are_throttled_too(
    credenza: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """R-PW-10."""
    name = f"nobody-{time.monotonic_ns()}"
    assert fail(new_visitor(), client, name, FREE_FAILURES) == [422] * FREE_FAILURES
    add_failures(credenza, name, 6)
    assert fail(new_visitor(), client, name, 1) == [429]


def test_a_bru_01_letter_case_and_spaces_are_one_account(new_visitor: Any, client: RelyingParty, credenza: Any) -> None:
    name = credenza.new_user()
    agent = new_visitor()
    agent.get(client.authorization_url())
    spellings = [name, name.upper(), f" {name}", f"{name} ", name.title()]
    assert [agent.sign_in(spelling, "wrong").status for spelling in spellings] == [422] * 5
    assert failures(credenza, name) == 5


@pytest.mark.own_server
def test_a_bru_01_many_tries_at_once_are_counted_one_by_one(
    both_engines: str, credenza: Any, client: RelyingParty
) -> None:
    """R-PW-09: a hundred parallel guesses are not one."""
    pages = []
    for _ in range(30):
        agent = UserAgent(credenza)
        page = agent.get(client.authorization_url())
        pages.append((page, "; ".join(f"{c.name}={c.value}" for c in agent.cookies.jar)))

    async def all_at_once() -> list[int]:
        transport = httpx.ASGITransport(app=credenza.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as http:
            answers = await asyncio.gather(
                *(
                    http.post(
                        page.url,
                        data={**dict(page.forms[0].hidden()), "identifier": "ada", "password": "wrong"},
                        headers={"cookie": cookie},
                    )
                    for page, cookie in pages
                )
            )
        return [answer.status_code for answer in answers]

    statuses = credenza.run(all_at_once)
    assert set(statuses) <= {422, 429, 503}
    assert statuses.count(422) <= FREE_FAILURES + 1


@pytest.mark.own_server
def test_a_bru_02_a_bru_03_one_address_is_throttled_whatever_it_says_it_is(credenza: Any, client: RelyingParty) -> None:
    """A-BRU-02, A-BRU-03: one password over many accounts, with spoofed headers; other addresses go on."""
    agent = UserAgent(credenza)
    agent.address = "203.0.113.77"
    agent.get(client.authorization_url())
    assert agent.page is not None
    page = agent.page
    statuses = []
    for number in range(140):
        spoofed = {
            "x-forwarded-for": f"192.0.2.{number}",
            "x-real-ip": f"192.0.2.{number}",
            "forwarded": f"for=192.0.2.{number}",
            "true-client-ip": f"192.0.2.{number}",
            "cf-connecting-ip": f"192.0.2.{number}",
        }
        form = [*page.forms[0].hidden(), ("identifier", f"user{number}"), ("password", "Summer2024")]
        statuses.append(agent.post(page.url, form, headers=spoofed).status)  # type: ignore[union-attr]
    assert statuses[0] == 422
    assert statuses[-1] == 429
    other = UserAgent(credenza)
    other.address = "203.0.113.78"
    other.get(client.authorization_url())
    assert isinstance(other.sign_in(), PageSeen)
    assert other.page is not None
    assert other.page.name == "consent"


@pytest.mark.own_server(trusted_proxies=("10.0.0.0/8",))
def test_r_op_06_forwarded_headers_are_believed_of_known_proxies_only(credenza: Any, client: RelyingParty) -> None:
    """R-OP-06, A-BRU-03: and only the part that the proxy wrote. Several field lines are one list, RFC 9110 §5.3."""
    from credenza.store.audit import list_events

    def address_seen(address: str, *headers: str) -> str:
        credenza.clock.move(1)
        credenza.request(
            "GET",
            client.authorization_url(client_id="nobody"),
            address=address,
            headers=[("accept", "text/html"), *(("x-forwarded-for", header) for header in headers)],
        )
        return str(credenza.run(list_events, limit=1)[0].address)

    assert address_seen("203.0.113.5", "192.0.2.1") == "203.0.113.5"
    assert address_seen("10.0.0.1", "192.0.2.1") == "192.0.2.1"
    assert address_seen("10.0.0.1", "192.0.2.66, 192.0.2.1, 10.0.0.2") == "192.0.2.1"
    assert address_seen("10.0.0.1", "192.0.2.66", "192.0.2.1") == "192.0.2.1"  # HAProxy adds a header of its own
    assert address_seen("10.0.0.1", "192.0.2.66, 192.0.2.67", "192.0.2.1", "10.0.0.2") == "192.0.2.1"
    assert address_seen("::ffff:10.0.0.1", "192.0.2.1, ::ffff:10.0.0.2") == "192.0.2.1"  # one socket for IPv4 and IPv6
    assert address_seen("::ffff:203.0.113.5", "192.0.2.1") == "::ffff:203.0.113.5"
    # Some write the port too, which is another one for each connection.
    assert address_seen("10.0.0.1", "192.0.2.66:1, 192.0.2.1:50123, 10.0.0.2:443") == "192.0.2.1"
    assert address_seen("10.0.0.1", "[2001:db8::1]:50123") == "2001:db8::1"
    assert address_seen("10.0.0.1", "2001:db8::1") == "2001:db8::1"
    assert address_seen("10.0.0.1", "") == "10.0.0.1"
    assert address_seen("10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize("size", [1025, 20_000])
def test_a_bru_09_a_long_password_is_refused_before_hashing(
    credenza: Any, user_agent: Any, client: RelyingParty, size: int
) -> None:
    """A-BRU-09, K20."""
    user_agent.get(client.authorization_url())
    assert user_agent.sign_in(password="x" * size).status == 422


@pytest.mark.parametrize("size", [2**20, 10 * 2**20])
def test_a_bru_09_a_password_of_megabytes(user_agent: Any, client: RelyingParty, size: int) -> None:
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in(password="x" * size)
    assert 400 <= page.status < 500


def test_a_bru_08_hashing_is_bounded(credenza: Any) -> None:
    """A-BRU-08, K20: what is too much is refused at once, and not queued for ever."""
    passwords = Passwords(Settings(argon2_time_cost=2, argon2_memory_kib=8192))

    async def storm() -> list[object]:
        return await asyncio.gather(*(passwords.verify(None, "x" * 1024) for _ in range(64)), return_exceptions=True)

    results = credenza.run(storm)
    refused = [result for result in results if isinstance(result, TemporarilyUnavailable)]
    assert len(refused) == 64 - MAX_WAITING
    assert all(isinstance(result, TemporarilyUnavailable) or result is False for result in results)
    assert credenza.run(passwords.verify, None, "x") is False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has timers for one thread, and a thread's own niceness")
def test_f_18_a_hash_takes_breaks_and_is_nice(credenza: Any) -> None:
    """F-18: whoever wakes up beside a hash does not wait until Linux ends its slice."""
    passwords = Passwords(Settings(argon2_time_cost=8, argon2_memory_kib=8192, password_threads=1))
    hasher = PasswordHasher(time_cost=8, memory_cost=8192, parallelism=1)

    def pauses() -> int:
        """How often this thread has gone to sleep."""
        status = Path(f"/proc/self/task/{threading.get_native_id()}/status").read_text()
        return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

    def pauses_of_a_hash() -> int:
        before = pauses()
        hasher.hash("a password like any other")
        return pauses() - before

    assert credenza.run(passwords._run, pauses_of_a_hash) > 10  # at least 15 ms of computing
    assert pauses_of_a_hash() < 5  # in any other thread, while no timer is left
    timers = Path("/proc/self/timers")  # a kernel may be built without it
    assert not timers.exists() or "signal: " not in timers.read_text()
    assert credenza.run(passwords._run, lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())) > 0


def test_f_18_of_those_who_wait_few_are_worked_on(credenza: Any) -> None:
    """F-18: before its turn a sign-in costs the database nothing; they go on in the order of their coming."""
    passwords = Passwords(Settings(argon2_time_cost=1, argon2_memory_kib=8, password_threads=2))

    async def storm() -> None:
        begun: list[int] = []
        go_on = [asyncio.Event() for _ in range(MAX_WAITING)]

        async def one(number: int) -> None:
            async with passwords.place():
                begun.append(number)
                async with passwords.place():  # what it calls takes no second one
                    await go_on[number].wait()

        tasks = [asyncio.create_task(one(number)) for number in range(MAX_WAITING)]
        await asyncio.sleep(0)
        first = 2 + AHEAD
        assert begun == list(range(first))
        with pytest.raises(TemporarilyUnavailable):
            await passwords.verify(None, "x")
        tasks[first].cancel()  # hung up while it waited
        go_on[0].set()
        await asyncio.wait([tasks[0], tasks[first]])
        for _ in range(3):
            await asyncio.sleep(0)
        assert begun == [*range(first), first + 1]
        assert await asyncio.wait_for(asyncio.create_task(last(go_on, tasks)), 30) == MAX_WAITING - 1
        assert begun == [number for number in range(MAX_WAITING) if number != first]

    async def last(go_on: list[asyncio.Event], tasks: list[asyncio.Task[None]]) -> int:
        for event in go_on:
            event.set()
        return sum(done is None for done in await asyncio.gather(*tasks, return_exceptions=True))

    credenza.run(storm)
    assert credenza.run(passwords.verify, None, "x") is False


def test_a_machine_without_memory_is_no_wrong_password(credenza: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-OP-12: it refuses, and says that it is not the password."""
    passwords = Passwords(Settings(argon2_time_cost=1, argon2_memory_kib=8))
    stored = credenza.run(passwords.hash, PASSWORD)

    def without_memory(*_: object) -> bool:
        raise VerificationError(error_to_str(-22))  # ARGON2_MEMORY_ALLOCATION_ERROR

    monkeypatch.setattr(passwords, "_hasher", SimpleNamespace(verify=without_memory))
    with pytest.raises(TemporarilyUnavailable):
        credenza.run(passwords.verify, stored, PASSWORD)


def test_nobodys_hash_costs_what_others_do() -> None:
    """A-ENU-01: it is no hash that a look at its parameters would pass over."""
    passwords = Passwords(Settings(argon2_time_cost=2, argon2_memory_kib=4096))
    nobodys = passwords._nobodys
    assert extract_parameters(nobodys) == extract_parameters(PasswordHasher(2, 4096, 1).hash("x"))
    assert not passwords.needs_rehash(nobodys)
    assert passwords._verify(nobodys, "x") is False


@pytest.mark.own_server(interactions_at_most=50)
def test_a_bru_13_waiting_requests_are_bounded(credenza: Any, client: RelyingParty) -> None:
    """A-BRU-13: the oldest make room."""
    from credenza.store.sessions import Interaction, insert_interaction

    async def fill() -> None:
        for number in range(200):
            # The count is taken for one digest in 256.
            digest = f"{'00' if number % 20 == 0 else 'ff'}{number:062d}"
            await insert_interaction(Interaction(digest, "x", "", "", 1, 10**11 + number), most=50)

    credenza.run(fill)
    assert credenza.rows()["credenza_interaction"] <= 50 + 20


@pytest.mark.own_server(interactions_at_most=20)
def test_a_bru_13_a_flood_pushes_out_its_own(
    credenza: Any, client: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-BRU-13: whoever waits to sign in does not lose that to somebody who begins thousands, and never answers.

    One customer has many networks of IPv6, and a company one address of IPv4.
    """
    begun = authorization.new_token
    counted = count()

    def token(kind: str) -> str:
        """The room is counted for one digest in 256; here for one in five."""
        found, wanted = begun(kind), kind == "interaction" and next(counted) % 5 == 0
        while wanted and not digest(found).startswith("00"):
            found = begun(kind)
        return found

    def begin(address: str) -> str:
        answer = credenza.request("GET", client.authorization_url(), address=address)
        return str(answer.headers["location"].split("/")[4])

    monkeypatch.setattr(authorization, "new_token", token)
    company = [begin("198.51.100.7") for _ in range(6)]
    for number in range(20):
        begin(f"2001:db8:5:{number:x}::1")
        begin("203.0.113.66")
    kept = [credenza.run(sessions.find_interaction, digest(token), credenza.server.now()) for token in company]
    assert credenza.rows()["credenza_interaction"] <= 20 + 10
    assert all(kept)


def test_a_bru_13_counts_of_failures_are_forgotten(credenza: Any) -> None:
    """Whoever types names at random must not fill the table."""
    add_failures(credenza, "somebody", 2)
    assert failures(credenza, "somebody") == 2
    credenza.clock.move(24 * 3600 + 1)
    while credenza.run(failed_sign_ins.clean_up_failed_sign_ins, credenza.server.now()):
        pass
    assert failures(credenza, "somebody") == 0


@pytest.mark.own_server
def test_a_bru_13_refused_requests_do_not_fill_the_audit_log(
    credenza: Any, client: RelyingParty, spa: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-BRU-13: each is answered, and of each network so many are written down."""
    monkeypatch.setattr(refusals, "BY_ADDRESS", Rule("refused requests", burst=5, seconds=3600))

    def written(address: str) -> int:
        before = credenza.rows()["credenza_audit_event"]
        for _ in range(4):
            page = credenza.request("GET", client.authorization_url(client_id="nobody"), address=address)
            answer = credenza.request(
                "GET", client.authorization_url(scope="openid nonsense:x", response_type="x"), address=address
            )
            token = spa.post("/token", {"grant_type": "refresh_token", "refresh_token": "x"}, address=address)
            assert (page.status_code, token.status_code) == (400, 400)
            assert "error=" in answer.headers["location"]
        return credenza.rows()["credenza_audit_event"] - before

    assert written("203.0.113.50") == 6  # five at once, and the one that has its turn
    assert written("203.0.113.50") == 0
    assert written("198.51.100.50") == 6


def test_the_limiter_has_a_size() -> None:
    from credenza.web.limits import Limiter

    async def main() -> None:
        limiter, rule = Limiter(most=100), Rule("x", burst=2, seconds=60)
        for number in range(1000):
            await limiter.may_know(False, (rule, str(number)))
        assert len(limiter._arrivals) == 100
        assert [await limiter.allow((rule, "a")) for _ in range(4)] == [True, True, True, False]

    asyncio.run(main())


# -- passwords --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "x" * 14,
        "",
        " " * 20,
        "aaaaaaaaaaaaaaaaaaaa",
        "abababababababababab",
        "passwordpassword1",
        "credenzacredenza",
        "administrator123",
        "x" * 1025,
        "ada@example.com",
        "ada.lovelace.ada",
        "1qaz2wsx3edc4rfv",
        "Q1w2E3r4T5y6U7i8",
    ],
)
def test_r_pw_01_r_pw_03_what_may_not_be_chosen(password: str) -> None:
    """R-PW-01, R-PW-03, D8: and the reason is told."""
    with pytest.raises(WeakPassword, match=r"\w{3}"):
        check_new_password(password, Settings(), context=("ada.lovelace", "ada", "example.com"))


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "x!7 kdwe 93 fnwq la",
        "\u5bc6\u7801\u5f88\u957f\u5f88\u957f\u7684\u4e00\u53e5\u8bdd\u6ca1\u6709\u4eba\u77e5\u9053",
        "0123456789" * 6 + "abcd",
        "  leading and trailing  ",
        "no capital letters or digits here",
    ],
)
def test_r_pw_01_what_may_be_chosen(password: str) -> None:
    """R-PW-01: at least 64, spaces and Unicode, no rules of composition."""
    check_new_password(password, Settings())


def test_r_pw_02_a_password_is_verified_whole(credenza: Any) -> None:
    """R-PW-02: not cut, not trimmed, no letter case folded; NFKC and nothing else."""
    passwords: Passwords = credenza.app.state.passwords
    long = "0123456789" * 12
    stored = credenza.run(passwords.hash, long)
    for wrong in (long[:-1], long[:72], long + " ", " " + long, long[::-1], long.replace("0", "O")):
        assert not credenza.run(passwords.verify, stored, wrong)
    assert credenza.run(passwords.verify, stored, long)
    stored = credenza.run(passwords.hash, "Pa\u00dfwort mit Stra\u00dfe \u00e9")
    assert credenza.run(passwords.verify, stored, "Pa\u00dfwort mit Stra\u00dfe e\u0301")
    assert not credenza.run(passwords.verify, stored, "pa\u00dfwort mit stra\u00dfe \u00e9")
    assert not credenza.run(passwords.verify, stored, "Passwort mit Strasse \u00e9")


def test_r_pw_06_argon2id_with_a_salt_and_a_rehash(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-PW-06."""
    passwords: Passwords = credenza.app.state.passwords
    one, two = credenza.run(passwords.hash, PASSWORD), credenza.run(passwords.hash, PASSWORD)
    assert one.startswith("$argon2id$")
    assert one != two
    old = Passwords(test_settings("sqlite:///x", argon2_time_cost=2))
    credenza.run(
        users.update_user, replace(credenza.user(user_agent.name), password_hash=credenza.run(old.hash, PASSWORD))
    )
    user_agent.authorize(client)
    renewed = credenza.user(user_agent.name).password_hash
    assert renewed is not None
    assert not passwords.needs_rehash(renewed)
    assert credenza.run(passwords.verify, renewed, PASSWORD)
    assert Settings().argon2_memory_kib >= 19_456


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA", "plain"])
def test_a_stored_hash_that_is_none_matches_nothing(credenza: Any, stored: str) -> None:
    passwords: Passwords = credenza.app.state.passwords
    assert not credenza.run(passwords.verify, stored or None, stored)
    assert not passwords.is_hash(stored)


@pytest.mark.parametrize("key", ["", "short", "changeme", "password", "x" * 31])
def test_r_pw_11_a_weak_secret_key_stops_the_start(key: str) -> None:
    """R-PW-11, P-05."""
    with pytest.raises(SettingsError):
        secret_keys(Settings(database_url="postgresql://x/y", secret_key=key))


@pytest.mark.own_server
def test_a_bru_01_a_stranger_who_goes_on_guessing_does_not_keep_the_owner_out(
    credenza: Any, new_visitor: Any, user_agent: Any, client: RelyingParty
) -> None:
    """A-BRU-01: for a whole day, always a moment before. Elsewhere the owner waits, like anybody."""
    user_agent.get("/account")
    user_agent.sign_in()
    del user_agent.cookies["__Host-credenza_session"]  # only what the browser is known by is left
    stranger = new_visitor()
    fail(stranger, client, user_agent.name, 2 * FREE_FAILURES)
    for _ in range(12):
        credenza.clock.move(LONGEST_WAIT + 1)
        fail(stranger, client, user_agent.name, 1)
        user_agent.get("/account")
        assert user_agent.sign_in().name == "account"
        del user_agent.cookies["__Host-credenza_session"]
    elsewhere = new_visitor()
    elsewhere.get(client.authorization_url())
    assert elsewhere.sign_in(user_agent.name).status == 429


def test_a_bru_01_a_name_that_is_composed_in_many_ways_is_one_to_guess_at(
    credenza: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """A-BRU-01: of an account, and of nobody's."""
    credenza.new_user(username="éé")
    stranger = new_visitor()
    stranger.get(client.authorization_url())
    for kept in ("éé", "êê"):
        ways = [kept, unicodedata.normalize("NFD", kept), kept[0] + unicodedata.normalize("NFD", kept[1])]
        tried = [stranger.sign_in(ways[n % 3], "wrong").status for n in range(FREE_FAILURES)]
        assert tried == [422] * FREE_FAILURES
        assert failures(credenza, kept) == FREE_FAILURES


def test_a_bru_01_two_accounts_that_look_the_same_are_counted_apart(
    credenza: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """A-BRU-01: whoever owns the one would end the wait for the other. Migration 0005 left them so."""
    name = "ñandú"
    credenza.new_user(username=name)
    other = credenza.user(credenza.new_user()).id
    r, composed_otherwise = UserRow, unicodedata.normalize("NFD", name)
    credenza.run(r.update({r.username: composed_otherwise}).where(r.id == other).run)
    fail(new_visitor(), client, name, 3)
    owner = new_visitor()
    owner.get(client.authorization_url())
    assert owner.sign_in(composed_otherwise).name == "consent"
    assert failures(credenza, name) == 3


@pytest.mark.parametrize("kind", ["known browsers of", "second factor of"])
def test_a_bru_01_nobody_types_what_something_else_is_counted_as(
    credenza: Any, new_visitor: Any, client: RelyingParty, kind: str
) -> None:
    """A-BRU-01: every application knows the user's id, and would keep them out of their own browser."""
    counted = f"{kind} {credenza.user(credenza.new_user()).id}"
    assert fail(new_visitor(), client, counted, 3) == [422] * 3
    assert failures(credenza, counted) == 3
    assert credenza.run(failed_sign_ins.failed_sign_ins, credenza.server.keyring.keyed_name(counted)) == (0, 0)


@pytest.mark.own_server
def test_a_bru_01_a_known_browser_guesses_no_faster(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    user_agent.get("/account")
    user_agent.sign_in()
    del user_agent.cookies["__Host-credenza_session"]
    assert 429 in fail(user_agent, client, user_agent.name, 3 * FREE_FAILURES)


def test_a_browser_is_known_for_the_account_that_signed_in_with_it(
    credenza: Any, user_agent: Any, new_visitor: Any
) -> None:
    """And nobody makes such a cookie up; what it holds names no account."""
    user_agent.get("/account")
    user_agent.sign_in()
    known = user_agent.cookies["__Host-credenza_known"]
    user = credenza.user(user_agent.name)
    assert user.id not in known
    assert user.username not in known
    assert known not in credenza.dump()
    liar = new_visitor()
    liar.cookies.set("__Host-credenza_known", ".".join(["0" * 32, "x", "", "g" * 32, known[:31]]))
    liar.get("/account")
    assert liar.sign_in(user_agent.name, "wrong").status == 422


# -- invitations ------------------------------------------------------------------------------------------------------

NEW = "a quite new sentence of mine"


@pytest.fixture
def invited(credenza: Any) -> str:
    """The path of a link for somebody without a password."""
    user = credenza.user(credenza.new_user(password_hash=None))
    address: str = credenza.run(invite, credenza.server, purpose="password", user_id=user.id)
    return address.removeprefix(credenza.issuer)


def choose(agent: Any, path: str, password: str = NEW, again: str | None = None) -> Any:
    agent.get(path)
    return agent.submit([("password", password), ("password_again", password if again is None else again)])


def test_r_pw_08_a_link_works_once(credenza: Any, new_visitor: Any, invited: str) -> None:
    """R-PW-08."""
    agent, second = new_visitor(), new_visitor()
    waiting = second.get(invited)
    assert choose(agent, invited).name == "sign-in"
    second.page = waiting
    assert second.submit([("password", NEW), ("password_again", NEW)]).status == 404
    assert new_visitor().get(invited).status == 404


def test_r_pw_08_a_link_grows_old_and_is_replaced(credenza: Any, new_visitor: Any, invited: str) -> None:
    assert new_visitor().get(invited).status == 200
    credenza.clock.move(7 * 24 * 3600 + 1)
    assert new_visitor().get(invited).status == 404
    user = credenza.user(credenza.new_user())
    first = credenza.run(invite, credenza.server, purpose="password", user_id=user.id)
    second = credenza.run(invite, credenza.server, purpose="password", user_id=user.id)
    assert new_visitor().get(first).status == 404
    assert new_visitor().get(second).status == 200
    assert second.rpartition("/")[2] not in credenza.dump()


def set_administrator(credenza: Any, username: str, role: str) -> None:
    """Behind the back of every check: the last one may not give it up."""
    user = replace(credenza.user(username), administrator=role)
    credenza.run(users.edit_user, user, ("administrator",))


@pytest.mark.own_server
def test_r_pw_08_the_link_for_the_first_administrator_makes_no_second_one(credenza: Any, new_visitor: Any) -> None:
    """However the first one came to be; whoever has the page open already is too late as well."""
    set_administrator(credenza, "root", "")
    path = credenza.run(invite, credenza.server, purpose="administrator", user_id=None).removeprefix(credenza.issuer)
    waiting = new_visitor()
    assert waiting.get(path).status == 200
    set_administrator(credenza, "root", "full")
    assert new_visitor().get(path).status == 404
    page = waiting.submit([("username", "intruder"), ("password", NEW), ("password_again", NEW)])
    assert page.status == 404
    assert credenza.run(users.count_administrators) == 1
    assert credenza.run(users.find_user_by_identifier, "intruder") is None


@pytest.mark.parametrize(
    ("password", "again"),
    [("short", None), (NEW, "something else"), ("", ""), ("x" * 2000, None), ("password" * 3, None)],
)
def test_r_pw_03_a_refused_password_leaves_the_link_unused(
    credenza: Any, new_visitor: Any, invited: str, password: str, again: str | None
) -> None:
    agent = new_visitor()
    with credenza.unchanged():
        page = choose(agent, invited, password, again)
    assert page.status == 422
    assert choose(agent, invited).name == "sign-in"


def test_a_csr_04_a_link_is_answered_by_our_own_form(credenza: Any, new_visitor: Any, invited: str) -> None:
    """A-CSR-02, R-BR-05."""
    agent = new_visitor()
    page = agent.get(invited)
    fields = [("password", NEW), ("password_again", NEW)]
    assert agent.post(invited, fields).status == 403
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert agent.post(invited, [*page.forms[0].hidden(), *fields], headers=foreign).status == 403
    assert new_visitor().post(invited, [*page.forms[0].hidden(), *fields]).status == 403
    assert agent.get(invited).status == 200


def test_r_pw_05_forms_help_password_managers(user_agent: Any, client: RelyingParty, invited: str) -> None:
    """R-PW-05."""
    html = user_agent.get(client.authorization_url()).html
    assert 'type="password"' in html
    assert 'autocomplete="current-password"' in html
    assert 'autocomplete="username"' in html
    assert 'autocomplete="new-password"' in user_agent.get(invited).html


@pytest.mark.own_server
@pytest.mark.own_server
def test_r_pw_11_the_first_administrator(credenza: Any, new_visitor: Any) -> None:
    """R-PW-11: by a link, once; names that are taken or malformed are refused with the link unused."""
    set_administrator(credenza, "root", "")
    address = credenza.run(invite, credenza.server, purpose="administrator", user_id=None)
    agent = new_visitor()
    for name, email in (
        ("ada", ""),
        ("", ""),
        ("a b", ""),
        ("a@b", ""),
        ("x" * 200, ""),
        ("ok", "no-email"),
        ("ok", "a@" * 200),
    ):
        agent.get(address)
        page = agent.submit([("username", name), ("email", email), ("password", NEW), ("password_again", NEW)])
        assert page.status == 422, (name, email)
    agent.get(address)
    extra = [("administrator", "x"), ("id", "u" + "0" * 30), ("suspended", "1"), ("email_verified", "1")]
    agent.submit([("username", "Boss"), ("password", NEW), ("password_again", NEW), *extra])
    boss = credenza.user("boss")
    assert (boss.administrator, boss.suspended, boss.email_verified) == ("full", False, False)
    assert boss.id != "u" + "0" * 30
    assert agent.get(address).status == 404
