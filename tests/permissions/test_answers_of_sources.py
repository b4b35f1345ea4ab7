"""What a scope source answers, or fails to answer, once somebody has chosen an organization. PRODUCT M16, R-CO-09."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from credenza import Asked, Choices, Permission, Question, Scope, ScopeProvider, Subject, hookimpl
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent

from .test_organizations import BOTH, SCOPE

BUOYS = "https://buoys.example.com"
BUOY = Scope(Permission("sea", BUOYS, "buoys:read"), "See the buoys")
TIDE = Scope(Permission("sea", "", "tide"), "See the tide", claims=("tide", "height", "moon"))


class Sea(ScopeProvider):
    """It fails in the method that a test names."""

    name = "sea"
    title = "Sea"
    failing = ""
    lifetime: Any = None
    for_clients = True

    def __init__(self) -> None:
        self.looked_up: list[str] = []

    def _fail(self, method: str) -> None:
        if self.failing == method:
            raise RuntimeError("the sea is away")

    async def catalogue(self) -> Sequence[Scope]:
        return [TIDE, BUOY]

    async def requested(self, asked: Asked) -> Sequence[Scope]:
        return [scope for scope in (TIDE, BUOY) if scope.permission.scope in asked.scopes]

    async def held(
        self, subject: Subject, permissions: Sequence[Permission], choices: Choices
    ) -> Mapping[Permission, str]:
        self.looked_up += [p.scope for p in permissions]
        return dict.fromkeys(permissions, "")

    async def question(self, subject: Subject, permissions: Sequence[Permission]) -> Question | None:
        self._fail("question")
        return None

    async def still_valid(self, subject: Subject, choices: Choices) -> bool:
        self._fail("still_valid")
        return True

    async def claims(self, subject: Subject, permissions: Sequence[Permission], choices: Choices) -> Mapping[str, Any]:
        self._fail("claims")
        return {"tide": "", "height": 0, "moon": None}

    async def access_token_lifetime(self, audience: str) -> int | None:
        lifetime: int | None = self.lifetime
        return lifetime

    @hookimpl
    def register_scopes(self) -> ScopeProvider:
        return self


@pytest.fixture
def sea() -> Sea:
    return Sea()


@pytest.fixture
def credenza_plugins(sea: Sea) -> list[tuple[str, object]]:
    return [("sea", sea)]


@pytest.fixture
def tokens(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> dict[str, Any]:
    """Of somebody who chose an organization."""
    credenza.apply(BOTH)
    application = BOTH["applications"][0]
    permissions = {**application["permissions"], "sea": ["tide"]}
    credenza.apply({"applications": [{**application, "permissions": permissions}]})
    return client.tokens(user_agent.authorize(client, scope=f"{SCOPE} tide"))


def test_a_claim_without_a_value_is_left_out(client: RelyingParty, tokens: dict[str, Any]) -> None:
    """OpenID Connect Core §5.3.2: "it SHOULD NOT be present with a null or empty string value"; zero is a value."""
    claims = client.userinfo(tokens["access_token"]).json()
    assert claims["height"] == 0
    assert not {"tide", "moon"} & claims.keys()


@pytest.mark.parametrize("method", ["claims", "still_valid"])
def test_who_cannot_be_asked_ends_the_answer_and_is_named(
    client: RelyingParty, sea: Sea, tokens: dict[str, Any], caplog: pytest.LogCaptureFixture, method: str
) -> None:
    sea.failing = method
    answer = client.userinfo(tokens["access_token"])
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert f"plugin 'sea' failed in {method} of scope source 'sea'" in caplog.text
    sea.failing = ""
    assert client.userinfo(tokens["access_token"]).status_code == 200
    caplog.clear()


@pytest.mark.parametrize("scope", [None, "buoys:read"])
def test_what_a_machine_holds_is_looked_up_once(credenza: Credenza, sea: Sea, scope: str | None) -> None:
    credenza.apply({"applications": [{"client_id": "machine", "permissions": {"sea": {BUOYS: ["buoys:read"]}}}]})
    machine = RelyingParty(credenza, "machine", "")
    form = {"grant_type": "client_credentials", "resource": BUOYS, "scope": scope}
    assert machine.post("/token", form).json()["scope"] == "buoys:read"
    assert sea.looked_up == ["buoys:read"]


def test_who_cannot_say_what_it_must_know_stops_the_request(
    user_agent: UserAgent, client: RelyingParty, sea: Sea, tokens: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    sea.failing = "question"
    stopped = user_agent.get(client.authorization_url(scope=f"{SCOPE} tide", prompt="consent"))
    assert isinstance(stopped, Callback)
    assert stopped.error == "server_error"
    assert "plugin 'sea' failed in question of scope source 'sea'" in caplog.text
    sea.failing = ""
    assert isinstance(user_agent.get(client.authorization_url(scope=f"{SCOPE} tide", prompt="consent")), PageSeen)
    caplog.clear()


@pytest.mark.parametrize(("lifetime", "lives"), [(60, 60), (None, 600), (10**9, 24 * 3600)])
def test_a_token_lives_a_day_at_most_whatever_a_source_says(
    credenza: Credenza, sea: Sea, lifetime: int | None, lives: int
) -> None:
    """The key that signed it is published for a day after its last token. SECURITY P-06."""
    sea.lifetime = lifetime
    credenza.apply({"applications": [{"client_id": "machine", "permissions": {"sea": {BUOYS: ["buoys:read"]}}}]})
    machine = RelyingParty(credenza, "machine", "")
    answer = machine.post("/token", {"grant_type": "client_credentials", "resource": BUOYS}).json()
    assert answer["expires_in"] == lives


def test_a_lifetime_that_is_no_number_is_the_failure_of_its_source(
    credenza: Credenza, sea: Sea, caplog: pytest.LogCaptureFixture
) -> None:
    sea.lifetime = "an hour"
    credenza.apply({"applications": [{"client_id": "machine", "permissions": {"sea": {BUOYS: ["buoys:read"]}}}]})
    machine = RelyingParty(credenza, "machine", "")
    answer = machine.post("/token", {"grant_type": "client_credentials", "resource": BUOYS}).json()
    assert answer["error"] == "server_error"
    assert "plugin 'sea' failed in access_token_lifetime of scope source 'sea'" in caplog.text
    caplog.clear()
