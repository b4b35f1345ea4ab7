"""joserfc and PyJWT read our tokens with nothing but the JWKS."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from credenza.testing import ORDERS, Callback, PageSeen, RelyingParty, UserAgent

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


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "PS256"])
@pytest.mark.parametrize("read", [read_with_joserfc, read_with_pyjwt])
def test_it_verifies_our_id_token_and_our_access_token(
    live_server: Any,
    application: Callable[..., dict[str, Any]],
    the_user: Callable[[str], str],
    algorithm: str,
    read: Callable[..., Any],
) -> None:
    verified(live_server, application, the_user, algorithm, read)


@pytest.fixture(scope="module")
def with_eddsa(copy_database: Callable[[str], str], serve: Callable[..., Any]) -> Any:
    return serve(database_url=copy_database("sqlite"), settings={"signing_algorithms": "RS256,EdDSA"})


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864 gives it the name Ed25519
@pytest.mark.parametrize("read", [read_with_joserfc, read_with_pyjwt])
def test_it_verifies_ed25519_where_the_settings_have_it(with_eddsa: Any, read: Callable[..., Any]) -> None:
    server = with_eddsa
    document = server.request("GET", "/.well-known/openid-configuration").json()
    assert document["id_token_signing_alg_values_supported"] == ["RS256", "EdDSA"]

    def application(**changes: Any) -> dict[str, Any]:
        declared = {"client_id": "app", "name": "Harbour Wiki", **changes}
        server.apply({"applications": [declared]})
        return declared | {"redirect_uris": ["https://app.example.com/cb"]}

    def the_user(url: str) -> str:
        agent = UserAgent(server)
        seen: Any = agent.get(url)
        if seen.name == "sign-in":
            seen = agent.sign_in()
        return str(agent.decide().url if isinstance(seen, PageSeen) else seen.url)

    verified(server, application, the_user, "EdDSA", read)


def verified(
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

    # The left half of SHA-256, of SHA-512 with Ed25519. OpenID Connect Core §3.1.3.6.
    hashed = (hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256)(tokens["access_token"].encode()).digest()
    half = urlsafe_b64encode(hashed[: len(hashed) // 2]).rstrip(b"=").decode()
    assert id_token["at_hash"] == half

    header, access_token = read(tokens["access_token"], jwks, algorithm, ORDERS, live_server.issuer)
    assert header["typ"] == "at+jwt"
    assert access_token["scope"] == "orders:read"
    assert access_token["client_id"] == registered["client_id"]
    assert access_token["sub"] == id_token["sub"]
