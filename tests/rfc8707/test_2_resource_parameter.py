"""RFC 8707, resource indicators."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest

from credenza.testing import ORDERS, Callback, Credenza, RelyingParty, UserAgent

STOCK = "https://stock.example.com/v1"
STATE: dict[str, Any] = {
    "api_resources": [
        {"identifier": STOCK, "name": "Stock", "permissions": [{"name": "stock:read"}, {"name": "orders:read"}]}
    ],
    "roles": [{"name": "support", "permissions": {ORDERS: ["orders:read"], STOCK: ["stock:read", "orders:read"]}}],
    "applications": [
        {
            "client_id": "app",
            "name": "Harbour Wiki",
            "permissions": {"profile": ["profile", "email"], "api": {ORDERS: ["orders:read"], STOCK: ["stock:read"]}},
        }
    ],
}


@pytest.fixture(autouse=True)
def two_apis(credenza: Credenza) -> None:
    credenza.apply(STATE)


def authorize(user_agent: UserAgent, client: RelyingParty, *resources: str, scope: str) -> Callback:
    pairs = urlencode([("resource", resource) for resource in resources])
    seen = user_agent.through(client.authorization_url(scope=scope) + "&" + pairs)
    assert isinstance(seen, Callback), seen.text
    return seen


def read(answer: dict[str, Any]) -> dict[str, Any]:
    return dict(jwt.decode(answer["access_token"], options={"verify_signature": False}))


def test_2_1_several_resources_and_one_token_for_each(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "the resource parameter … MAY be included multiple times", here at the authorization endpoint. RFC 8707 §2."""
    callback = authorize(user_agent, client, ORDERS, STOCK, scope="openid orders:read stock:read offline_access")
    first = client.tokens(callback, resource=ORDERS)
    assert (read(first)["aud"], read(first)["scope"]) == (ORDERS, "orders:read")
    second = client.refresh(first["refresh_token"], resource=STOCK).json()
    assert (read(second)["aud"], read(second)["scope"]) == (STOCK, "stock:read")


def test_2_a_scope_of_one_api_is_not_one_of_another(user_agent: UserAgent, client: RelyingParty) -> None:
    """`orders:read` exists at both, and is enabled at one."""
    callback = authorize(user_agent, client, ORDERS, STOCK, scope="openid orders:read stock:read")
    assert read(client.tokens(callback, resource=STOCK))["scope"] == "stock:read"


def test_a_token_is_worth_what_is_held_at_its_own_api_and_not_at_another(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """`orders:read` at both; where the token is for, it is taken away."""
    enabled = {"profile": ["profile"], "api": {ORDERS: ["orders:read"], STOCK: ["stock:read", "orders:read"]}}
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "permissions": enabled}]})
    callback = authorize(user_agent, client, ORDERS, STOCK, scope="openid orders:read stock:read offline_access")
    tokens = client.tokens(callback, resource=ORDERS)
    elsewhere = client.refresh(tokens["refresh_token"], resource=STOCK).json()
    assert client.introspect(tokens["access_token"])["scope"] == "orders:read"
    credenza.apply({"roles": [{"name": "support", "permissions": {STOCK: ["stock:read", "orders:read"]}}]})
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert client.introspect(elsewhere["access_token"])["scope"] == "orders:read stock:read"


