"""SECURITY R-PW-09, A-BRU-01: guessing is slowed down whoever brings the way to sign in."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from credenza import Authentication, Authenticator, Parameters, audit, hookimpl, users
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.tries import FREE_FAILURES, LONGEST_WAIT


class Badges(Authenticator):
    """It has not thought of guessing."""

    name, title, amr = "badge", "Badge", ("hwk",)

    takes = 0.0

    async def authenticate(self, server: Any, form: Parameters, address: str) -> Authentication | str:
        await asyncio.sleep(self.takes)
        if form.get("badge") == "bob's":
            bob = await users.find_user_by_identifier("bob")
            return Authentication(bob, self.amr) if bob else "No such badge."
        user = await users.find_user_by_identifier(form.get("identifier", "ada"))
        return Authentication(user, self.amr) if user and form.get("badge") == "0451" else "No such badge."

    @hookimpl
    def register_authenticators(self) -> Authenticator:
        return self


@pytest.fixture
def badges() -> Badges:
    return Badges()


@pytest.fixture
def credenza_plugins(badges: Badges) -> list[tuple[str, object]]:
    return [("badges", badges)]


def guess(credenza: Credenza, client: RelyingParty, badge: str, **more: str) -> PageSeen:
    agent = UserAgent(credenza)
    agent.get(client.authorization_url())
    page = agent.submit([("authenticator", "badge"), ("badge", badge), *more.items()])
    assert isinstance(page, PageSeen)
    return page


def test_by_account(credenza: Credenza, client: RelyingParty) -> None:
    wrong = [guess(credenza, client, f"{n:04}", identifier="Ada").status for n in range(FREE_FAILURES)]
    assert wrong == [422] * FREE_FAILURES
    assert guess(credenza, client, "0451", identifier="ada").status == 429, "the right one waits as well"
    failed = credenza.run(audit.list_events, name="SignInFailed", limit=1)[0]
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    assert (failed.user, failed.data["reason"]) == (ada.id, "badge")
    credenza.clock.move(LONGEST_WAIT)
    assert guess(credenza, client, "0451", identifier="ada").name == "consent"
    assert guess(credenza, client, "0000", identifier="ada").status == 422, "who was right begins anew"


def test_a_clock_that_was_set_back_makes_nobody_wait_longer(credenza: Credenza, client: RelyingParty) -> None:
    for n in range(FREE_FAILURES):
        guess(credenza, client, f"{n:04}", identifier="ada")
    credenza.clock.move(-60)
    assert guess(credenza, client, "0451", identifier="ada").status == 429, "clocks of two machines may differ"
    credenza.clock.move(-24 * 3600)
    assert guess(credenza, client, "0000", identifier="ada").status == 422
    assert guess(credenza, client, "0451", identifier="ada").status == 429, "and counts from then on"
    credenza.clock.move(LONGEST_WAIT)
    assert guess(credenza, client, "0451", identifier="ada").name == "consent"


def test_by_address_where_nobody_is_named(credenza: Credenza, client: RelyingParty) -> None:
    tried = [guess(credenza, client, f"{n:04}").status for n in range(110)]
    assert set(tried) == {422, 429}
    assert tried[:100] == [422] * 100
    assert guess(credenza, client, "0451").status == 429


def test_many_at_once_are_not_told_more_than_in_a_row(credenza: Credenza, client: RelyingParty, badges: Badges) -> None:
    assert [guess(credenza, client, f"{n:04}").status for n in range(95)] == [422] * 95
    agent = UserAgent(credenza)
    page = agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    headers = {"cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in agent.cookies.jar)}
    forms = [dict(page.forms[0].hidden()) | {"authenticator": "badge", "badge": f"{n:04}"} for n in range(440, 452)]
    badges.takes = 1.0

    async def at_once() -> list[int]:
        transport = httpx.ASGITransport(app=credenza.app, client=(agent.address, 50000))
        async with httpx.AsyncClient(transport=transport) as http:
            answers = await asyncio.gather(*(http.post(page.url, data=form, headers=headers) for form in forms))
        return [answer.status_code for answer in answers]

    assert credenza.run(at_once) == [422] * 6 + [429] * 6


def test_a_password_is_not_held_up_by_guesses_at_something_else(credenza: Credenza, client: RelyingParty) -> None:
    for n in range(2 * FREE_FAILURES):
        guess(credenza, client, f"{n:04}", identifier="ada")
    agent = UserAgent(credenza)
    agent.get(client.authorization_url())
    page = agent.sign_in("ada")
    assert isinstance(page, PageSeen)
    assert page.name == "consent"


def test_who_was_right_for_himself_forgives_nobody_elses_failures(credenza: Credenza) -> None:
    """Of two people with one browser, one knows a way in and guesses at the other's."""
    credenza.apply({"users": [{"username": "bob"}]})
    agent = UserAgent(credenza)
    agent.get("/account")
    agent.sign_in("ada")
    statuses = []
    for _ in range(3 * FREE_FAILURES):
        for badge in ("wrong", "bob's"):
            agent.cookies.pop("__Host-credenza_session", None)
            agent.get("/account")
            page = agent.submit([("authenticator", "badge"), ("badge", badge), ("identifier", "ada")])
            assert isinstance(page, PageSeen)
            statuses.append(page.status)
    assert 429 in statuses
