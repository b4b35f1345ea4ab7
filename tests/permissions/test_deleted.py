"""What is deleted takes along what was allowed of it: made anew under the same name, it begins with nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from credenza import Permission, audit
from credenza.store.engine import StoreUnavailable
from credenza.testing import ORDERS, SECRET, Callback, Credenza, PageSeen, RelyingParty, UserAgent
from credenza_unregistered.ceiling import find_ceiling, save_ceiling
from credenza_unregistered.hosts import ALLOWED, Decision, list_decisions, save_decision

ORGANIZATIONS = "urn:credenza:scope:organizations"
API = "/console/api-resources/https~3A~2F~2Forders~2Eexample~2Ecom"
TEMPLATE = {
    "permissions": [{"name": "members:read", "description": "See who is a member"}],
    "roles": [{"name": "owner", "permissions": ["members:read"], "api_permissions": {ORDERS: ["orders:write"]}}],
}
APIS = [{"identifier": ORDERS, "name": "Orders", "permissions": [{"name": "orders:read"}, {"name": "orders:write"}]}]


@pytest.fixture
def everything(credenza: Credenza) -> Credenza:
    permissions = {
        "profile": ["profile"],
        "api": {ORDERS: ["orders:read"]},
        "organization": ["members:read"],
        "organization_api": {ORDERS: ["orders:write"]},
    }
    credenza.apply(
        {
            "organization_template": TEMPLATE,
            "organizations": [{"name": "Acme", "members": [{"username": "ada", "roles": ["owner"]}]}],
            "applications": [{"client_id": "app", "name": "Harbour Wiki", "permissions": permissions}],
        }
    )
    return credenza


def by_an_administrator(path: str, called: str) -> Callable[[Credenza], None]:
    def delete(credenza: Credenza) -> None:
        admin = UserAgent(credenza)
        admin.get("/console")
        admin.sign_in("root")
        admin.get(f"{path}/delete")
        page = admin.submit([("confirm", called)])
        assert isinstance(page, PageSeen)
        assert f"{called} was deleted" in page.text

    return delete


def by_a_file(credenza: Credenza) -> None:
    credenza.apply({"api_resources": [{"identifier": ORDERS, "name": "Orders", "permissions": []}]}, prune=True)


@pytest.mark.parametrize("delete", [by_an_administrator(API, "Orders"), by_a_file], ids=["console", "file"])
def test_an_api_that_is_made_anew_is_nobodys(everything: Credenza, delete: Callable[[Credenza], None]) -> None:
    client = RelyingParty(everything, "app", "https://app.example.com/cb")
    machine = RelyingParty(everything, "machine", "", secret=SECRET)
    scope = f"openid {ORGANIZATIONS} orders:read orders:write offline_access"
    callback = UserAgent(everything).authorize(client, scope=scope, resource=ORDERS)
    tokens = client.tokens(callback, resource=ORDERS)
    own = machine.post("/token", {"grant_type": "client_credentials", "resource": ORDERS}).json()
    for asks, issued in ((client, tokens), (machine, own)):
        assert asks.introspect(issued["access_token"])["scope"]

    delete(everything)
    everything.apply({"api_resources": APIS})

    assert client.refresh(tokens["refresh_token"], resource=ORDERS).json()["error"] == "invalid_target"
    for asks, issued in ((client, tokens), (machine, own)):  # nothing is left of what they were issued for
        assert asks.introspect(issued["access_token"]) == {"active": False}
    refused = machine.post("/token", {"grant_type": "client_credentials", "resource": ORDERS})
    assert refused.json()["error"] == "invalid_target"

    # Enabled again it is asked again, and roles do not carry it until somebody says so.
    permissions = {"api": {ORDERS: ["orders:read"]}, "organization_api": {ORDERS: ["orders:write"]}}
    everything.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "permissions": permissions}]})
    assert client.refresh(tokens["refresh_token"], resource=ORDERS).json()["error"] == "invalid_target"
    again = UserAgent(everything).authorize(client, scope=scope, resource=ORDERS)
    assert isinstance(again, Callback)
    assert client.redeem(again, resource=ORDERS).json()["error"] == "invalid_target"


def test_an_api_that_is_made_anew_is_not_under_the_ceilings_of_unregistered_clients(everything: Credenza) -> None:
    read, write, profile = (
        Permission("api", ORDERS, "orders:read"),
        Permission("api", ORDERS, "orders:write"),
        Permission("profile", "", "profile"),
    )

    def ceilings() -> list[list[Permission]]:
        shared = everything.run(find_ceiling)
        decisions = everything.run(list_decisions)
        hosts = [decisions[host].ceiling for host in ("one.example", "two.example")]
        return [sorted(found) for found in (shared, *hosts)]

    everything.run(save_ceiling, {read: True, write: False, profile: False})
    everything.run(save_decision, Decision("one.example", ALLOWED, {read: False, write: False}))
    everything.run(save_decision, Decision("two.example", ALLOWED, {profile: False}))
    by_an_administrator(f"{API}/permissions/orders~3Aread", "orders:read")(everything)
    assert ceilings() == [[write, profile], [write], [profile]]
    by_a_file(everything)
    assert ceilings() == [[profile], [], [profile]]


def test_a_permission_alone_goes_alone(everything: Credenza) -> None:
    by_an_administrator(f"{API}/permissions/orders~3Aread", "orders:read")(everything)
    everything.apply({"api_resources": APIS})
    ceiling: Any = everything.run(everything.server.find_client, "app").ceiling
    assert sorted(p.scope for p in ceiling) == ["members:read", "orders:write", "profile"]


def test_a_permission_of_the_template_that_is_made_anew_is_asked_again(everything: Credenza) -> None:
    client = RelyingParty(everything, "app", "https://app.example.com/cb")
    scope = f"openid {ORGANIZATIONS} members:read offline_access"
    tokens = client.tokens(UserAgent(everything).authorize(client, scope=scope))
    assert "members:read" in tokens["scope"]
    path = "/console/organization-template/permissions/members~3Aread"
    by_an_administrator(path, "members:read")(everything)
    everything.apply({"organization_template": TEMPLATE})
    assert "members:read" not in client.refresh(tokens["refresh_token"]).json()["scope"]
    permissions = {"profile": ["profile"], "organization": ["members:read"]}
    everything.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "permissions": permissions}]})
    assert "members:read" not in client.refresh(tokens["refresh_token"]).json()["scope"]


def by_a_file_without_it(credenza: Credenza) -> None:
    credenza.apply({"api_resources": []}, prune=True)


def actions(credenza: Credenza, *kinds: str) -> list[str]:
    events = credenza.run(audit.list_events, name="ObjectChanged")
    return [event.data["action"] for event in events if event.data["kind"] in kinds]


@pytest.mark.parametrize(
    "delete",
    [by_an_administrator(API, "Orders"), by_a_file, by_a_file_without_it],
    ids=["console", "file", "file without it"],
)
def test_an_api_is_nobodys_before_the_first_of_very_many_answers_is_forgotten(
    everything: Credenza, delete: Callable[[Credenza], None], left: list[int]
) -> None:
    """If it stops in the middle, no token carries it, and it can be deleted once more."""
    client = RelyingParty(everything, "app", "https://app.example.com/cb")
    machine = RelyingParty(everything, "machine", "", secret=SECRET)
    own = RelyingParty(everything, "own", "https://own.example.com/cb")
    scope = f"openid {ORGANIZATIONS} orders:read orders:write offline_access"
    form = {"grant_type": "client_credentials", "resource": ORDERS}
    callbacks = [(asks, UserAgent(everything).authorize(asks, scope=scope, resource=ORDERS)) for asks in (client, own)]
    issued = [(asks, asks.tokens(callback)) for asks, callback in callbacks]
    issued.append((machine, machine.post("/token", form).json()))

    def carried() -> list[bool]:
        return ["orders:" in asks.introspect(tokens["access_token"]).get("scope", "") for asks, tokens in issued]

    assert carried() == [True, True, True]

    with pytest.raises((AssertionError, StoreUnavailable)):
        delete(everything)
    assert len(left) == 1
    assert actions(everything, "api_resource", "api_permission")[0] == "withdrawn"
    assert carried() == [False, False, False]
    assert machine.post("/token", form).json()["error"] == "invalid_target"

    delete(everything)
    assert left[-1] == 0
    assert carried() == [False, False, False]
    assert actions(everything, "api_resource")[0] in ("deleted", "updated")
