"""Somebody who signs in all the time is there when the password is changed. SECURITY R-SE-06, R-PW-07."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from credenza import Authentication, Authenticator, Parameters, User, hookimpl, users
from credenza.testing import Credenza, PageSeen, UserAgent
from credenza.web.new_password import set_password


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
