"""Requested ∩ enabled ∩ held ∩ consented, in every cell: the code exchange, the refresh, UserInfo and introspection.

PRODUCT M10: "The result is computed again at every issuance".
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import jwt
import pytest

from credenza import Asked, Client, Subject, users, verdicts
from credenza.testing import ORDERS, Callback, Credenza, PageSeen, RelyingParty, UserAgent

ORGANIZATIONS = "urn:credenza:scope:organizations"
ENABLED = ("enabled", "not enabled")
HELD = ("globally", "in A", "in B", "not held")
ANSWERS = ("required", "ticked", "unticked")


def document(enabled: str, held: str, answer: str) -> dict[str, Any]:
    """One application, one user, two organizations; the scope in question is orders:write."""
    mark = "" if answer == "required" else "?"
    scopes = ["orders:write" + mark] if enabled == "enabled" else []
    carries = {ORDERS: ["orders:write"]}
    return {
        "roles": [{"name": "writer", "permissions": carries}],
        "users": [{"username": "ada", "roles": ["writer"] if held == "globally" else []}],
        "organization_template": {
            "roles": [{"name": "writer", "api_permissions": carries}, {"name": "guest"}],
        },
        "organizations": [
            {"name": "A", "members": [{"username": "ada", "roles": ["writer" if held == "in A" else "guest"]}]},
            {"name": "B", "members": [{"username": "ada", "roles": ["writer" if held == "in B" else "guest"]}]},
        ],
        "applications": [
            {
                "client_id": "app",
                "name": "Harbour Wiki",
                "permissions": {
                    "profile": [ORGANIZATIONS],
                    "api": {ORDERS: scopes},
                    "organization_api": {ORDERS: scopes},
                },
            }
        ],
    }


def authorize(user_agent: UserAgent, client: RelyingParty, organization: str, answer: str) -> Callback:
    user_agent.get(
        client.authorization_url(
            scope=f"openid offline_access {ORGANIZATIONS} orders:write", resource=ORDERS, organization_id=organization
        )
    )
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent", page.text
    offered = page.forms[0].values_of("permission")
    callback = user_agent.decide(permissions=offered if answer == "ticked" else [], organization=organization)
    assert isinstance(callback, Callback), page.text
    return callback


@pytest.mark.parametrize(("enabled", "held", "answer"), list(product(ENABLED, HELD, ANSWERS)))
def test_the_scope_is_exactly_the_intersection(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, enabled: str, held: str, answer: str
) -> None:
    """A is the organization that is chosen: what is held in B must not appear."""
    run = credenza.apply(document(enabled, held, answer))
    organization = next(c.made["id"] for c in run.changes if c.kind == "organization" and c.name == "A")
    expected = enabled == "enabled" and held in ("globally", "in A") and answer != "unticked"
    tokens = client.tokens(authorize(user_agent, client, organization, answer))
    refreshed = client.refresh(tokens["refresh_token"]).json()
    for issued in (tokens, refreshed):
        introspected = client.introspect(issued["access_token"])
        assert introspected["active"]
        assert ("orders:write" in issued["scope"].split()) is expected
        assert ("orders:write" in introspected["scope"].split()) is expected
        assert client.userinfo(issued["access_token"]).json()["organizations"] == [organization]
        if expected:
            claims = jwt.decode(issued["access_token"], options={"verify_signature": False})
            assert claims["aud"] == ORDERS
            assert claims.get("organization_id") == (organization if held == "in A" else None)


@pytest.mark.parametrize("change", ["role removed", "permission disabled", "role emptied"])
def test_what_is_taken_away_is_gone_from_the_next_token(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, change: str
) -> None:
    """PRODUCT M10, SECURITY A-REF-10."""
    scope = "openid email offline_access orders:read"
    callback = user_agent.authorize(client, scope=scope, resource=ORDERS)
    tokens = client.tokens(callback)
    waiting = user_agent.authorize(client, scope=scope, resource=ORDERS)
    assert "orders:read" in client.introspect(tokens["access_token"])["scope"].split()
    if change == "role removed":
        credenza.apply({"users": [{"username": "ada", "roles": []}]})
    elif change == "role emptied":
        credenza.apply({"roles": [{"name": "support", "permissions": {ORDERS: []}}]})
    else:
        permissions = {"profile": ["profile", "email"], "api": {}}
        credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "permissions": permissions}]})
    refreshed = client.refresh(tokens["refresh_token"]).json()
    assert "orders:read" not in refreshed["scope"].split()
    assert "orders:read" not in client.tokens(waiting)["scope"].split()
    assert "orders:read" not in client.introspect(tokens["access_token"])["scope"].split()
    assert client.userinfo(tokens["access_token"]).json()["email"] == "ada@example.com"


def test_a_claim_is_gone_when_its_scope_is_disabled(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile email"))
    assert client.userinfo(tokens["access_token"]).json()["email"] == "ada@example.com"
    credenza.apply(
        {"applications": [{"client_id": "app", "name": "Harbour Wiki", "permissions": {"profile": ["profile"]}}]}
    )
    info = client.userinfo(tokens["access_token"]).json()
    assert "email" not in info
    assert info["name"] == "Ada Lovelace"


@pytest.mark.parametrize("change", ["user suspended", "application disabled"])
def test_whoever_is_switched_off_gets_nothing(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, change: str
) -> None:
    """SECURITY R-TK-14."""
    scope = "openid offline_access"
    tokens = client.tokens(user_agent.authorize(client, scope=scope))
    waiting = user_agent.authorize(client, scope=scope)
    if change == "user suspended":
        credenza.apply({"users": [{"username": "ada", "suspended": True}]})
        assert client.redeem(waiting).json()["error"] == "invalid_grant"
        assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
        assert client.introspect(tokens["access_token"]) == {"active": False}
    else:
        credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "enabled": False}]})
        assert client.redeem(waiting).status_code == 401
        assert client.refresh(tokens["refresh_token"]).status_code == 401
    assert client.userinfo(tokens["access_token"]).status_code == 401


def test_a_role_gained_later_is_offered_the_next_time(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """PRODUCT +16: nothing is rejected for ever because the user lacked it once."""
    scope = "openid orders:read orders:write"
    first = client.tokens(user_agent.authorize(client, scope=scope, resource=ORDERS))
    assert set(first["scope"].split()) == {"openid", "orders:read"}
    credenza.apply({"roles": [{"name": "support", "permissions": {ORDERS: ["orders:read", "orders:write"]}}]})
    page = user_agent.get(client.authorization_url(scope=scope, resource=ORDERS))
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "Change your orders" in page.text
    second = client.tokens(user_agent.decide())
    assert set(second["scope"].split()) == {"openid", "orders:read", "orders:write"}


def test_a_second_browser_is_not_asked_again(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    client.tokens(user_agent.authorize(client))
    other = UserAgent(credenza)
    other.get(client.authorization_url())
    assert isinstance(other.sign_in(), Callback)


def test_a_declined_optional_permission_is_remembered(user_agent: UserAgent, client: RelyingParty) -> None:
    """PRODUCT +17."""
    scope = "openid profile phone"
    user_agent.get(client.authorization_url(scope=scope))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert len(page.forms[0].values_of("permission")) == 1
    tokens = client.tokens(user_agent.decide(permissions=[]))
    assert set(tokens["scope"].split()) == {"openid", "profile"}
    again = user_agent.get(client.authorization_url(scope=scope))
    assert isinstance(again, Callback)
    assert set(client.tokens(again)["scope"].split()) == {"openid", "profile"}


def test_a_service_holds_what_is_enabled_on_it_and_what_its_roles_carry(credenza: Credenza) -> None:
    machine = RelyingParty(credenza, "machine", "")
    asks = {"grant_type": "client_credentials", "resource": ORDERS, "scope": "orders:read orders:write"}
    assert machine.post("/token", asks).json()["error"] == "invalid_scope"
    credenza.apply(
        {
            "roles": [{"name": "writer", "permissions": {ORDERS: ["orders:write"]}}],
            "applications": [{"client_id": "machine", "name": "Night Job", "roles": ["writer"]}],
        }
    )
    response = machine.post("/token", asks).json()
    assert set(response["scope"].split()) == {"orders:read", "orders:write"}
    assert jwt.decode(response["access_token"], options={"verify_signature": False})["sub"] == "machine"


def test_a_service_that_names_no_scope_gets_what_its_roles_carry_too(credenza: Credenza) -> None:
    """At an API where nothing is enabled on it, too."""
    stock = "https://stock.example.com"
    credenza.apply(
        {
            "api_resources": [{"identifier": stock, "name": "Stock", "permissions": [{"name": "stock:read"}]}],
            "roles": [{"name": "writer", "permissions": {ORDERS: ["orders:write"], stock: ["stock:read"]}}],
            "applications": [{"client_id": "machine", "name": "Night Job", "roles": ["writer"]}],
        }
    )
    machine = RelyingParty(credenza, "machine", "")
    asks = {"grant_type": "client_credentials"}
    both = machine.post("/token", asks | {"resource": ORDERS}).json()
    assert set(both["scope"].split()) == {"orders:read", "orders:write"}
    for asked in ({"resource": stock}, {"resource": stock + "/"}, {"resource": stock, "scope": "stock:read"}):
        assert machine.post("/token", asks | asked).json()["scope"] == "stock:read"
    credenza.apply({"applications": [{"client_id": "machine", "name": "Night Job", "roles": []}]})
    assert machine.post("/token", asks | {"resource": ORDERS}).json()["scope"] == "orders:read"
    assert machine.post("/token", asks | {"resource": stock}).json()["error"] == "invalid_target"
    nowhere = machine.post("/token", asks | {"resource": "https://nowhere.example.com", "scope": "stock:read"})
    assert nowhere.json()["error"] == "invalid_target"


def test_a_service_loses_a_role_with_its_next_token(credenza: Credenza) -> None:
    """What roles an application has is kept in memory: in each process for as long as nothing has changed."""
    machine = RelyingParty(credenza, "machine", "")
    asks = {"grant_type": "client_credentials", "resource": ORDERS, "scope": "orders:read orders:write"}
    role = {"name": "writer", "permissions": {ORDERS: ["orders:write"]}}
    for roles, granted in ((["writer"], True), ([], False), (["writer"], True)):
        credenza.apply(
            {"roles": [role], "applications": [{"client_id": "machine", "name": "Night Job", "roles": roles}]}
        )
        for _ in range(2):
            assert ("access_token" in machine.post("/token", asks).json()) is granted
    credenza.apply({"roles": [{**role, "permissions": {ORDERS: []}}]})
    assert machine.post("/token", asks).json()["error"] == "invalid_scope"
    credenza.apply({"roles": [role]})
    assert "access_token" in machine.post("/token", asks).json()
    credenza.apply({"roles": []}, prune=True)
    assert machine.post("/token", asks).json()["error"] == "invalid_scope"


@pytest.mark.parametrize(("enabled", "held", "answer"), list(product(ENABLED, HELD, ANSWERS)))
def test_the_scope_of_a_device_is_the_intersection_too(
    credenza: Credenza, user_agent: UserAgent, enabled: str, held: str, answer: str
) -> None:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    state = document(enabled, held, answer)
    permissions = state["applications"][0]["permissions"]
    native = {"client_id": "native", "name": "Tide CLI", "grant_types": ["authorization_code", grant]}
    run = credenza.apply({**state, "applications": [{**native, "permissions": permissions}]})
    organization = next(c.made["id"] for c in run.changes if c.kind == "organization" and c.name == "A")
    device = RelyingParty(credenza, "native", "http://127.0.0.1/cb", auth_method="none")
    asked = {"scope": f"openid {ORGANIZATIONS} orders:write", "resource": ORDERS}
    started = device.post("/device_authorization", asked).json()
    user_agent.get("/device")
    user_agent.submit([("user_code", started["user_code"])])
    user_agent.sign_in()
    page = user_agent.submit([("decision", "authorize")])
    assert isinstance(page, PageSeen)
    assert page.name == "consent", page.text
    page = user_agent.decide("refresh", organization=organization)
    assert isinstance(page, PageSeen)
    offered = page.forms[0].values_of("permission")
    user_agent.decide(permissions=offered if answer == "ticked" else [], organization=organization)
    tokens = device.post("/token", {"grant_type": grant, "device_code": started["device_code"]}).json()
    expected = enabled == "enabled" and held in ("globally", "in A") and answer != "unticked"
    assert ("orders:write" in tokens["scope"].split()) is expected
    assert device.userinfo(tokens["access_token"]).json()["organizations"] == [organization]


def test_our_own_application_may_ask_for_all_but_offline_access(credenza: Credenza) -> None:
    """Nothing is enabled on it one by one, and nothing is optional: there is no page on which to choose."""
    ada = credenza.run(users.find_user_by_identifier, "ada")
    own = credenza.run(credenza.server.find_client, "own")
    assert own is not None
    asked = Asked(("profile", "email", "offline_access"), ())

    def outcomes(client: Client) -> dict[str, tuple[bool, bool]]:
        decision = credenza.run(verdicts, credenza.server, client, Subject(user=ada), asked, {}, None)
        return {v.permission.scope: (v.granted, v.required) for v in decision.verdicts}

    everything = dict.fromkeys(asked.scopes, (True, True))
    assert outcomes(replace(own, offline_access=True)) == everything
    assert outcomes(replace(own, offline_access=False)) == everything | {"offline_access": (False, True)}
