"""Organizations: chosen on the consent page, bound into the token, and never leaking into another."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from credenza import audit
from credenza.testing import ORDERS, Callback, Credenza, PageSeen, RelyingParty, UserAgent

ORGANIZATIONS = "urn:credenza:scope:organizations"
ROLES = "urn:credenza:scope:organization_roles"
STOCK = "https://stock.example.com"
SCOPE = f"openid profile {ORGANIZATIONS} members:read members:write"
BOTH = {
    "organization_template": {
        "permissions": [
            {"name": "members:read", "description": "See who is a member"},
            {"name": "members:write", "description": "Change who is a member"},
        ],
        "roles": [
            {
                "name": "owner",
                "permissions": ["members:read", "members:write"],
                "api_permissions": {ORDERS: ["orders:read", "orders:write"]},
            },
            {"name": "guest", "permissions": ["members:read"]},
        ],
    },
    "organizations": [
        {
            "name": "Acme",
            "members": [{"username": "ada", "roles": ["owner"]}, {"username": "grace", "roles": ["guest"]}],
        },
        {"name": "Basalt", "members": [{"username": "ada", "roles": ["guest"]}]},
        {"name": "Cobalt", "members": [{"username": "grace", "roles": ["owner"]}]},
    ],
    "applications": [
        {
            "client_id": "app",
            "name": "Harbour Wiki",
            "permissions": {
                "profile": ["profile", "email", ROLES],
                "api": {ORDERS: ["orders:read"]},
                "organization": ["members:read", "members:write"],
                "organization_api": {ORDERS: ["orders:read", "orders:write"]},
            },
        }
    ],
}


@pytest.fixture
def ids(credenza: Credenza) -> dict[str, str]:
    """Names of organizations to their ids."""
    run = credenza.apply(BOTH)
    return {change.name: change.made["id"] for change in run.changes if change.kind == "organization"}


def consent(user_agent: UserAgent, client: RelyingParty, *, user: str = "ada", **changes: str) -> PageSeen:
    page = user_agent.get(client.authorization_url(**{"scope": SCOPE, **changes}))
    if isinstance(page, PageSeen) and page.name == "sign-in":
        page = user_agent.sign_in(user)
    assert isinstance(page, PageSeen)
    assert page.name == "consent", page.text
    return page


def scope_of(token: str) -> set[str]:
    return set(claims_of(token)["scope"].split())


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_the_consent_page_asks_which_organization(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    page = consent(user_agent, client)
    assert page.forms[0].values_of("organization") == [ids["Acme"], ids["Basalt"]]
    assert "Acme" in page.text
    assert "Cobalt" not in page.text


def test_who_can_choose_one_only_finds_no_list_to_update(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    assert "Update the list" in consent(user_agent, client).text
    credenza.apply({"organizations": [{"name": "Basalt", "suspended": True}]})
    page = consent(user_agent, client)
    assert page.forms[0].values_of("organization") == [ids["Acme"]]
    assert "Update the list" not in page.text


def test_who_is_in_no_organization_is_not_asked_about_one(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    """PRODUCT M9: "what they do not hold is left out, never an error"."""
    password = "correct horse battery staple"
    credenza.apply({"users": [{"username": "noone", "password": password}]})
    user_agent.get(client.authorization_url(scope=f"{SCOPE} {ROLES} offline_access"))
    page = user_agent.sign_in("noone", password)
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "organization" not in page.text.lower()
    tokens = client.tokens(user_agent.decide())
    assert set(tokens["scope"].split()) == {"openid", "profile", "offline_access"}
    member = {"username": "noone", "roles": ["guest"]}
    credenza.apply({"organizations": [{"id": ids["Cobalt"], "name": "Cobalt", "members": [member]}]})
    refreshed = client.refresh(tokens["refresh_token"]).json()
    assert set(refreshed["scope"].split()) == {"openid", "profile", "offline_access"}, "nobody was asked about it yet"
    assert "organizations" not in client.userinfo(refreshed["access_token"]).json()
    page = consent(user_agent, client, user="noone")
    assert page.forms[0].values_of("organization") == [ids["Cobalt"]]


def test_a_page_that_asks_for_nothing_says_so(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    """PRODUCT M9, M12: what nobody holds is left out, and users see what they say yes to all the same."""
    page = consent(user_agent, client, scope="members:read")
    assert "It learns that you have an account here, and nothing else." in page.text
    assert client.tokens(user_agent.decide())["scope"] == ""
    assert "and nothing else" not in consent(user_agent, client, scope="openid").text


@pytest.mark.parametrize(
    "asked",
    [
        {"scope": f"openid {ROLES}"},
        {"scope": "openid", "claims": '{"userinfo": {"organization_roles": null}}'},
        {"scope": "openid", "claims": '{"userinfo": {"organizations": null, "organization_roles": null}}'},
    ],
    ids=["roles", "the claim", "both claims"],
)
def test_who_asks_for_roles_alone_learns_those_in_the_chosen_organization(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str], asked: dict[str, str]
) -> None:
    """PRODUCT M13: "the application gets the chosen organization only"."""
    page = consent(user_agent, client, **asked)
    assert page.forms[0].values_of("organization") == [ids["Acme"], ids["Basalt"]]
    tokens = client.tokens(user_agent.decide(organization=ids["Basalt"]))
    info = client.userinfo(tokens["access_token"]).json()
    assert info["organization_roles"] == [f"{ids['Basalt']}:guest"]
    assert info.get("organizations", [ids["Basalt"]]) == [ids["Basalt"]]


def test_another_choice_shows_the_recomputed_list(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    page = consent(user_agent, client)
    assert "Change who is a member" in page.text
    page = user_agent.decide("refresh", organization=ids["Basalt"])
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "See who is a member" in page.text
    assert "Change who is a member" not in page.text


def test_another_choice_ticks_nothing_that_was_unticked(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    """PRODUCT +17: "the user may authorize less than was asked", whatever they look at in between."""
    enabled = {"profile": ["profile", "email?"], "organization": ["members:read?", "members:write?"]}
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "permissions": enabled}]})
    page = consent(user_agent, client, scope=f"{SCOPE} email")
    ticked = page.forms[0].checked("permission")
    assert len(ticked) == 3
    user_agent.decide("refresh", permissions=["organization members:write"], organization=ids["Basalt"])
    page = user_agent.decide("refresh", organization=ids["Acme"])
    assert isinstance(page, PageSeen)
    assert page.forms[0].values_of("permission") == ticked
    assert page.forms[0].checked("permission") == ["organization members:write"]
    page = user_agent.decide("refresh", permissions=ticked, organization=ids["Acme"])
    assert isinstance(page, PageSeen)
    assert page.forms[0].checked("permission") == ticked
    user_agent.decide("refresh", permissions=[], organization=ids["Acme"])
    tokens = client.tokens(user_agent.decide(organization=ids["Acme"]))
    assert set(tokens["scope"].split()) == {"openid", "profile", ORGANIZATIONS}
    page = consent(user_agent, client, scope=f"{SCOPE} email", organization_id=ids["Basalt"])
    assert len(page.forms[0].checked("permission")) == 2
    page = user_agent.decide("refresh", organization=ids["Acme"])
    assert isinstance(page, PageSeen)
    assert page.forms[0].checked("permission") == [], "what was declined there, and not touched on this page"


def test_the_code_exchange_gives_an_organization_token(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    consent(user_agent, client)
    tokens = client.tokens(user_agent.decide(organization=ids["Acme"]))
    claims = claims_of(tokens["access_token"])
    assert claims["aud"] == f"urn:credenza:organization:{ids['Acme']}"
    assert claims["organization_id"] == ids["Acme"]
    assert {"members:read", "members:write"} <= scope_of(tokens["access_token"])


def test_the_token_carries_the_roles_of_the_chosen_organization_only(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    consent(user_agent, client)
    tokens = client.tokens(user_agent.decide(organization=ids["Basalt"]))
    assert scope_of(tokens["access_token"]) & {"members:read", "members:write"} == {"members:read"}
    info = client.userinfo(tokens["access_token"]).json()
    assert info["organizations"] == [ids["Basalt"]]


def test_an_api_token_for_an_organization_names_it(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    consent(user_agent, client, scope=f"openid {ORGANIZATIONS} orders:read orders:write", resource=ORDERS)
    tokens = client.tokens(user_agent.decide(organization=ids["Acme"]), resource=ORDERS)
    claims = claims_of(tokens["access_token"])
    assert claims["aud"] == ORDERS
    assert claims["organization_id"] == ids["Acme"]
    assert scope_of(tokens["access_token"]) == {"orders:read", "orders:write"}


def test_introspection_names_the_organization_as_the_token_does(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    """PRODUCT M24: a scope that counts in one organization is no plain one to an API that asks instead of looking."""
    machine = {"client_id": "machine", "name": "Night Job", "metadata": {"resources": [ORDERS]}}
    credenza.apply({"applications": [machine]})
    api = RelyingParty(credenza, "machine", "")
    consent(
        user_agent, client, scope=f"openid offline_access {ORGANIZATIONS} orders:write orders:read", resource=ORDERS
    )
    tokens = client.tokens(user_agent.decide(organization=ids["Acme"]), resource=ORDERS)
    for who in (client, api):
        seen = who.introspect(tokens["access_token"])
        assert (seen["organization_id"], seen["scope"]) == (ids["Acme"], claims_of(tokens["access_token"])["scope"])
    consent(user_agent, client, scope="openid orders:read", resource=ORDERS)
    plain = client.tokens(user_agent.decide(), resource=ORDERS)
    seen = api.introspect(plain["access_token"])
    assert (seen["scope"], "organization_id" in seen) == ("orders:read", False)


def test_the_scopes_of_a_code_exchange_say_that_the_token_is_for_the_organization(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    """PRODUCT M24: the client does not know yet which organization was chosen."""
    consent(user_agent, client, scope=f"openid {ORGANIZATIONS} orders:read members:read", resource=ORDERS)
    tokens = client.tokens(user_agent.decide(organization=ids["Acme"]), scope="members:read")
    assert claims_of(tokens["access_token"])["aud"] == f"urn:credenza:organization:{ids['Acme']}"
    assert tokens["scope"] == "members:read"


@pytest.mark.parametrize(("named", "audience"), [("Acme", "urn:credenza:organization:{}"), ("Basalt", ORDERS)])
def test_a_code_is_for_the_organization_that_was_chosen_whatever_is_named_beside_it(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str], named: str, audience: str
) -> None:
    """Who names another one gets no token for an organization that they did not name."""
    consent(user_agent, client, scope=f"openid {ORGANIZATIONS} orders:read members:read", resource=ORDERS)
    tokens = client.tokens(user_agent.decide(organization=ids["Acme"]), organization_id=ids[named])
    assert claims_of(tokens["access_token"])["aud"] == audience.format(ids["Acme"])


@pytest.mark.parametrize("resources", [(ORDERS,), (ORDERS, STOCK)], ids=["one API", "two"])
def test_a_refresh_with_an_organization_gives_its_token_and_with_a_resource_that_of_the_api(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str], resources: tuple[str, ...]
) -> None:
    """PRODUCT M24: "from the refresh grant with `organization_id`"."""
    credenza.apply(
        {
            "api_resources": [{"identifier": STOCK, "name": "Stock", "permissions": [{"name": "stock:read"}]}],
            "roles": [{"name": "support", "permissions": {ORDERS: ["orders:read"], STOCK: ["stock:read"]}}],
            "applications": [
                {
                    "client_id": "app",
                    "name": "Harbour Wiki",
                    "permissions": {
                        "profile": ["profile"],
                        "api": {ORDERS: ["orders:read"], STOCK: ["stock:read"]},
                        "organization": ["members:read"],
                        "organization_api": {ORDERS: ["orders:write"]},
                    },
                }
            ],
        }
    )
    scope = f"openid offline_access {ORGANIZATIONS} orders:read orders:write stock:read members:read"
    pairs = urlencode([("resource", resource) for resource in resources])
    user_agent.get(client.authorization_url(scope=scope) + "&" + pairs)
    user_agent.sign_in()
    tokens = client.tokens(user_agent.decide(organization=ids["Acme"]))
    answer = client.refresh(tokens["refresh_token"], organization_id=ids["Acme"]).json()
    claims = claims_of(answer["access_token"])
    assert claims["aud"] == f"urn:credenza:organization:{ids['Acme']}"
    assert "members:read" in answer["scope"].split()
    answer = client.refresh(tokens["refresh_token"], organization_id=ids["Acme"], resource=ORDERS).json()
    claims = claims_of(answer["access_token"])
    assert (claims["aud"], claims["organization_id"], claims["scope"]) == (ORDERS, ids["Acme"], "orders:write")


def test_a_plain_api_token_carries_no_right_of_any_organization(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    callback = user_agent.authorize(client, scope="openid orders:read orders:write", resource=ORDERS)
    tokens = client.tokens(callback, resource=ORDERS)
    assert scope_of(tokens["access_token"]) == {"orders:read"}
    assert "organization_id" not in claims_of(tokens["access_token"])


def test_global_rights_do_not_enter_an_organization(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    """ada holds orders:read everywhere, but nothing of Orders in Basalt: the token is a plain one."""
    consent(user_agent, client, scope=f"openid {ORGANIZATIONS} orders:read orders:write", resource=ORDERS)
    tokens = client.tokens(user_agent.decide(organization=ids["Basalt"]), resource=ORDERS)
    assert scope_of(tokens["access_token"]) == {"orders:read"}
    assert "organization_id" not in claims_of(tokens["access_token"])


def test_what_is_held_everywhere_is_had_beside_an_organization_in_a_token_of_its_own(
    user_agent: UserAgent, client: RelyingParty, credenza: Credenza, ids: dict[str, str]
) -> None:
    """ada holds orders:read everywhere and orders:write in Acme. She allowed both; the scopes say which is meant."""
    writers = {"name": "owner", "api_permissions": {ORDERS: ["orders:write"]}}
    credenza.apply({"organization_template": {"roles": [writers]}})
    consent(
        user_agent, client, scope=f"openid offline_access {ORGANIZATIONS} orders:read orders:write", resource=ORDERS
    )
    tokens = client.tokens(user_agent.decide(organization=ids["Acme"]), resource=ORDERS)
    assert scope_of(tokens["access_token"]) == {"orders:write"}
    plain = client.refresh(tokens["refresh_token"], resource=ORDERS, scope="orders:read").json()
    assert scope_of(plain["access_token"]) == {"orders:read"}
    assert "organization_id" not in claims_of(plain["access_token"])
    bound = client.refresh(tokens["refresh_token"], resource=ORDERS, scope="orders:read orders:write").json()
    assert scope_of(bound["access_token"]) == {"orders:write"}
    assert claims_of(bound["access_token"])["organization_id"] == ids["Acme"]


def test_organization_permissions_without_the_scope_are_ignored(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile members:read"))
    assert set(tokens["scope"].split()) == {"openid", "profile"}


@pytest.mark.parametrize("sent", ["Cobalt", "nonsense"])
def test_a_tampered_organization_grants_nothing(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str], sent: str
) -> None:
    consent(user_agent, client)
    page = user_agent.decide(organization=ids.get(sent, sent))
    assert isinstance(page, PageSeen)
    assert (page.name, page.status) == ("consent", 422)


def test_a_second_organization_can_be_added_later(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    """SECURITY.md A-CNS-10."""
    consent(user_agent, client, scope=SCOPE + " offline_access")
    first = client.tokens(user_agent.decide(organization=ids["Acme"]))
    consent(user_agent, client, scope=SCOPE + " offline_access", prompt="consent")
    second = client.tokens(user_agent.decide(organization=ids["Basalt"]))
    assert claims_of(first["access_token"])["organization_id"] == ids["Acme"]
    assert claims_of(second["access_token"])["organization_id"] == ids["Basalt"]
    switched = client.refresh(first["refresh_token"], organization_id=ids["Basalt"]).json()
    assert claims_of(switched["access_token"])["organization_id"] == ids["Basalt"]
    credenza.apply({"organizations": [{"name": "Basalt", "suspended": True}]})
    assert client.introspect(switched["access_token"]) == {"active": False}
    assert client.introspect(first["access_token"])["active"] is True


def test_the_audit_log_says_for_which_organization_it_was(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    consent(user_agent, client)
    user_agent.decide(organization=ids["Basalt"])
    (event,) = credenza.run(audit.list_events, name="ConsentGiven")
    assert ids["Basalt"] in event.data["context"]


def test_a_request_that_names_none_is_for_the_one_that_was_chosen_last(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    """The answer is in the record, so the same browser is asked nothing, and neither is another one."""
    for name in ("Acme", "Basalt"):
        credenza.clock.move(1)
        consent(user_agent, client, prompt="consent")
        user_agent.decide(organization=ids[name])
    credenza.clock.move(1)
    claims = claims_of(client.tokens(user_agent.authorize(client, scope=SCOPE, prompt="none"))["access_token"])
    assert claims["organization_id"] == ids["Basalt"]
    other = UserAgent(credenza)
    other.get(client.authorization_url(scope=SCOPE))
    assert claims_of(client.tokens(other.sign_in())["access_token"])["organization_id"] == ids["Basalt"]


def test_a_refresh_for_an_organization_without_consent_is_refused(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    consent(user_agent, client, scope=SCOPE + " offline_access")
    tokens = client.tokens(user_agent.decide(organization=ids["Acme"]))
    for organization in (ids["Basalt"], ids["Cobalt"], "nonsense"):
        response = client.refresh(tokens["refresh_token"], organization_id=organization)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    told = client.refresh(tokens["refresh_token"], organization_id=ids["Basalt"]).json()["error_description"]
    assert "send a new authorization request" in told, "nobody has withdrawn anything"


@pytest.mark.parametrize("change", ["left", "suspended"])
def test_no_token_for_an_organization_that_is_left_or_suspended(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str], change: str
) -> None:
    """SECURITY R-TK-14, A-ORG-07."""
    consent(user_agent, client, scope=SCOPE + " offline_access")
    tokens = client.tokens(user_agent.decide(organization=ids["Acme"]))
    assert client.introspect(tokens["access_token"])["active"]
    if change == "left":
        from credenza_organizations.store import remove_member

        ada = client.userinfo(tokens["access_token"]).json()["sub"]
        credenza.run(remove_member, ids["Acme"], ada)
    else:
        credenza.apply({"organizations": [{"name": "Acme", "suspended": True}]})
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert client.userinfo(tokens["access_token"]).status_code == 401


def test_left_between_the_page_and_the_click_nothing_is_granted(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    from credenza import users
    from credenza_organizations.store import remove_member

    consent(user_agent, client)
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    credenza.run(remove_member, ids["Acme"], ada.id)
    page = user_agent.decide(organization=ids["Acme"])
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "has changed" in page.text


def test_the_request_can_name_the_organization(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    page = consent(user_agent, client, organization_id=ids["Basalt"])
    assert page.forms[0].checked("organization") == [ids["Basalt"]]


def test_naming_an_organization_one_is_no_member_of_is_refused(
    user_agent: UserAgent, client: RelyingParty, ids: dict[str, str]
) -> None:
    """SECURITY A-ORG-06."""
    user_agent.get(client.authorization_url(scope=SCOPE, organization_id=ids["Cobalt"]))
    callback = user_agent.sign_in("ada")
    assert isinstance(callback, Callback)
    assert callback.error == "access_denied"


def test_state_round_trip(credenza: Credenza, ids: dict[str, str]) -> None:
    from credenza import state

    exported = credenza.run(state.export, credenza.server)
    assert [o["name"] for o in exported["organizations"]] == ["Acme", "Basalt", "Cobalt"]
    assert (
        credenza.apply(
            {"organization_template": exported["organization_template"], "organizations": exported["organizations"]}
        ).changes
        == []
    )


@pytest.mark.parametrize(("decision", "tick"), [("deny", True), ("authorize", False)])
def test_what_is_pressed_counts_for_an_organization_that_was_allowed_before(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, ids: dict[str, str], decision: str, tick: bool
) -> None:
    """PRODUCT M13, M15, +17: the page came for another one. Cancel gave a code, and boxes counted for nothing."""
    permissions = {"profile": ["profile", "email?"], "organization": ["members:read", "members:write"]}
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "permissions": permissions}]})
    consent(user_agent, client, scope=f"{SCOPE} email")
    assert isinstance(user_agent.decide(organization=ids["Acme"]), Callback)
    consent(user_agent, client, scope=f"{SCOPE} email", organization_id=ids["Basalt"])
    page = user_agent.decide("refresh", organization=ids["Acme"])
    assert isinstance(page, PageSeen)
    assert page.forms[0].checked("permission") == ["profile email"]
    answer = user_agent.decide(decision, permissions=["profile email"] if tick else [], organization=ids["Acme"])
    assert isinstance(answer, Callback)
    if decision == "deny":
        assert (answer.error, answer.parameters.get("code")) == ("access_denied", None)
    else:
        assert "email" not in client.tokens(answer)["scope"].split()
