"""A user and an application at a running server, ready to be given codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from credenza.testing import Callback, RelyingParty, UserAgent


@pytest.fixture
def signed_in() -> Callable[..., tuple[UserAgent, Callable[[RelyingParty], str]]]:
    """A browser in which ada has authorized these applications; the function gets one code more for one of them."""

    def begin(server: Any, *parties: RelyingParty) -> tuple[UserAgent, Callable[[RelyingParty], str]]:
        agent = UserAgent(server)

        def code_for(party: RelyingParty) -> str:
            seen = agent.authorize(party, scope="openid profile email offline_access")
            assert isinstance(seen, Callback), seen.text[:300]
            return seen.code

        for party in parties:
            code_for(party)
        return agent, code_for

    return begin
