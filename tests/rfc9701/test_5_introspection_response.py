"""RFC 9701, the introspection response as a signed JWT."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from credenza.testing import ORDERS, SECRET, Credenza, RelyingParty, UserAgent

JWT_TYPE = "application/token-introspection+jwt"


@pytest.fixture
def resource_server(credenza: Credenza) -> RelyingParty:
    """The orders API: a client of its own that may introspect the tokens that are meant for it."""
    declared = {
        "client_id": "orders",
        "client_secret": SECRET,
        "name": "Orders",
        "type": "machine_to_machine",
        "third_party": False,
        "metadata": {"resources": [ORDERS]},
    }
    credenza.apply({"applications": [declared]})
    return RelyingParty(credenza, "orders", "")


def introspect(credenza: Credenza, party: RelyingParty, token: str, accept: str = JWT_TYPE) -> dict[str, Any]:
    response = party.post("/introspect", {"token": token}, headers={"accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == JWT_TYPE
    assert response.headers["cache-control"] == "no-store"
    header = jwt.get_unverified_header(response.text)
    assert header["typ"] == "token-introspection+jwt"
    key = jwt.PyJWKSet.from_dict(credenza.request("GET", "/jwks").json())[header["kid"]]
    claims = jwt.decode(
        response.text, key, algorithms=[header["alg"]], audience=party.client_id, issuer=credenza.issuer
    )
    return {"alg": header["alg"], **claims}


@pytest.fixture
def token(user_agent: UserAgent, client: RelyingParty) -> str:
    seen = user_agent.authorize(client, scope="openid orders:read", resource=ORDERS)
    return str(client.tokens(seen, resource=ORDERS)["access_token"])


def test_5_what_is_said_of_the_token_stands_inside(
    credenza: Credenza, resource_server: RelyingParty, token: str
) -> None:
    """ "The JWT … MUST NOT include … sub and exp" at the top, lest it pass for an access token. RFC 9701 §5."""
    claims = introspect(credenza, resource_server, token)
    assert {"sub", "exp", "jti", "scope"}.isdisjoint(claims)
    plain = resource_server.introspect(token)
    assert claims["token_introspection"] == plain
    assert (plain["active"], plain["scope"], plain["aud"]) == (True, "orders:read", ORDERS)
    assert (claims["alg"], abs(claims["iat"] - credenza.clock.now()) < 60) == ("RS256", True)


def test_5_it_is_no_access_token(credenza: Credenza, client: RelyingParty, token: str) -> None:
    """SECURITY R-AT-04."""
    answer = client.post("/introspect", {"token": token}, headers={"accept": JWT_TYPE}).text
    assert client.userinfo(answer).status_code == 401
    assert client.introspect(answer) == {"active": False}


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "", "text/html", f"{JWT_TYPE};q=0, application/json", f"{JWT_TYPE}; q=0.0"]
)
def test_4_json_unless_the_jwt_is_asked_for(client: RelyingParty, token: str, accept: str) -> None:
    """A resource server asks for it with "application/token-introspection+jwt" in Accept. RFC 9701 §4, RFC 9110
    §12.4.2.
    """
    response = client.post("/introspect", {"token": token}, headers={"accept": accept})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["vary"] == "Accept"


@pytest.mark.parametrize("alg", ["ES256", "PS256"])
def test_6_the_algorithm_is_the_one_that_was_registered(
    credenza: Credenza, client: RelyingParty, token: str, alg: str
) -> None:
    """introspection_signed_response_alg. RFC 9701 §6."""
    changed = {"client_id": "app", "name": "Harbour Wiki", "introspection_signed_response_alg": alg}
    credenza.apply({"applications": [changed]})
    assert introspect(credenza, client, token, f"{JWT_TYPE};q=0.9, application/json;q=0.1")["alg"] == alg


def test_7_the_metadata_lists_the_algorithms(credenza: Credenza) -> None:
    """introspection_signing_alg_values_supported. RFC 9701 §7."""
    document = credenza.request("GET", "/.well-known/oauth-authorization-server").json()
    assert document["introspection_signing_alg_values_supported"] == ["RS256", "ES256", "PS256"]


def test_5_a_token_for_somebody_else_is_inactive_in_both_forms(
    credenza: Credenza, resource_server: RelyingParty, user_agent: UserAgent, client: RelyingParty
) -> None:
    """SECURITY D11, R-IN-02: the audience, or the client that it was issued to; nobody else is told anything."""
    userinfo_token = client.tokens(user_agent.authorize(client))["access_token"]
    own = RelyingParty(credenza, "own", "https://own.example.com/cb")
    for party, value in ((resource_server, userinfo_token), (own, userinfo_token), (client, "nonsense")):
        assert party.introspect(value) == {"active": False}
        assert introspect(credenza, party, value)["token_introspection"] == {"active": False}


def test_5_a_revoked_token_is_inactive(
    credenza: Credenza, resource_server: RelyingParty, client: RelyingParty, token: str
) -> None:
    client.revoke(token)
    assert introspect(credenza, resource_server, token)["token_introspection"] == {"active": False}


def test_7662_2_2_it_says_how_the_user_signed_in(resource_server: RelyingParty, token: str) -> None:
    """`acr` and `auth_time`, for step-up at a resource. RFC 9470 §6.2."""
    answer = resource_server.introspect(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (answer["acr"], answer["auth_time"]) == (claims["acr"], claims["auth_time"])
