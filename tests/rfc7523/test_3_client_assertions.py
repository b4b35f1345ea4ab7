"""Credentials of clients: how they are read, and when they are right. RFC 6749 §2.3, RFC 7521 §4.2, RFC 7523 §3."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from credenza.protocol import jose
from credenza.protocol.client_authentication import (
    ASSERTION_TYPE,
    Credentials,
    check_assertion,
    check_method,
    check_secret,
    digest_secret,
    parse_credentials,
)
from credenza.protocol.clients import Client, ClientType, Secret
from credenza.protocol.errors import InvalidClient, InvalidRequest
from credenza.protocol.parameters import Parameters

NOW = 1_000_000
ISSUER = "https://id.example.com"
TYPE = ClientType("traditional", "", "", ("authorization_code",))
CLIENT = Client("app", "App", TYPE, third_party=True, secrets=(Secret("1", digest_secret("right")),))


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote_plus(user)}:{quote_plus(secret)}".encode()).decode()


def raw_basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


# -- reading them -----------------------------------------------------------------------------------------------------


def test_2_3_1_both_halves_of_basic_are_form_encoded() -> None:
    found = parse_credentials(basic("a:b", "p+ö %"), Parameters([]))
    assert found == Credentials("a:b", "client_secret_basic", "p+ö %")
    assert found.challenge


@pytest.mark.parametrize(
    "header",
    [
        raw_basic(b"no colon"),
        raw_basic(b"app:%00"),
        raw_basic(b"%00:x"),
        raw_basic(b"app:%ff"),
        raw_basic(b"%ff:x"),
        raw_basic(b"\xff:x"),
        "Basic",
        "basic ",
        "Basic YXBw!Ong=",
        "Basic " + "YXBwOng",
    ],
)
def test_2_3_1_a_header_that_is_none(header: str) -> None:
    """The answer names Basic, which the client tried."""
    with pytest.raises(InvalidClient, match="not valid") as caught:
        parse_credentials(header, Parameters([]))
    assert caught.value.challenge is True


def test_2_3_1_spaces_around_it_do_no_harm() -> None:
    assert parse_credentials(basic("app", "x").replace("Basic ", "bASIC   ") + " ", Parameters([])).secret == "x"


def test_2_3_1_the_first_colon_parts_them() -> None:
    found = parse_credentials(raw_basic(b"app:a:b"), Parameters([]))
    assert (found.client_id, found.secret) == ("app", "a:b")


def test_2_3_1_another_client_id_beside_it() -> None:
    with pytest.raises(InvalidClient) as caught:
        parse_credentials(basic("app", "x"), Parameters([("client_id", "other")]))
    assert caught.value.challenge is True
    assert parse_credentials(basic("app", "x"), Parameters([("client_id", "app")])).client_id == "app"


def test_2_3_1_a_secret_in_the_body() -> None:
    found = parse_credentials(None, Parameters([("client_id", "app"), ("client_secret", "x")]))
    assert found == Credentials("app", "client_secret_post", "x")
    assert not found.challenge


def test_2_3_no_credentials() -> None:
    assert parse_credentials("Bearer x", Parameters([("client_id", "app")])) == Credentials("app", "none")


@pytest.mark.parametrize("header", [None, "Bearer x", "Digest x", ""])
@pytest.mark.parametrize("sent", [[], [("client_secret", "x")]])
def test_5_2_nothing_says_which_client_it_is(header: str | None, sent: list[tuple[str, str]]) -> None:
    """A challenge "if the client attempted to authenticate via the Authorization … header". RFC 6749 §5.2."""
    with pytest.raises(InvalidClient, match="client_id") as caught:
        parse_credentials(header, Parameters(sent))
    assert caught.value.challenge is (header is not None)


@pytest.mark.parametrize("other", ["client_secret", "client_assertion", "client_assertion_type"])
def test_2_3_never_two_ways_at_once(other: str) -> None:
    """ "The client MUST NOT use more than one authentication method in each request." """
    with pytest.raises(InvalidRequest, match="one way"):
        parse_credentials(basic("app", "x"), Parameters([(other, "x")]))
    if other != "client_secret":
        with pytest.raises(InvalidRequest, match="one way"):
            parse_credentials(None, Parameters([("client_secret", "x"), (other, "x")]))


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_a_secret_is_kept_as_its_sha_256() -> None:
    assert digest_secret("right") == hashlib.sha256(b"right").hexdigest()
    assert digest_secret("\ud800")  # whatever came in is compared


@pytest.mark.parametrize(("expires_at", "works"), [(None, True), (NOW + 1, True), (NOW, False), (NOW - 1, False)])
def test_a_secret_works_until_it_expires(expires_at: int | None, works: bool) -> None:
    client = replace(
        CLIENT, secrets=(Secret("1", digest_secret("other")), Secret("2", digest_secret("right"), expires_at))
    )
    credentials = Credentials("app", "client_secret_basic", "right")
    if works:
        assert check_secret(client, credentials, NOW).id == "2"
        return
    with pytest.raises(InvalidClient) as caught:
        check_secret(client, credentials, NOW)
    assert caught.value.challenge is True
    assert (caught.value.description, caught.value.client_id) == ("This secret has expired.", "app")


def test_the_registered_method_and_no_other() -> None:
    assert check_method(CLIENT, Credentials("app", "client_secret_basic", "x")) is CLIENT
    for client in (None, replace(CLIENT, enabled=False), replace(CLIENT, auth_method="client_secret_post")):
        with pytest.raises(InvalidClient) as caught:
            check_method(client, Credentials("app", "client_secret_basic", "x"))
        assert caught.value.challenge is True
        assert caught.value.detail
    with pytest.raises(InvalidClient) as caught:
        check_method(None, Credentials("app", "none"))
    assert caught.value.challenge is False


def test_a_fapi_client_has_private_key_jwt_only() -> None:
    fapi = replace(CLIENT, metadata={"security_profile": "fapi2"})
    with pytest.raises(InvalidClient, match="failed") as caught:
        check_method(fapi, Credentials("app", "client_secret_basic", "right"))
    assert "fapi2" in caught.value.detail


# -- assertions -------------------------------------------------------------------------------------------------------

KEY = ec.generate_private_key(ec.SECP256R1())


def sign(header: dict[str, Any], **changes: Any) -> str:
    claims = {"iss": "app", "sub": "app", "aud": ISSUER, "jti": "j", "iat": NOW, "exp": NOW + 60} | changes
    pem = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    claims = {name: value for name, value in claims.items() if value is not ...}
    typ = str(header.get("typ", "JWT"))
    return jose.sign(claims, jose.load_signing_key(pem, "ES256"), typ=typ)


def check(assertion: str) -> tuple[str, int]:
    numbers = KEY.public_key().public_numbers()
    part = lambda n: base64.urlsafe_b64encode(n.to_bytes(32, "big")).decode().rstrip("=")  # noqa: E731
    jwk = {"kty": "EC", "crv": "P-256", "x": part(numbers.x), "y": part(numbers.y)}
    audiences = (ISSUER, ISSUER + "/token")
    return check_assertion(assertion, jose.parse_jwks({"keys": [jwk]}), client_id="app", audiences=audiences, now=NOW)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt"])
@pytest.mark.parametrize("aud", [ISSUER, ISSUER + "/token"])
def test_3_a_right_assertion(aud: str, typ: str) -> None:
    assert check(sign({"typ": typ}, aud=aud, jti="j" * 512)) == ("j" * 512, NOW + 60)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"jti": "j" * 513}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": ...}, "jti"),
        ({"iss": "other"}, "iss and sub"),
        ({"sub": "other"}, "iss and sub"),
        ({"aud": [ISSUER]}, "aud must be"),
        ({"aud": "https://evil.example"}, "aud must be"),
        ({"exp": NOW - 3600}, "exp"),
        ({"exp": NOW + 3600}, "exp"),
    ],
)
def test_3_whoever_holds_the_key_is_told_what_is_wrong(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidClient, match=f"not acceptable.*{said}"):
        check(sign({}, **changes))


def test_3_nobody_else_is_told_anything() -> None:
    for assertion in (sign({})[:-4] + "AAAA", sign({"typ": "at+jwt"}), sign({}, jti="a\0b")):
        with pytest.raises(InvalidClient, match=r"^Client authentication failed\.$") as caught:
            check(assertion)
        assert caught.value.detail


def form(**changes: str) -> Parameters:
    right = {"client_assertion": sign({}), "client_assertion_type": ASSERTION_TYPE} | changes
    return Parameters(list(right.items()))


def test_4_2_the_subject_of_the_assertion_is_the_client() -> None:
    """RFC 7521 §4.2: client_id is unnecessary, and must be the same when it is there."""
    found = parse_credentials(None, form())
    assert (found.client_id, found.method) == ("app", "private_key_jwt")
    assert found.assertion
    assert parse_credentials(None, form(client_id="app")).client_id == "app"
    for sub in ("", "a\0b", 7, ...):
        with pytest.raises(InvalidClient) as caught:
            parse_credentials(None, form(client_assertion=sign({}, sub=sub)))
        assert "not acceptable" in caught.value.description
    with pytest.raises(InvalidClient, match="sub must be the client_id"):
        parse_credentials(None, form(client_id="other"))
    with pytest.raises(InvalidClient, match="not a compact JWS") as caught:
        parse_credentials(None, form(client_assertion="no jwt"))
    assert caught.value.client_id == "", "anybody can send that"


def test_4_2_the_two_parameters_go_together() -> None:
    for changes in ({"client_assertion": ""}, {"client_assertion_type": ""}, {"client_assertion_type": "x"}):
        with pytest.raises(InvalidRequest, match="go together"):
            parse_credentials(None, form(**changes))
    assert json.dumps(ASSERTION_TYPE) == '"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"'