def test_2_2_without_a_resource_in_the_token_request_the_only_one_is_meant(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    answer = client.tokens(authorize(user_agent, client, ORDERS, scope="openid email orders:read"))
    assert read(answer)["aud"] == ORDERS


def test_2_2_with_several_and_none_named_the_token_is_for_the_provider_alone(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    answer = client.tokens(authorize(user_agent, client, ORDERS, STOCK, scope="openid email orders:read stock:read"))
    assert set(answer["scope"].split()) == {"openid", "email"}
    assert client.userinfo(answer["access_token"]).json()["email"] == "ada@example.com"


def test_2_2_with_none_named_the_scopes_of_the_token_request_say_which_is_meant(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    asked = "openid email orders:read stock:read offline_access"
    first = client.tokens(authorize(user_agent, client, ORDERS, STOCK, scope=asked), scope="openid stock:read")
    assert (read(first)["aud"], set(first["scope"].split())) == (STOCK, {"openid", "stock:read"})
    answer = client.refresh(first["refresh_token"], scope="stock:read").json()
    assert (read(answer)["aud"], answer["scope"]) == (STOCK, "stock:read")
    own = client.refresh(first["refresh_token"], scope="openid email").json()
    assert set(client.userinfo(own["access_token"]).json()) >= {"email"}


@pytest.mark.parametrize("grant", ["code", "refresh"])
def test_2_2_no_resource_beyond_the_authorization(user_agent: UserAgent, client: RelyingParty, grant: str) -> None:
    """What the token request names must be part of what was authorized. RFC 8707 §2.2. SECURITY R-RS-02."""
    callback = authorize(user_agent, client, ORDERS, scope="openid orders:read offline_access")
    if grant == "code":
        response = client.redeem(callback, resource=STOCK)
    else:
        response = client.refresh(client.tokens(callback)["refresh_token"], resource=STOCK)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_target")


@pytest.mark.parametrize(
    "resource", ["https://unknown.example.com", ORDERS + "#part", "orders", "//orders.example.com", ORDERS + "/v2"]
)
def test_2_a_resource_that_is_not_ours_is_an_invalid_target(
    user_agent: UserAgent, client: RelyingParty, resource: str
) -> None:
    """SECURITY R-RS-01."""
    seen = user_agent.get(client.authorization_url(scope="openid orders:read", resource=resource))
    assert isinstance(seen, Callback)
    assert seen.error == "invalid_target"


@pytest.mark.parametrize(
    "spelled",
    [ORDERS + "/", "HTTPS://Orders.Example.COM", "https://orders.example.com:443", "https://ORDERS.example.com/"],
)
def test_a_resource_may_be_written_in_several_ways_and_the_audience_is_as_it_is_registered(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, spelled: str
) -> None:
    """MCP clients make it of the address that they were given: "accept uppercase scheme and host components".

    RFC 3986 §6.2.2, and without the usual port and with a slash for no path §6.2.3.
    """
    callback = user_agent.authorize(client, scope="openid orders:read offline_access", resource=spelled)
    tokens = client.tokens(callback, resource=spelled)
    assert read(tokens)["aud"] == ORDERS
    assert read(client.refresh(tokens["refresh_token"], resource=spelled).json())["aud"] == ORDERS
    pushed = client.post("/par", dict(parse_qsl(urlsplit(client.authorization_url(resource=spelled)).query)))
    assert pushed.status_code == 201, pushed.text
    machine = RelyingParty(credenza, "machine", "")
    own = machine.post("/token", {"grant_type": "client_credentials", "resource": spelled}).json()
    assert read(own)["aud"] == ORDERS


def test_a_machine_that_names_a_scope_and_no_resource_is_told_what_is_missing(credenza: Credenza) -> None:
    """RFC 6749 §5.2: the description is "used to assist the client developer in understanding the error"."""
    everywhere = {"permissions": {"api": {ORDERS: ["orders:read"], STOCK: ["stock:read", "orders:read"]}}}
    credenza.apply({"applications": [{"client_id": "machine", **everywhere}]})
    machine = RelyingParty(credenza, "machine", "")
    form = {"grant_type": "client_credentials", "scope": "orders:read"}
    answer = machine.post("/token", form).json()
    assert answer["error"] == "invalid_scope"
    assert answer["error_description"].endswith("only known together with its resource.")
    answer = machine.post("/token", form | {"scope": "x", "resource": ORDERS}).json()
    assert answer["error_description"] == "Unknown, or of another resource: x."


def test_an_address_that_differs_in_more_than_that_is_another_one(user_agent: UserAgent, client: RelyingParty) -> None:
    for other in (
        f"{ORDERS}//",
        f"{ORDERS}/?",
        "http://orders.example.com",
        f"{ORDERS}:8443",
        "https://x@orders.example.com",
    ):
        seen = user_agent.get(client.authorization_url(scope="openid orders:read", resource=other))
        assert "invalid_target" in str(seen), other


def test_of_two_that_differ_in_the_slash_alone_each_is_its_own(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    permissions = [{"name": "orders:read", "description": "See your orders"}]
    credenza.apply({"api_resources": [{"identifier": f"{ORDERS}/", "name": "Slash", "permissions": permissions}]})
    callback = user_agent.authorize(client, scope="openid orders:read", resource=f"{ORDERS}/")
    assert client.redeem(callback, resource=f"{ORDERS}/").json()["error"] == "invalid_target", (
        "nothing is enabled there"
    )


def test_2_a_resource_without_a_scope_of_its_own_is_known_all_the_same(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    answer = client.tokens(user_agent.authorize(client, scope="openid email", resource=ORDERS))
    assert set(answer["scope"].split()) == {"openid", "email"}


def test_without_a_scope_what_is_enabled_there_is_meant(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "If the client omits the scope parameter …": a pre-defined default value. RFC 6749 §3.3."""
    seen = user_agent.authorize(client, scope=None, resource=ORDERS)
    answer = client.tokens(seen, resource=ORDERS)
    assert (read(answer)["aud"], read(answer)["scope"]) == (ORDERS, "orders:read")
    assert "id_token" not in answer


def test_without_scope_and_resource_nothing_is_granted(user_agent: UserAgent, client: RelyingParty) -> None:
    assert client.tokens(user_agent.authorize(client, scope=None)).get("scope", "") == ""
