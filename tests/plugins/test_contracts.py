"""docs/plugins/scope-source.md: a scope source that asks a service, and its tests."""

from __future__ import annotations

import importlib

import pytest

from credenza.testing import Callback, Credenza, Outside, PageSeen, RelyingParty, UserAgent

SERVICE = "https://contracts.example.com/of"


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    return [("contracts", importlib.import_module("contracts"))]


@pytest.fixture
def credenza_settings() -> dict[str, object]:
    return {"plugins": {"contracts": {"address": SERVICE, "key": "a-key-of-the-service"}}}


@pytest.fixture
def contracts_enabled(credenza: Credenza) -> None:
    permissions = {"profile": ["profile", "email"], "contracts": ["contracts?"]}
    credenza.apply({"applications": [{"client_id": "app", "permissions": permissions}]})


def test_the_contracts_come_from_the_service(
    outside: Outside, user_agent: UserAgent, client: RelyingParty, contracts_enabled: None
) -> None:
    outside.answers(SERVICE, document=["bridge-4", "lock-2"])
    tokens = client.tokens(user_agent.authorize(client, scope="openid contracts"))
    assert client.userinfo(tokens["access_token"]).json()["contracts"] == ["bridge-4", "lock-2"]
    assert {sent.url for sent in outside.requests} == {f"{SERVICE}?user=ada"}
    assert outside.requests[0].headers["authorization"] == "Bearer a-key-of-the-service"


def test_nothing_is_granted_while_the_service_is_away(
    outside: Outside, user_agent: UserAgent, client: RelyingParty, contracts_enabled: None
) -> None:
    outside.is_away(SERVICE)
    callback = user_agent.authorize(client, scope="openid contracts")
    assert isinstance(callback, Callback)
    assert callback.error == "server_error"


def test_who_has_none_is_not_asked_for_them(
    outside: Outside, user_agent: UserAgent, client: RelyingParty, contracts_enabled: None
) -> None:
    outside.answers(SERVICE, document=[])
    user_agent.get(client.authorization_url(scope="openid contracts"))
    page = user_agent.sign_in("ada")
    assert isinstance(page, PageSeen)
    assert "Your contracts" not in page.text


def test_who_asks_for_no_contracts_waits_for_no_service(
    outside: Outside, user_agent: UserAgent, client: RelyingParty, contracts_enabled: None
) -> None:
    outside.is_away(SERVICE)
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile"))
    assert client.userinfo(tokens["access_token"]).json()["name"] == "Ada Lovelace"
