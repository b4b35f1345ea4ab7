"""What the tests of signing in share: people with a second factor, and the codes of their telephones."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from credenza import users
from credenza.testing import Callback, Credenza, PageSeen, UserAgent


def seen(page: PageSeen | Callback) -> PageSeen:
    assert isinstance(page, PageSeen), page.url
    return page


def press(agent: UserAgent, action: str, *fields: tuple[str, str], status: int = 200) -> PageSeen:
    """Submit the form of the open page that posts to `action`."""
    assert agent.page is not None
    found = [index for index, form in enumerate(agent.page.forms) if form.action == action]
    assert found, f"no form to {action}: {[form.action for form in agent.page.forms]}"
    page = seen(agent.submit(list(fields), form=found[0]))
    assert page.status == status, page.text
    return page


class Telephone:
    """An authenticator app with one seed. It shows another code after half a minute."""

    def __init__(self, credenza: Credenza, seed: str) -> None:
        self.credenza, self.seed = credenza, seed

    @property
    def code(self) -> str:
        return pyotp.TOTP(self.seed).at(self.credenza.server.now())

    def next_code(self) -> str:
        self.credenza.clock.move(30)
        return self.code


APP = "/account/security/authenticator"
Enrolled = Callable[..., tuple[UserAgent, Telephone, list[str]]]


@pytest.fixture
def enrolled(credenza: Credenza) -> Enrolled:
    """Set up an authenticator app for somebody: their browser, their telephone, their recovery codes."""

    def set_up(user: str = "ada") -> tuple[UserAgent, Telephone, list[str]]:
        agent = UserAgent(credenza)
        agent.get(APP)
        page = seen(agent.sign_in(user))
        telephone = Telephone(credenza, re.findall(r"<code>([A-Z2-7]{32})</code>", page.html)[0])
        page = press(agent, APP, ("code", telephone.code))
        codes = re.findall(r"<code>([a-z0-9-]{14})</code>", page.html)
        assert len(codes) == 10
        return agent, telephone, codes

    return set_up


@pytest.fixture
def found(credenza: Credenza) -> Callable[[str], Any]:
    def find(username: str) -> Any:
        return credenza.run(users.find_user_by_identifier, username)

    return find
