"""What the tests of the account pages share: signing in there, and pressing the buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from credenza.testing import Callback, Credenza, PageSeen, UserAgent

Press = Callable[..., PageSeen | Callback]
Account = Callable[..., UserAgent]


@pytest.fixture
def press() -> Press:
    """Submit the form of the open page that posts to `action`, and has these hidden fields."""

    def pressed(agent: UserAgent, action: str, *fields: tuple[str, str], **hidden: str) -> PageSeen | Callback:
        assert agent.page is not None
        found = [
            (len(form.action), index)
            for index, form in enumerate(agent.page.forms)
            if form.action.endswith(action) and set(hidden.items()) <= set(form.hidden())
        ]
        assert found, f"no form to {action} with {hidden}: {[form.action for form in agent.page.forms]}"
        return agent.submit(list(fields), form=min(found)[1])  # "/remove" is not "/permissions/remove"

    return pressed


@pytest.fixture
def account(credenza: Credenza) -> Account:
    """Another browser, signed in on the account page: `account("grace")`."""

    def signed_in(user: str = "ada", **options: Any) -> UserAgent:
        agent = UserAgent(credenza)
        agent.get("/account", **options)
        page = agent.sign_in(user)
        assert isinstance(page, PageSeen)
        assert page.name == "account", page.text
        return agent

    return signed_in
