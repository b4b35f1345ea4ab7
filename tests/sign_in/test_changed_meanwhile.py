"""Somebody who signs in all the time is there when the password is changed. SECURITY R-SE-06, R-PW-07."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from credenza import Authentication, Authenticator, Parameters, User, hookimpl, sessions, users
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.new_password import set_password

from .test_second_factor import id_token


async def change(server: Any, user: User) -> None:
    server.clock.move(1)
    await set_password(server, user, "another", through="account", address="")


async def suspend(server: Any, user: User) -> None:
    await users.edit_user(replace(user, suspended=True), ("suspended",))


async def delete(server: Any, user: User) -> None:
    await users.delete_user(user.id)


async def rehash(server: Any, user: User) -> None:
    await users.replace_hash(user.id, user.password_hash or "", "the same password")


class Slow(Authenticator):
    """While it looks at what was typed, something happens."""

    name, title, amr = "slow", "Slow", ("pwd",)
    meanwhile: Callable[[Any, User], Awaitable[None]]

    async def authenticate(self, server: Any, form: Parameters, address: str) -> Authentication | str:
        user = await users.find_user_by_identifier("ada")
        assert user is not None
        await self.meanwhile(server, user)
        return Authentication(user, self.amr)

    @hookimpl
    def register_authenticators(self) -> Authenticator:
        return self


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def credenza_plugins(slow: Slow) -> list[tuple[str, object]]:
    return [("slow", slow)]


@pytest.mark.parametrize(
    ("meanwhile", "then"),
    [(change, "sign-in"), (suspend, "sign-in"), (delete, "sign-in"), (rehash, "account")],
)
def test_what_was_proved_before_opens_nothing(credenza: Credenza, slow: Slow, meanwhile: Any, then: str) -> None:
    """The password was right when it was looked at, and the sessions that there were have ended since."""
    slow.meanwhile = meanwhile
    agent = UserAgent(credenza)
    agent.get("/account")
    page = agent.submit([("authenticator", "slow")])
    assert isinstance(page, PageSeen)
    assert (page.status, page.name) == (200, then)


async def sign_out(server: Any, user: User) -> None:
    await sessions.delete_sessions(user.id)


@pytest.mark.parametrize(("meanwhile", "goes_on"), [(rehash, True), (sign_out, False)])
def test_a_session_goes_on_when_it_is_still_there(
    credenza: Credenza, slow: Slow, user_agent: UserAgent, client: RelyingParty, meanwhile: Any, goes_on: bool
) -> None:
    """What applications know by the name of a session that has ended must not come to life again."""
    slow.meanwhile = rehash
    before = id_token(client, user_agent.authorize(client))["sid"]
    slow.meanwhile = meanwhile
    user_agent.get(client.authorization_url(prompt="login"))
    answer = user_agent.submit([("authenticator", "slow")])
    after = id_token(client, user_agent.decide() if isinstance(answer, PageSeen) else answer)["sid"]
    assert (before == after) is goes_on
