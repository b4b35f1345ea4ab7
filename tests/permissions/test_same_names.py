"""A scope is known by who brings it: what another source calls the same is something else."""

from __future__ import annotations

from collections.abc import Sequence

import jwt
import pytest

from credenza import Permission, Scope, ScopeProvider, hookimpl
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent


class Namesakes(ScopeProvider):
    name = "namesakes"
    title = "Namesakes"
    scopes = tuple(Scope(Permission("namesakes", "", name), f"Our {name}") for name in ("openid", "offline_access"))

    async def catalogue(self) -> Sequence[Scope]:
        return self.scopes


class Plugin:
    @hookimpl
    def register_scopes(self) -> ScopeProvider:
        return Namesakes()


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    return [("namesakes", Plugin())]


def test_only_the_scope_of_openid_connect_gives_access_while_the_user_is_away(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """An administrator said that this application has none."""
    permissions = {"profile": ["profile"], "namesakes": ["openid", "offline_access"]}
    changes = {"offline_access": False, "permissions": permissions}
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", **changes}]})
    user_agent.get(client.authorization_url(scope="openid offline_access"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert "Our offline_access" in page.text
    assert "Keep access while you are away" not in page.text
    tokens = client.tokens(user_agent.decide())
    assert "refresh_token" not in tokens
    assert jwt.decode(tokens["id_token"], options={"verify_signature": False})["aud"] == "app"
