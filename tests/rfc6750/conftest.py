"""A bearer token, to be shown at UserInfo."""

from __future__ import annotations

import pytest

from credenza.testing import RelyingParty, UserAgent


@pytest.fixture
def token(user_agent: UserAgent, client: RelyingParty) -> str:
    return str(client.tokens(user_agent.authorize(client))["access_token"])
