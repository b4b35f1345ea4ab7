"""docs/how-to/applications.md: its code, as a reader copies it from the page, against a running server."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from credenza import users
from credenza.logout import Delivery, logout_token
from credenza.testing import ORDERS, SECRET, Callback, Credenza, RelyingParty, UserAgent

pytestmark = pytest.mark.clients

PAGE = (Path(__file__).parents[2] / "docs/how-to/applications.md").read_text()
BERTHS = "https://berths.example.com"
HOME = "https://rp.example.com/bye"


@pytest.fixture
def code(tmp_path: Path) -> Callable[[str], Any]:
    """A code block of the page, as a module."""

    def load(name: str) -> ModuleType:
        found = re.search(rf"<!-- from applications/{name}.py -->\n+```python\n(.+?)```\n", PAGE, flags=re.DOTALL)
        assert found is not None
        path = tmp_path / f"{name}.py"
        path.write_text(found[1])
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def registered(live_server: Any, application: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    user = f"skipper-{uuid4().hex[:8]}"
    role = f"role-{user}"
    permissions = [{"name": "berths:read", "description": "See the berths"}]
    live_server.apply(
        {
            "api_resources": [{"identifier": BERTHS, "name": "Berths", "permissions": permissions}],
            "roles": [{"name": role, "permissions": {ORDERS: ["orders:read"], BERTHS: ["berths:read"]}}],
            "users": [{"username": user, "password": "seven quiet lighthouses at dawn", "roles": [role]}],
        }
    )
    declared = application(
        offline_access=True,
        post_logout_redirect_uris=[HOME],
        permissions={"profile": ["profile"], "api": {ORDERS: ["orders:read"], BERTHS: ["berths:read"]}},
    )
    return declared | {"user": user, "role": role}


@pytest.fixture
def signed_in(live_server: Any, registered: dict[str, Any]) -> tuple[UserAgent, RelyingParty, dict[str, Any]]:
    """The user's browser, the application, and the tokens that it got for both APIs."""
    party = RelyingParty(live_server, registered["client_id"], registered["redirect_uris"][0])
    agent = UserAgent(live_server)
    asked = {"scope": "openid profile offline_access orders:read berths:read", "resource": ORDERS}
    agent.get(party.authorization_url(**asked) + f"&resource={BERTHS}")
    agent.sign_in(registered["user"], "seven quiet lighthouses at dawn")
    callback = agent.decide()
    assert isinstance(callback, Callback), callback.text
    return agent, party, party.tokens(callback, resource=ORDERS)


class Api(httpx.BaseTransport):
    """Both APIs, with the guard of the page in front of them; the provider is asked over the network."""

    def __init__(self, module: Any, issuer: str, http: httpx.Client) -> None:
        self.module = module
        self.guards = {urlsplit(r).netloc: module.Guard(http, issuer, r) for r in (ORDERS, BERTHS)}
        self.forgotten: set[str] = set()
        self.scope = ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        scope = self.scope or f"{host.split('.')[0]}:read"
        if request.headers["authorization"] in self.forgotten:
            return httpx.Response(401)
        try:
            claims = self.guards[host].check(request.headers["authorization"], scope)
        except self.module.Refused as error:
            return httpx.Response(error.status, headers={"WWW-Authenticate": error.challenge})
        return httpx.Response(200, json=claims)


