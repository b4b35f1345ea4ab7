"""What a client may say about itself. RFC 7591 §2, OpenID Connect Dynamic Client Registration 1.0 §2."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers

from credenza.testing import ORDERS, Credenza, running
from credenza.testing import test_settings as settings_for_tests
from credenza_unregistered.metadata import KEPT

from .conftest import METADATA

Register = Callable[..., httpx.Response]
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def refused(response: httpx.Response, code: str) -> str:
    """ "the authorization server returns an HTTP 400 status code … with content type 'application/json'", with error
    and error_description. RFC 7591 §3.2.2.
    """
    assert response.headers["content-type"] == "application/json"
    assert response.status_code == 400, response.text
    assert response.json()["error"] == code, response.text
    assert response.headers["cache-control"] == "no-store"
    return str(response.json()["error_description"])


def encoded(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode().rstrip("=")


def rsa_key(bits: int = 2048) -> dict[str, str]:
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key().public_numbers()
    return {"kty": "RSA", "kid": "1", "use": "sig", "n": encoded(numbers.n), "e": encoded(numbers.e)}


def ec_key(curve: ec.EllipticCurve | None = None, crv: str = "P-256") -> dict[str, str]:
    numbers = ec.generate_private_key(curve or ec.SECP256R1()).public_key().public_numbers()
    return {"kty": "EC", "crv": crv, "x": encoded(numbers.x), "y": encoded(numbers.y)}


@pytest.fixture(scope="module")
def jwks() -> dict[str, Any]:
    return {"keys": [rsa_key()]}


@pytest.fixture(scope="module")
def shared(credenza_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Credenza]:
    """One server for all of this: nothing here depends on what was registered before."""
    copy = tmp_path_factory.mktemp("registration") / "credenza.db"
    shutil.copyfile(credenza_template, copy)
    settings = settings_for_tests(f"sqlite:///{copy}", registration="open", registration_limit_per_hour=10_000)
    with running(settings) as started:
        yield started


@pytest.fixture
def credenza(shared: Credenza) -> Credenza:
    return shared


# -- which members ----------------------------------------------------------------------------------------------------


def test_every_accepted_member_is_answered(register: Register, jwks: dict[str, Any]) -> None:
    """RFC 7591 §3.2.1: "the authorization server MUST return all registered metadata about this client"."""
    members: dict[str, Any] = {
        "application_type": "web",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": jwks,
        "contacts": ["ops@gull.example.net"],
        "client_uri": "https://gull.example.net/",
        "policy_uri": "https://gull.example.net/privacy",
        "tos_uri": "https://gull.example.net/terms",
        "initiate_login_uri": "https://gull.example.net/login",
        "post_logout_redirect_uris": ["https://gull.example.net/bye"],
        "backchannel_logout_uri": "https://gull.example.net/logout",
        "backchannel_logout_session_required": True,
        "frontchannel_logout_uri": "https://gull.example.net/frame",
        "frontchannel_logout_session_required": True,
        "id_token_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "RS256",
        "subject_type": "public",
        "default_max_age": 0,
        "require_auth_time": True,
        "require_pushed_authorization_requests": True,
        "dpop_bound_access_tokens": True,
        "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        "software_version": "2.1",
        "scope": "openid offline_access",
    }
    answer = register(**members).json()
    assert {name: answer.get(name) for name in members} == members


def test_r_cr_02_what_is_not_a_member_of_the_specifications_is_ignored_and_not_echoed(
    credenza: Credenza, register: Register
) -> None:
    """R-CR-02, A-MCP-01: privileges cannot be asked for, and the answer shows none."""
    forbidden: dict[str, Any] = {
        "client_id": "app",
        "client_secret": "a-secret-of-my-own-choice-0123456789",
        "trusted": True,
        "first_party": True,
        "third_party": False,
        "skip_consent": True,
        "consent_lifetime": 99,
        "roles": ["support"],
        "organization": "acme",
        "enabled": True,
        "service_account": True,
        "access_token_lifetime": 86400,
        "permissions": {"profile": ["profile"]},
        "ceiling": {},
        "unverified": False,
        "registered_by": "console",
        "host": "harbour.example.com",
        "security_profile": "fapi2",
        "software_statement": "eyJhbGciOiJub25lIn0.e30.",
        "registration_access_token": "mine",
        "client_name#ja": "かもめ",
    }
    response = register(**forbidden)
    assert response.status_code == 201
    answer = response.json()
    shared = {name for name in forbidden if name in answer}
    assert shared == {"client_id", "client_secret", "registration_access_token"}
    assert all(answer[name] != forbidden[name] for name in shared)
    client = credenza.run(credenza.server.find_client, answer["client_id"])
    assert client is not None
    assert client.third_party
    assert client.unverified
    assert client.ceiling == {}
    assert client.access_token_lifetime == 0, "the server says how long"
    assert client.metadata["registered_by"] == "dynamic registration"
    assert client.metadata["host"] == "gull.example.net"
    assert not {"consent_lifetime", "security_profile"} & client.metadata.keys()


def test_a_mcp_01_scopes_that_do_not_exist_are_left_out_and_the_answer_says_so(register: Register) -> None:
    """A-MCP-01, RFC 7591 §2: the server may register a client with other scopes than it asked for."""
    assert register(scope="openid admin offline_access").json()["scope"] == "openid offline_access"


def test_r_cr_02_scopes_beyond_the_ceiling_are_not_echoed(credenza: Credenza, register: Register) -> None:
    """R-CR-02, A-MCP-01: neither when registering nor afterwards; those that are enabled later are."""
    asked = "openid profile email orders:read"
    client = register(scope=asked).json()
    assert client["scope"] == "openid"
    assert "scope" not in register(scope="profile", client_name="Tern Watch").json()
    bearer = {"authorization": f"Bearer {client['registration_access_token']}"}

    def record() -> dict[str, Any]:
        answer = credenza.request("GET", f"/register/{client['client_id']}", headers=bearer)
        return dict(answer.json())

    credenza.apply({"unregistered": {"permissions": {"profile": ["profile"], "api": {ORDERS: ["orders:read"]}}}})
    assert record()["scope"] == "openid profile orders:read"
    credenza.apply({"unregistered": {"permissions": {}}})
    assert record()["scope"] == "openid"
    members = METADATA | {"client_id": client["client_id"], "scope": asked}
    changed = credenza.request("PUT", f"/register/{client['client_id']}", headers=bearer, json=members)
    assert changed.json()["scope"] == "openid"


# -- redirect URIs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "/cb",
        "gull.example.net/cb",
        "https://gull.example.net/cb#fragment",
        "https://gull.example.net/cb#",
        "https://user@gull.example.net/cb",
        "https://*.example.net/cb",
        "https://gull.example.net/*",
        "https://gull.example.net\\@evil.example/cb",
        "https://gull.example.net/c b",
        "https://gull.example.net/\tcb",
        "https://gull.example.net/\u202ecb",
        "https://gül.example.net/cb",
        "http://gull.example.net/cb",
        "https://gull.example.net/../cb",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java%0ascript:alert(1)",
        "javascript://gull.example.net/%0aalert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "com.example.gull:/cb",
        "",
    ],
)
def test_r_cr_03_a_redirect_uri_of_a_web_client_is_https_and_exact(register: Register, uri: str) -> None:
    """R-CR-03, A-RED-20, A-RED-21, A-RED-27: anything that is not a plain https address is refused."""
    refused(register(redirect_uris=["https://gull.example.net/cb", uri]), "invalid_redirect_uri")


@pytest.mark.parametrize("uri", ["myapp:/cb", "https.evil:/cb", "com.example.gull://evil/cb", "javascript:alert(1)"])
def test_r_cr_03_a_private_scheme_of_a_native_client_is_a_domain_in_reverse(register: Register, uri: str) -> None:
    """R-CR-03, A-RED-28; RFC 8252 §7.1."""
    native = {"application_type": "native", "token_endpoint_auth_method": "none"}
    refused(register(redirect_uris=[uri], **native), "invalid_redirect_uri")


@pytest.mark.parametrize(
    "uri", ["com.example.gull:/cb", "http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost/cb"]
)
def test_r_cr_03_a_native_client_may_use_its_own_device(register: Register, uri: str) -> None:
    """R-CR-03, RFC 8252 §7: loopback and private schemes, also when a public client does not say so. R-NA-01."""
    answer = register(redirect_uris=[uri], token_endpoint_auth_method="none")
    assert answer.status_code == 201, answer.text
    assert answer.json()["application_type"] == "native"


@pytest.mark.parametrize("uris", [[], None])
def test_redirect_uris_are_required(register: Register, uris: object) -> None:
    """RFC 7591 §2: "Clients using flows with redirection MUST register their redirection URI values"."""
    refused(register(redirect_uris=uris), "invalid_redirect_uri")


# -- every other address ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "client_uri",
        "logo_uri",
        "tos_uri",
        "policy_uri",
        "jwks_uri",
        "sector_identifier_uri",
        "initiate_login_uri",
        "backchannel_logout_uri",
        "frontchannel_logout_uri",
        "post_logout_redirect_uris",
    ],
)
@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "http://gull.example.net/",
        "https://user@gull.example.net/",
        "https://gull.example.net\\@evil.example/",
        "//gull.example.net/",
        "gull",
    ],
)
def test_r_cr_04_all_addresses_pass_one_validator(register: Register, name: str, uri: str) -> None:
    """R-CR-04, A-XSS-03: what a page would link to, or the server would call, is https."""
    value = [uri] if name.endswith("uris") else uri
    refused(register(**{name: value}), "invalid_client_metadata")


def test_initiate_login_uri_must_be_https_even_on_loopback(register: Register) -> None:
    """OpenID Connect Registration §2: "URI using the https scheme"; oidcc-3rd_party-init-login-nohttps."""
    refused(register(initiate_login_uri="http://localhost/login"), "invalid_client_metadata")


def test_r_cr_06_sector_identifier_uri_lists_every_redirect_uri(register: Register) -> None:
    """R-CR-06: what cannot be fetched safely lists nothing (tests/rfc7591/test_3_registration.py has the rest)."""
    description = refused(register(sector_identifier_uri="https://127.0.0.1/sector"), "invalid_client_metadata")
    assert "cannot be read" in description


# -- keys -------------------------------------------------------------------------------------------------------------


def test_r_cr_05_jwks_and_jwks_uri_exclude_each_other(register: Register, jwks: dict[str, Any]) -> None:
    """R-CR-05, RFC 7591 §2: "The "jwks_uri" and "jwks" parameters MUST NOT both be present"."""
    both = register(jwks=jwks, jwks_uri="https://gull.example.net/jwks")
    assert "exclude each other" in refused(both, "invalid_client_metadata")


def weak_exponent() -> dict[str, str]:
    return rsa_key() | {"e": "AQ"}


def off_the_curve() -> dict[str, str]:
    return ec_key() | {"y": encoded(7)}


def private_key() -> dict[str, str]:
    numbers: RSAPrivateNumbers = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_numbers()
    return {**rsa_key(), "n": encoded(numbers.public_numbers.n), "d": encoded(numbers.d)}


@pytest.mark.parametrize(
    "key",
    [
        lambda: rsa_key(1024),
        weak_exponent,
        off_the_curve,
        private_key,
        lambda: ec_key(crv="P-1337"),
        lambda: ec_key(ec.SECP384R1(), "P-384") | {"alg": "ES256"},
        lambda: {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
        lambda: {"kty": "RSA"},
        lambda: {"kty": "RSA", "n": 5, "e": []},
        lambda: "key",
        lambda: None,
    ],
)
def test_a_cli_24_weak_private_and_symmetric_keys_are_refused(register: Register, key: Callable[[], object]) -> None:
    """A-CLI-24, R-CR-05: at registration, and never as a server error at use."""
    refused(register(jwks={"keys": [key()]}), "invalid_client_metadata")


@pytest.mark.parametrize("jwks", [{}, {"keys": {}}, {"keys": "x"}, [], "x", None, 5])
def test_a_cli_24_a_jwks_is_an_object_with_keys(credenza: Credenza, jwks: object) -> None:
    """A-CLI-24, A-INP-05: `jwks: null` is not "no keys"."""
    members = {"redirect_uris": ["https://gull.example.net/cb"], "jwks": jwks}
    refused(credenza.request("POST", "/register", json=members), "invalid_client_metadata")


def test_a_cli_24_ten_thousand_keys_are_refused(register: Register) -> None:
    """A-CLI-24."""
    refused(register(jwks={"keys": [{}] * 10_000}), "invalid_client_metadata")


def test_private_key_jwt_needs_keys(register: Register) -> None:
    """R-CR-07: a method that could never work is refused."""
    refused(register(token_endpoint_auth_method="private_key_jwt"), "invalid_client_metadata")


# -- combinations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"grant_types": ["password"]},
        {"grant_types": ["authorization_code", "password"]},
        {"grant_types": ["implicit"], "response_types": ["token"]},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["refresh_token"]},
        {"grant_types": ["authorization_code", "client_credentials"], "token_endpoint_auth_method": "none"},
        {"response_types": ["code", "token"]},
        {"response_types": ["id_token"]},
        {"response_types": ["none"]},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": "magic"},
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "HS256"},
        {"userinfo_signed_response_alg": "none"},
        {"token_endpoint_auth_signing_alg": "HS256"},
        {"subject_type": "special"},
        {"application_type": "service"},
        {"default_max_age": -1},
    ],
)
def test_r_cr_07_combinations_that_cannot_work_are_refused(register: Register, changes: dict[str, Any]) -> None:
    """R-CR-07, A-MCP-01: never silently reduced to something the client did not mean."""
    refused(register(**changes), "invalid_client_metadata")


def test_subject_types_are_those_of_our_metadata(credenza: Credenza, register: Register) -> None:
    """OpenID Connect Registration §2: pairwise is accepted when, and only when, it is advertised."""
    supported = credenza.request("GET", "/.well-known/openid-configuration").json()["subject_types_supported"]
    expected = 201 if "pairwise" in supported else 400
    assert register(subject_type="pairwise").status_code == expected


def test_a_mcp_01_grants_that_are_not_open_to_everybody_are_left_out_and_the_answer_says_so(register: Register) -> None:
    """A-MCP-01, RFC 7591 §2.1: VS Code asks for the device grant as well, whoever it talks to."""
    answer = register(grant_types=["authorization_code", "refresh_token", "client_credentials"])
    assert answer.json()["grant_types"] == ["authorization_code", "refresh_token"]


def test_defaults_are_those_of_the_specification(register: Register) -> None:
    """RFC 7591 §2: without a word the client has the code grant, and authenticates with client_secret_basic."""
    answer = register(grant_types=None, response_types=None, client_name=None).json()
    assert answer["grant_types"] == ["authorization_code"]
    assert answer["response_types"] == ["code"]
    assert answer["token_endpoint_auth_method"] == "client_secret_basic"
    assert answer["application_type"] == "web"
    assert "client_name" not in answer


@pytest.mark.parametrize(
    "name", ["Mo\u0308we Watch", " M\u00f6we\u00a0\u2003Watch", "M\u00f6we Watch\u3000"], ids=ascii
)
def test_a_name_is_kept_in_one_form(credenza: Credenza, register: Register, name: str) -> None:
    """As every other name: RFC 7591 §3.2.1 lets the server replace what was requested, and the answer says so."""
    answer = register(client_name=name).json()
    assert answer["client_name"] == "M\u00f6we Watch"
    assert credenza.run(credenza.server.find_client, answer["client_id"]).name == "M\u00f6we Watch"


# -- wrong types ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": "https://gull.example.net/cb"},
        {"redirect_uris": [None]},
        {"redirect_uris": [[]]},
        {"redirect_uris": {}},
        {"redirect_uris": ["https://gull.example.net/cb"] * 21},
        {"grant_types": [1]},
        {"grant_types": "authorization_code"},
        {"response_types": {}},
        {"client_name": 7},
        {"client_name": ["Gull"]},
        {"client_name": "x" * 201},
        {"client_name": "Gull\u202eWatch"},
        {"client_name": "Gull" + "\u030d" * 100},
        {"client_name": "Gull\nWatch"},
        {"contacts": "ops@gull.example.net"},
        {"contacts": [{}]},
        {"logo_uri": 5},
        {"default_max_age": "10"},
        {"default_max_age": True},
        {"default_max_age": 1e300},
        {"require_auth_time": "yes"},
        {"dpop_bound_access_tokens": 1},
        {"token_endpoint_auth_method": ["none"]},
        {"token_endpoint_auth_methods_supported": "none"},
        {"scope": ["openid"]},
        {"software_id": {}},
    ],
)
def test_a_inp_05_wrong_types_are_refused(register: Register, changes: dict[str, Any]) -> None:
    """A-INP-05."""
    refused(register(**changes), "invalid_client_metadata")


@pytest.mark.parametrize("update", [False, True])
def test_null_is_what_is_left_out(credenza: Credenza, register: Register, update: bool) -> None:
    """RFC 7592 §2.2: "Omitted fields MUST be treated as null or empty values"; some clients send null."""
    given = {"redirect_uris": ["https://gull.example.net/cb"], "token_endpoint_auth_method": "none"}
    names = [*KEPT, "tos_uri", "policy_uri", "jwks_uri", "backchannel_logout_uri", "grant_types", "response_types"]
    members = dict.fromkeys({*names, "post_logout_redirect_uris"} - given.keys()) | given
    if update:
        made = register(token_endpoint_auth_method="none", default_max_age=5).json()
        members |= {"client_id": made["client_id"], "client_secret": None}
        headers = {"authorization": f"Bearer {made['registration_access_token']}"}
        answer = credenza.request("PUT", f"/register/{made['client_id']}", json=members, headers=headers)
    else:
        answer = credenza.request("POST", "/register", json=members)
    assert answer.status_code == (200 if update else 201), answer.text
    told = answer.json()
    assert (told["grant_types"], told["redirect_uris"]) == (["authorization_code"], given["redirect_uris"])
    assert not {"client_name", "default_max_age", "contacts", "scope"} & told.keys()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"jwks":{"keys":[' + b'{"kty":"RSA","x":' * 30 + b"1" + b"}" * 30 + b"]}}",
        b'{"redirect_uris":["https://gull.example.net/cb"],"redirect_uris":["https://evil.example/cb"]}',
        b'{"default_max_age":NaN}',
        b'{"default_max_age":1e999}',
        b'{"default_max_age":' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
        json.dumps({"client_name": "x"}).encode("utf-16"),
        b'{"client_name":"\xff"}',
        b'{"client_name":"\\ud800"}',
        b'{"client_name":"\\u0000"}',
        b'{"client_name":"x",}',
        b"[]",
        b'"text"',
        b"null",
        b"{}" + b" " * 70_000,
        b'{"client_name":"' + b"x" * 10_000_000 + b'"}',
    ],
    ids=lambda body: body[:12].decode(errors="replace") + f" {len(body)}",
)
def test_a_inp_04_hostile_json_is_refused(credenza: Credenza, body: bytes) -> None:
    """A-INP-04."""
    response = credenza.request("POST", "/register", content=body, headers={"content-type": "application/json"})
    refused(response, "invalid_client_metadata") if response.status_code != 413 else None


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_the_body_is_application_json(credenza: Credenza, content_type: str) -> None:
    """RFC 7591 §3.1: a form that another site posts never registers anything."""
    headers = {"content-type": content_type} if content_type else {}
    refused(credenza.request("POST", "/register", content=b"{}", headers=headers), "invalid_client_metadata")


# -- OpenID Connect Relying Party Metadata Choices 1.0 ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "method"),
    [
        ({"token_endpoint_auth_methods_supported": ["none", "tls_client_auth"]}, "none"),
        ({"token_endpoint_auth_methods_supported": ["none", "client_secret_post"]}, "client_secret_post"),
        (
            {
                "token_endpoint_auth_method": "tls_client_auth",
                "token_endpoint_auth_methods_supported": ["tls_client_auth", "none"],
            },
            "none",
        ),
        (
            {"token_endpoint_auth_method": "none", "token_endpoint_auth_methods_supported": ["client_secret_basic"]},
            "none",
        ),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt", "none"]}, "none"),
    ],
)
def test_a_list_of_what_the_client_can_do_is_negotiated(
    register: Register, changes: dict[str, Any], method: str
) -> None:
    """RP Metadata Choices §2: the server takes one of the listed values; what is named alone is what is preferred."""
    assert register(**changes).json()["token_endpoint_auth_method"] == method
