"""What a plugin's prompt notes in `choices` is part of the grant, and of what a consent is about."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from credenza import Parameters, Prompt, Waiting, consents, hookimpl, users
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent


class Branch(Prompt):
    """Notes the branch that the request comes from, and never asks anybody."""

    name = "branch"
    order = 500

    def __init__(self) -> None:
        self.branch = "north"

    async def required(self, waiting: Waiting) -> bool:
        waiting.choices["branch"] = self.branch
        return False

    async def submit(self, waiting: Waiting, form: Parameters) -> Any:
        raise AssertionError


BRANCH = Branch()


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    BRANCH.branch = "north"
    return [("branch", SimpleNamespace(register_prompts=hookimpl(lambda: BRANCH)))]


def contexts(credenza: Credenza) -> set[str]:
    found = credenza.run(users.find_user_by_identifier, "ada")
    assert found is not None
    return {c.context for c in credenza.run(consents.find_consents, found.id, "app", credenza.server.now())}


def test_the_consent_is_for_what_was_noted_and_for_nothing_else(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid email"))
    assert contexts(credenza) == {"branch=north"}
    assert client.userinfo(tokens["access_token"]).status_code == 200
    assert isinstance(user_agent.get(client.authorization_url(scope="openid email")), Callback)
    BRANCH.branch = "south"
    page = user_agent.get(client.authorization_url(scope="openid email"))
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    client.tokens(user_agent.decide())
    assert contexts(credenza) == {"branch=north", "branch=south"}