def test_one_refresh_token_calls_two_apis(
    live_server: Any, registered: dict[str, Any], signed_in: Any, code: Callable[[str], Any]
) -> None:
    tokens_module, guard = code("tokens"), code("guard")
    saved: list[str] = []
    with httpx.Client(trust_env=False) as http:
        api = Api(guard, live_server.issuer, http)
        outside = httpx.Client(transport=api)
        endpoint = http.get(f"{live_server.issuer}/.well-known/openid-configuration").json()["token_endpoint"]
        authentication = (registered["client_id"], SECRET)
        tokens = tokens_module.Tokens(http, endpoint, authentication, signed_in[2]["refresh_token"], saved.append)
        orders = tokens_module.call(outside, tokens, ORDERS, "/all")
        berths = tokens_module.call(outside, tokens, BERTHS, "/all")
        assert (orders.json()["aud"], orders.json()["scope"]) == (ORDERS, "orders:read")
        assert (berths.json()["aud"], berths.json()["client_id"]) == (BERTHS, registered["client_id"])
        assert len(saved) == 2
        tokens_module.call(outside, tokens, ORDERS, "/all")
        assert len(saved) == 2, "a token that is still good is used again"
        api.forgotten.add(f"Bearer {tokens.token_for(ORDERS)}")
        assert tokens_module.call(outside, tokens, ORDERS, "/all").status_code == 200
        assert len(saved) == 3

        api.scope = "orders:write"
        refused = tokens_module.call(outside, tokens, ORDERS, "/all")
        assert refused.status_code == 403
        assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]

        live_server.apply({"users": [{"username": registered["user"], "password": "another quiet lighthouse at dusk"}]})
        with pytest.raises(tokens_module.SignInAgain):
            tokens.renewed(ORDERS)


def test_the_api_refuses_what_is_not_for_it(live_server: Any, signed_in: Any, code: Callable[[str], Any]) -> None:
    module, (_, _, tokens) = code("guard"), signed_in
    with httpx.Client(trust_env=False) as http:
        guard = module.Guard(http, live_server.issuer, ORDERS)
        elsewhere = module.Guard(http, live_server.issuer, BERTHS)
        stranger = module.Guard(http, live_server.issuer, ORDERS)
        stranger.issuer = "https://other.example.com"
    access_token = tokens["access_token"]
    assert guard.check(f"Bearer {access_token}", "orders:read")["sub"]
    head, body, signature = access_token.split(".")
    tampered = f"{head}.{body}.{signature[:-8]}AAAAAAAA"
    for who, sent in (
        (elsewhere, f"Bearer {access_token}"),
        (stranger, f"Bearer {access_token}"),
        (guard, f"Bearer {tokens['id_token']}"),
        (guard, f"Bearer {tampered}"),
        (guard, "Bearer nonsense"),
        (guard, f"Basic {access_token}"),
        (guard, ""),
    ):
        with pytest.raises(module.Refused) as refused:
            who.check(sent, "orders:read")
        assert refused.value.status == 401


def test_signing_out_here_ends_the_session_there(
    live_server: Any, registered: dict[str, Any], signed_in: Any, code: Callable[[str], Any]
) -> None:
    module, (agent, _, tokens) = code("signing_out"), signed_in
    endpoint = live_server.request("GET", "/.well-known/openid-configuration").json()["end_session_endpoint"]
    callback = agent.get(module.sign_out_address(endpoint, tokens["id_token"], HOME, "s"))
    assert isinstance(callback, Callback)
    assert (callback.url.partition("?")[0], parse_qs(urlsplit(callback.url).query)) == (HOME, {"state": ["s"]})
    assert agent.get("/account").name == "sign-in"


def test_signing_out_elsewhere_is_heard(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, code: Callable[[str], Any]
) -> None:
    module, tokens = code("signing_out"), client.tokens(user_agent.authorize(client))
    keys = KeySet.import_key_set(credenza.request("GET", "/jwks").json())
    found = credenza.run(credenza.server.find_client, "app")
    user = credenza.run(users.find_user_by_identifier, "ada")
    told = credenza.run(logout_token, credenza.server, found, Delivery("d", "app", user.id, "session", 0))
    subject, session = module.signed_out_elsewhere(told, keys, credenza.issuer, "app")
    assert subject == client.userinfo(tokens["access_token"]).json()["sub"]
    assert session
    for issuer, audience, token in (
        (credenza.issuer, "own", told),
        ("https://other.example.com", "app", told),
        (credenza.issuer, "app", tokens["id_token"]),
    ):
        with pytest.raises((JoseError, ValueError, KeyError)):
            module.signed_out_elsewhere(token, keys, issuer, audience)
