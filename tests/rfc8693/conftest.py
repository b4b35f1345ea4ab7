"""An application that may exchange its tokens, and a user of it."""

from __future__ import annotations

from typing import Any

import httpx
import jwt
import pytest

from credenza.testing import ORDERS, Callback, Credenza, PageSeen, RelyingParty, UserAgent

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
STOCK = "https://stock.example.com"
ORGANIZATIONS = "urn:credenza:scope:organizations"
SCOPE = f"openid profile {ORGANIZATIONS} members:read orders:read orders:write stock:read offline_access"
STATE: dict[str, Any] = {
    "api_resources": [
        {"identifier": STOCK, "name": "Stock", "permissions": [{"name": "stock:read"}, {"name": "stock:write"}]}
    ],
    "roles": [{"name": "support", "permissions": {ORDERS: ["orders:read", "orders:write"], STOCK: ["stock:read"]}}],
    "organization_template": {
        "permissions": [{"name": "members:read", "description": "See who is a member"}],
        "roles": [{"name": "owner", "permissions": ["members:read"]}],
    },
    "organizations": [
        {"name": "Acme", "members": [{"username": "ada", "roles": ["owner"]}]},
        {"name": "Basalt", "members": [{"username": "ada", "roles": ["owner"]}]},
    ],
    "applications": [
        {
            "client_id": "app",
            "name": "Harbour Wiki",
            "grant_types": ["authorization_code", "refresh_token", EXCHANGE],
            "permissions": {
                "profile": ["profile", "email"],
                "api": {ORDERS: ["orders:read", "orders:write"], STOCK: ["stock:read", "stock:write"]},
                "organization": ["members:read"],
            },
        }
    ],
}


@pytest.fixture(autouse=True)
def ids(credenza: Credenza) -> dict[str, str]:
    """Names of organizations to their ids."""
    run = credenza.apply(STATE)
    return {change.name: change.made["id"] for change in run.changes if change.kind == "organization"}


def authorize(user_agent: UserAgent, client: RelyingParty, organization: str, **changes: str) -> dict[str, Any]:
    """Sign in and consent for one organization; the token is for the orders API."""
    url = client.authorization_url(scope=SCOPE, **changes) + f"&resource={ORDERS}&resource={STOCK}"
    seen = user_agent.get(url)
    if isinstance(seen, PageSeen) and seen.name == "sign-in":
        seen = user_agent.sign_in()
    assert isinstance(seen, PageSeen)
    callback = user_agent.decide(organization=organization)
    assert isinstance(callback, Callback), callback.text
    return client.tokens(callback, resource=ORDERS)


def exchange(client: RelyingParty, token: str, **changes: str | None) -> httpx.Response:
    form: dict[str, str | None] = {
        "grant_type": EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
    }
    return client.post("/token", form | changes)


def read(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


@pytest.fixture
def tokens(user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]) -> dict[str, Any]:
    return authorize(user_agent, client, ids["Acme"])
