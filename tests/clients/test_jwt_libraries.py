"""joserfc and PyJWT read our tokens with nothing but the JWKS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from credenza.testing import ORDERS, Callback, RelyingParty

pytestmark = pytest.mark.clients


def read_with_joserfc(token: str, jwks: Mapping[str, Any], algorithm: str, audience: str, issuer: str) -> Any:
    joserfc = pytest.importorskip("joserfc")
    from joserfc import jwk, jwt

    assert joserfc
    decoded = jwt.decode(token, jwk.KeySet.import_key_set(jwks), algorithms=[algorithm])
    wanted = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": audience}}
    jwt.JWTClaimsRegistry(**wanted, exp={"essential": True}, iat={"essential": True}).validate(decoded.claims)
    return decoded.header, decoded.claims


def read_with_pyjwt(token: str, jwks: Mapping[str, Any], algorithm: str, audience: str, issuer: str) -> Any:
    jwt = pytest.importorskip("jwt", reason="PyJWT is missing")
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWKSet.from_dict(jwks)[header["kid"]]
    options = {"require": ["iss", "sub", "aud", "exp", "iat"]}
    claims = jwt.decode(token, key, algorithms=[algorithm], audience=audience, issuer=issuer, options=options)
    return header, claims


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@pytest.mark.parametrize("read", [read_with_joserfc, read_with_pyjwt])
def test_it_verifies_our_id_token_and_our_access_token(
    live_server: Any,
    application: Callable[..., dict[str, Any]],
    the_user: Callable[[str], str],
    algorithm: str,
    read: Callable[..., Any],
) -> None:
    registered = application(
        id_token_signed_response_alg=algorithm,
        permissions={"profile": ["profile"], "api": {ORDERS: ["orders:read"]}},
    )
    party = RelyingParty(live_server, registered["client_id"], registered["redirect_uris"][0])
    url = live_server.issuer + party.authorization_url(scope="openid profile orders:read", resource=ORDERS)
    code = the_user(url).partition("code=")[2].partition("&")[0]
    tokens = party.tokens(Callback(url, {"code": code}), resource=ORDERS)
    jwks = live_server.request("GET", "/jwks").json()

    header, id_token = read(tokens["id_token"], jwks, algorithm, registered["client_id"], live_server.issuer)
    assert header["alg"] == algorithm
    assert id_token["nonce"] == "nonce-of-the-test"

    header, access_token = read(tokens["access_token"], jwks, algorithm, ORDERS, live_server.issuer)
    assert header["typ"] == "at+jwt"
    assert access_token["scope"] == "orders:read"
    assert access_token["client_id"] == registered["client_id"]
    assert access_token["sub"] == id_token["sub"]
