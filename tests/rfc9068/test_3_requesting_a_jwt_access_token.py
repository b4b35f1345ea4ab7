"""RFC 9068 §3: which API is meant where the request names none."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from credenza.testing import ORDERS, Callback, Credenza, PageSeen, RelyingParty, UserAgent

STOCK = "https://stock.example.com/v1"
STATE: dict[str, Any] = {
    "api_resources": [
        {"identifier": STOCK, "name": "Stock", "permissions": [{"name": "stock:read"}, {"name": "orders:read"}]}
    ],
    "applications": [
        {
            "client_id": "machine",
            "permissions": {"api": {ORDERS: ["orders:read", "orders:write"], STOCK: ["stock:read"]}},
        }
    ],
}


def ask(credenza: Credenza, scope: str, **changes: str) -> dict[str, Any]:
    form = {"grant_type": "client_credentials", "scope": scope, **changes}
    return dict(RelyingParty(credenza, "machine", "").post("/token", form).json())


@pytest.mark.parametrize(
    ("scope", "api"),
    [("orders:read", ORDERS), ("orders:write orders:read", ORDERS), ("stock:read", STOCK)],
)
def test_the_default_resource_is_inferred_from_the_scope(credenza: Credenza, scope: str, api: str) -> None:
    """ "If a "scope" parameter is present in the request, the authorization server SHOULD use it to infer the value of
    the default resource indicator". Machines whose library has no `resource` got no token.
    """
    credenza.apply(STATE)
    answer = ask(credenza, scope)
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["aud"], set(claims["scope"].split())) == (api, set(scope.split()))


@pytest.mark.parametrize("scope", ["orders:read stock:read", "orders:read nothing", "nothing", "stock:write"])
def test_no_token_is_for_two_apis_or_for_what_is_not_enabled(credenza: Credenza, scope: str) -> None:
    """ "If the values in the "scope" parameter refer to different default resource indicator values, the authorization
    server SHOULD reject the request with "invalid_scope"".
    """
    credenza.apply(STATE)
    assert ask(credenza, scope)["error"] == "invalid_scope"


def test_a_scope_that_two_apis_have_means_neither(credenza: Credenza) -> None:
    credenza.apply(STATE)
    enabled = {ORDERS: ["orders:read"], STOCK: ["orders:read", "stock:read"]}
    credenza.apply({"applications": [{"client_id": "machine", "permissions": {"api": enabled}}]})
    assert ask(credenza, "orders:read")["error"] == "invalid_scope"
    answer = ask(credenza, "orders:read stock:read")
    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["aud"] == STOCK
    answer = ask(credenza, "orders:read", resource=ORDERS)
    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["aud"] == ORDERS


def test_whoever_signs_people_in_need_not_name_it_either(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """And the user is asked about it: as if it had been named."""
    credenza.apply(STATE)
    seen = user_agent.get(client.authorization_url(scope="openid orders:read"))
    assert isinstance(seen, PageSeen)
    seen = user_agent.sign_in()
    assert isinstance(seen, PageSeen)
    assert "See your orders" in seen.text
    answer = client.tokens(user_agent.decide())
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["scope"]) == (ORDERS, "openid orders:read")
    assert jwt.decode(answer["id_token"], options={"verify_signature": False})["aud"] == client.client_id
    assert client.userinfo(answer["access_token"]).json()["sub"] == claims["sub"]
    seen = user_agent.get(client.authorization_url(scope="openid orders:read"))
    assert isinstance(seen, Callback), "what was allowed is not asked again"


def test_of_two_that_might_be_meant_it_is_neither(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    credenza.apply(STATE)
    enabled = {"api": {ORDERS: ["orders:read"], STOCK: ["orders:read"]}}
    credenza.apply({"applications": [{"client_id": "app", "permissions": {"profile": ["email"], **enabled}}]})
    answer = client.tokens(user_agent.authorize(client, scope="openid email orders:read"))
    assert answer["scope"] == "openid email"
