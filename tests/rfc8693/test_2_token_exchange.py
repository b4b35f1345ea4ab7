"""RFC 8693, token exchange, narrowly: one's own access token for one elsewhere, within the authorization."""

from __future__ import annotations

from typing import Any

import httpx
import jwt
import pytest

from credenza.testing import ORDERS, SECRET, Callback, Credenza, PageSeen, RelyingParty, UserAgent

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


@pytest.mark.parametrize("parameter", ["resource", "audience"])
def test_2_2_1_a_token_for_another_resource(client: RelyingParty, tokens: dict[str, Any], parameter: str) -> None:
    """ "issued_token_type REQUIRED". RFC 8693 §2.1, §2.2.1."""
    response = exchange(client, tokens["access_token"], **{parameter: STOCK})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["issued_token_type"] == ACCESS_TOKEN
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "stock:read")
    assert {"refresh_token", "id_token"}.isdisjoint(answer)
    claims, before = read(answer["access_token"]), read(tokens["access_token"])
    assert (claims["aud"], claims["sub"], claims["client_id"]) == (STOCK, before["sub"], "app")
    assert {"auth_time", "acr", "amr"} <= before.keys(), "RFC 9068 §2.2.1"
    assert all(claims[name] == before[name] for name in ("auth_time", "acr", "amr"))
    assert client.introspect(answer["access_token"])["scope"] == "stock:read"


def test_without_a_target_it_stays_where_it_is_and_can_only_become_less(
    client: RelyingParty, tokens: dict[str, Any]
) -> None:
    same = exchange(client, tokens["access_token"]).json()
    assert set(same["scope"].split()) == {"orders:read", "orders:write"}
    less = exchange(client, tokens["access_token"], scope="orders:read").json()
    assert less["scope"] == "orders:read"
    for wider in ("orders:write", "orders:read orders:write"):
        again = exchange(client, less["access_token"], scope=wider)
        assert "orders:write" not in again.json().get("scope", ""), again.text
    assert exchange(client, less["access_token"]).json()["scope"] == "orders:read"


def test_what_was_narrowed_stays_so_by_way_of_another_resource(client: RelyingParty, tokens: dict[str, Any]) -> None:
    """There and back again brings no more than one went away with; what was given up on the way neither."""
    less = exchange(client, tokens["access_token"], scope="orders:read").json()
    there = exchange(client, less["access_token"], resource=STOCK).json()
    assert there["scope"] == "stock:read"
    back = exchange(client, there["access_token"], resource=ORDERS).json()
    assert back["scope"] == "orders:read"
    assert exchange(client, back["access_token"], resource=STOCK).json()["scope"] == "stock:read"
    wider = exchange(client, there["access_token"], resource=ORDERS, scope="orders:write")
    assert wider.json()["error"] == "invalid_scope", wider.text


def test_it_never_lives_longer_than_the_token_it_came_from(
    credenza: Credenza, client: RelyingParty, tokens: dict[str, Any]
) -> None:
    credenza.clock.move(400)
    answer = exchange(client, tokens["access_token"], resource=STOCK).json()
    assert read(answer["access_token"])["exp"] == read(tokens["access_token"])["exp"]
    assert answer["expires_in"] <= 200
    credenza.clock.move(201)
    assert client.introspect(answer["access_token"]) == {"active": False}


def test_another_organization_needs_a_consent_of_its_own(
    user_agent: UserAgent, client: RelyingParty, tokens: dict[str, Any], ids: dict[str, str]
) -> None:
    refused = exchange(client, tokens["access_token"], organization_id=ids["Basalt"])
    assert refused.json()["error"] == "invalid_request"
    here = exchange(client, tokens["access_token"], resource=f"urn:credenza:organization:{ids['Acme']}").json()
    assert here["scope"] == "members:read"
    authorize(user_agent, client, ids["Basalt"], prompt="consent")
    elsewhere = exchange(client, tokens["access_token"], organization_id=ids["Basalt"])
    assert "orders:read" not in elsewhere.json()["scope"].split(), "whoever moves leaves the resource too"
    target = f"urn:credenza:organization:{ids['Basalt']}"
    answer = exchange(client, tokens["access_token"], organization_id=ids["Basalt"], resource=target)
    assert answer.status_code == 200, answer.text
    assert (read(answer.json()["access_token"])["aud"], answer.json()["scope"]) == (target, "members:read")


