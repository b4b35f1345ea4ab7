"""RFC 9068, the JWT profile for access tokens."""

from __future__ import annotations

from typing import Any

import jwt

from credenza.testing import ORDERS, Credenza, RelyingParty, UserAgent


def read(credenza: Credenza, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWKSet.from_dict(credenza.request("GET", "/jwks").json())[header["kid"]]
    return header, jwt.decode(token, key, algorithms=[header["alg"]], audience=ORDERS, issuer=credenza.issuer)


def of_ada(user_agent: UserAgent, client: RelyingParty) -> str:
    seen = user_agent.authorize(client, scope="openid email orders:read", resource=ORDERS)
    return str(client.tokens(seen, resource=ORDERS)["access_token"])


def test_2_1_the_header(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """ "the 'typ' value … SHOULD be 'at+jwt'"; "MUST be signed … MUST NOT use none". RFC 9068 §2.1."""
    header, _ = read(credenza, of_ada(user_agent, client))
    assert (header["typ"], header["alg"]) == ("at+jwt", "RS256")
    assert "jku" not in header


def test_2_2_the_claims_with_a_user(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """iss, exp, aud, sub, client_id, iat and jti are REQUIRED; the rest with a user. RFC 9068 §2.2, §2.2.1."""
    _, claims = read(credenza, of_ada(user_agent, client))
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope", "auth_time", "acr", "amr"} <= claims.keys()
    assert (claims["client_id"], claims["scope"]) == ("app", "orders:read")
    assert claims["exp"] - claims["iat"] == 600
    assert not {"email", "nonce", "at_hash"} & claims.keys(), "nothing about the user but who it is"


def test_2_2_the_subject_without_a_user_is_the_client(credenza: Credenza) -> None:
    """ "sub SHOULD … identify the client application" when no resource owner is involved. RFC 9068 §2.2."""
    machine = RelyingParty(credenza, "machine", "")
    form = {"grant_type": "client_credentials", "resource": ORDERS, "scope": "orders:read"}
    _, claims = read(credenza, machine.post("/token", form).json()["access_token"])
    assert (claims["sub"], claims["client_id"]) == ("machine", "machine")
    assert not {"auth_time", "acr", "amr"} & claims.keys()


def test_3_every_token_has_one_audience_and_only_its_scopes(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """ "each scope … MUST have a meaning" for the audience. RFC 9068 §2.2.3, §3."""
    token = of_ada(user_agent, client)
    _, claims = read(credenza, token)
    assert claims["aud"] == ORDERS
    assert claims["scope"] == "orders:read"


def test_4_other_tokens_of_ours_are_no_access_tokens(user_agent: UserAgent, client: RelyingParty) -> None:
    """SECURITY R-AT-04."""
    tokens = client.tokens(user_agent.authorize(client, scope="openid email offline_access"))
    for kind in ("id_token", "refresh_token"):
        assert client.userinfo(tokens[kind]).status_code == 401