def test_what_was_taken_away_since_is_gone(credenza: Credenza, client: RelyingParty, tokens: dict[str, Any]) -> None:
    """It is decided again, at this moment. PRODUCT M10."""
    credenza.apply({"roles": [{"name": "support", "permissions": {ORDERS: ["orders:read"]}}]})
    assert exchange(client, tokens["access_token"], resource=STOCK).json()["error"] == "invalid_target"
    assert exchange(client, tokens["access_token"]).json()["scope"] == "orders:read"
    credenza.apply({"users": [{"username": "ada", "suspended": True}]})
    assert exchange(client, tokens["access_token"]).json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"resource": "https://unknown.example.com"}, "invalid_target"),
        ({"resource": STOCK, "audience": STOCK}, "invalid_target"),
        ({"resource": STOCK + "#x"}, "invalid_target"),
        ({"resource": STOCK, "scope": "stock:write"}, "invalid_scope"),
        ({"scope": "email"}, "invalid_scope"),
        ({"subject_token": "nonsense"}, "invalid_request"),
    ],
)
def test_2_2_2_whatever_is_not_right_is_refused(
    client: RelyingParty, tokens: dict[str, Any], changes: dict[str, str | None], error: str
) -> None:
    """ "The value of the error parameter MUST be the invalid_request error code", but of a target that no token is
    issued for it SHOULD be invalid_target. RFC 8693 §2.2.2.
    """
    response = exchange(client, tokens["access_token"], **changes)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert "access_token" not in response.json()


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_only_an_access_token_can_be_exchanged(client: RelyingParty, tokens: dict[str, Any], kind: str) -> None:
    """SECURITY R-AT-04."""
    assert exchange(client, tokens[kind]).json()["error"] == "invalid_request"


def test_only_ones_own_token_can_be_exchanged(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, tokens: dict[str, Any]
) -> None:
    other = {
        "client_id": "other",
        "client_secret": SECRET,
        "name": "Other",
        "type": "traditional",
        "third_party": False,  # nobody's consent is in its way
        "redirect_uris": ["https://other.example.com/cb"],
        "grant_types": ["authorization_code", EXCHANGE],
    }
    credenza.apply({"applications": [other]})
    stranger = RelyingParty(credenza, "other", "https://other.example.com/cb")
    assert exchange(stranger, tokens["access_token"]).json()["error"] == "invalid_request"
    assert client.introspect(tokens["access_token"])["active"] is True, "and it lives on"


def test_a_dead_token_cannot_be_exchanged(client: RelyingParty, tokens: dict[str, Any]) -> None:
    client.revoke(tokens["access_token"])
    assert exchange(client, tokens["access_token"]).json()["error"] == "invalid_request"


def test_ending_the_authorization_ends_what_was_exchanged(client: RelyingParty, tokens: dict[str, Any]) -> None:
    answer = exchange(client, tokens["access_token"], resource=STOCK).json()
    assert client.revoke(tokens["refresh_token"]).status_code == 200
    assert client.introspect(answer["access_token"]) == {"active": False}


def test_the_end_of_a_token_alone_does_not_end_what_was_exchanged_for_it(
    client: RelyingParty, tokens: dict[str, Any]
) -> None:
    """RFC 7009 §2.1: it is revoked by itself; docs/how-to/applications.md says so."""
    answer = exchange(client, tokens["access_token"], resource=STOCK).json()
    assert client.revoke(tokens["access_token"]).status_code == 200
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert client.introspect(answer["access_token"])["active"] is True
    client.revoke(answer["access_token"])
    assert client.introspect(answer["access_token"]) == {"active": False}


def test_it_is_off_unless_the_application_has_it(credenza: Credenza, user_agent: UserAgent) -> None:
    """SECURITY R-TK-13."""
    own = RelyingParty(credenza, "own", "https://own.example.com/cb")
    token = own.tokens(user_agent.authorize(own))["access_token"]
    assert exchange(own, token).json()["error"] == "unauthorized_client"
    for name in ("spa", "machine"):
        party = RelyingParty(credenza, name, "", auth_method="none" if name == "spa" else "client_secret_basic")
        assert exchange(party, token).json()["error"] == "unauthorized_client"
