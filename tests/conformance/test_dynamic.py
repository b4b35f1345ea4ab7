"""Dynamic OP: `oidcc-dynamic-certification-test-plan`, with clients that authenticate by `private_key_jwt`."""

from __future__ import annotations

import html
import io
import re
import secrets
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from PIL import Image

from credenza.testing import PageSeen

CALLBACK = "/test/a/credenza/callback"
LOOKED_AT = "A person looks at the page."
UNSIGNED = "Discovery lists the algorithms of request objects, without `none`: the suite asks no further."


@pytest.fixture
def client(dynamic_client: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **members: dynamic_client(**{"token_endpoint_auth_method": "private_key_jwt", **members})


def shown(client: Any, **changes: str | None) -> PageSeen:
    seen = client.open(client.request(**changes))
    assert isinstance(seen, PageSeen)
    return seen


def stays(client: Any, **changes: str | None) -> None:
    """An error page, and no way to the client from it."""
    page = shown(client, **changes)
    assert (page.name, page.status) == ("error", 400)


# -- signatures


def test_oidcc_idtoken_rs256(client: Callable[..., Any]) -> None:
    """A registered `id_token_signed_response_alg` of RS256 is obeyed."""
    assert client(id_token_signed_response_alg="RS256").flow().id_token


@pytest.mark.suite("SKIPPED", "Discovery does not list `none`: there are no unsigned ID tokens, on purpose.")
def test_oidcc_idtoken_unsigned(
    register: Callable[..., httpx.Response], client_key: dict[str, Any], error: Callable[..., str]
) -> None:
    """A client that asks for unsigned ID tokens."""
    assert error(register(client_key, id_token_signed_response_alg="none")) == "invalid_client_metadata"


def test_oidcc_userinfo_rs256(client: Callable[..., Any], provider: Any, discovered: dict[str, Any]) -> None:
    """With `userinfo_signed_response_alg` UserInfo is a JWT with `iss` and `aud`, and without `nonce`."""
    assert "RS256" in discovered["userinfo_signing_alg_values_supported"]
    party = client(userinfo_signed_response_alg="RS256")
    flow = party.flow()
    headers = {"authorization": f"Bearer {flow.access_token}"}
    response = provider.request("GET", discovered["userinfo_endpoint"], headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] == "application/jwt"
    claims = party.verified(response.text, alg="RS256")
    assert claims["sub"] == flow.id_token["sub"]
    assert (claims["iss"], claims["aud"]) == (discovered["issuer"], party.client_id)
    assert "nonce" not in claims


# -- redirect URIs


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_ensure_redirect_uri_in_authorization_request(client: Callable[..., Any], lasting_web_site: Any) -> None:
    """A client with two redirect URIs, and a request with none: an error page."""
    stays(client(redirect_uris=[lasting_web_site.url(CALLBACK), lasting_web_site.url("/2")]), redirect_uri=None)


def test_oidcc_redirect_uri_query_ok(client: Callable[..., Any], lasting_web_site: Any) -> None:
    """A redirect URI with a query works, and the query is kept."""
    flow = client(redirect_uris=[lasting_web_site.url(CALLBACK + "?foo=bar")]).flow()
    assert flow.callback.parameters["foo"] == "bar"


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_redirect_uri_query_mismatch(client: Callable[..., Any], lasting_web_site: Any) -> None:
    """A query that differs from the registered one: an error page."""
    party = client(redirect_uris=[lasting_web_site.url(CALLBACK + "?foo=bar")])
    stays(party, redirect_uri=lasting_web_site.url(CALLBACK + "?bar=foo"))


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_redirect_uri_query_added(client: Callable[..., Any]) -> None:
    """A query added to a registered URI without one: an error page."""
    party = client()
    stays(party, redirect_uri=party.redirect_uri + "?foo=bar")


def test_oidcc_redirect_uri_regfrag(
    register: Callable[..., httpx.Response],
    client_key: dict[str, Any],
    error: Callable[..., str],
    lasting_web_site: Any,
) -> None:
    """Registering a redirect URI with a fragment: 400 `invalid_redirect_uri`."""
    response = register(client_key, redirect_uris=[lasting_web_site.url(CALLBACK + "#foobar")])
    assert error(response) == "invalid_redirect_uri"


# -- discovery and the flow


@pytest.mark.suite(
    "FAILED", "In this plan it wants the response types of the implicit flow, which Credenza does not have, on purpose."
)
def test_oidcc_discovery_endpoint_verification(client: Callable[..., Any], discovered: dict[str, Any]) -> None:
    """A `registration_endpoint`, and the response types `id_token` and `id_token token` beside `code`."""
    assert discovered["registration_endpoint"].startswith("https://")
    assert discovered["response_types_supported"] == ["code"]
    party = client()
    for response_type in ("id_token", "id_token token"):
        party.refused("unsupported_response_type", response_type=response_type, prompt="none")


def test_oidcc_server(client: Callable[..., Any]) -> None:
    """The plain code flow."""
    assert client().flow().id_token


# -- what is registered


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_registration_logo_uri(client: Callable[..., Any], provider: Any, lasting_web_site: Any) -> None:
    """The sign-in page shows the client's logo, from our own origin."""
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 30, 60)).save(picture, "PNG")
    logo = lasting_web_site.publish("/logo.png", picture.getvalue(), content_type="image/png")
    page = shown(client(logo_uri=logo))
    sources = [html.unescape(source) for source in re.findall(r'<img[^>]* src="([^"]*)"', page.html)]
    answers = [provider.request("GET", source) for source in sources]
    assert all(answer.status_code == 200 for answer in answers)
    colours = [Image.open(io.BytesIO(a.content)).convert("RGB").getpixel((5, 5)) for a in answers if is_raster(a)]
    assert any(red > 150 and green < 80 and blue < 110 for red, green, blue in colours)


def is_raster(answer: httpx.Response) -> bool:
    return "svg" not in answer.headers["content-type"]


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_registration_policy_uri(client: Callable[..., Any], lasting_web_site: Any) -> None:
    """The sign-in page links the client's policy."""
    policy = lasting_web_site.url("/policy")
    assert policy in shown(client(policy_uri=policy)).links


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_oidcc_registration_tos_uri(client: Callable[..., Any], lasting_web_site: Any) -> None:
    """The sign-in page links the client's terms of service."""
    terms = lasting_web_site.url("/terms")
    assert terms in shown(client(tos_uri=terms)).links


def test_oidcc_registration_jwks_uri(
    client: Callable[..., Any], tools: Any, client_key: dict[str, Any], lasting_web_site: Any
) -> None:
    """The client's keys are at its `jwks_uri`."""
    path = f"/jwks/{secrets.token_hex(4)}"
    lasting_web_site.publish(path, {"keys": [tools.public(client_key)]})
    assert client(jwks=None, jwks_uri=lasting_web_site.url(path)).flow().id_token
    assert path in [seen for seen, _ in lasting_web_site.seen]


def test_oidcc_registration_sector_uri(client: Callable[..., Any], lasting_web_site: Any) -> None:
    """A pairwise client with a `sector_identifier_uri` whose document lists the redirect URI: 201."""
    listed = [lasting_web_site.url(CALLBACK), lasting_web_site.url("/other")]
    sector = lasting_web_site.publish("/sector.json", listed)
    party = client(sector_identifier_uri=sector, subject_type="pairwise")
    assert party.information["sector_identifier_uri"] == sector
    assert party.information["subject_type"] == "pairwise"
    assert party.userinfo(party.flow())["sub"]


def test_oidcc_registration_sector_bad(
    register: Callable[..., httpx.Response],
    client_key: dict[str, Any],
    error: Callable[..., str],
    lasting_web_site: Any,
) -> None:
    """A document without the redirect URI: 400 `invalid_client_metadata`."""
    sector = lasting_web_site.publish("/bad-sector.json", [lasting_web_site.url("/other")])
    response = register(client_key, sector_identifier_uri=sector, subject_type="pairwise")
    assert error(response) == "invalid_client_metadata"


# -- rotation of keys


def test_oidcc_server_rotate_keys(client: Callable[..., Any], provider: Any, discovered: dict[str, Any]) -> None:
    """After a rotation there is a new RSA or EC key with a new `kid`, and the old ones are still there."""
    party = client()
    signed_before = party.flow().tokens["id_token"]
    before = keys(provider, discovered)
    provider.command("keys", "rotate")
    after = keys(provider, discovered)
    new = [key for kid, key in after.items() if kid not in before]
    assert new
    assert {key["kty"] for key in new} <= {"RSA", "EC"}
    assert before.keys() <= after.keys()
    signed_after = party.flow().tokens["id_token"]  # checked with the keys as they are now
    assert jwt.get_unverified_header(signed_after)["kid"] != jwt.get_unverified_header(signed_before)["kid"]
    assert party.verified(signed_before, alg="RS256")


def keys(provider: Any, discovered: dict[str, Any]) -> dict[str, Any]:
    return {key["kid"]: key for key in provider.request("GET", discovered["jwks_uri"]).json()["keys"]}


def test_oidcc_refresh_token_rp_key_rotation(
    client: Callable[..., Any], tools: Any, client_key: dict[str, Any], lasting_web_site: Any, clock: Any
) -> None:
    """A new key at `jwks_uri`: after 60 seconds a refresh with an assertion of that `kid` works."""
    path = f"/jwks/{secrets.token_hex(4)}"
    first_key = {**client_key, "kid": "the-first-one"}
    lasting_web_site.publish(path, {"keys": [tools.public(first_key)]})
    grants = ["authorization_code", "refresh_token"]
    party = client(jwks=None, jwks_uri=lasting_web_site.url(path), grant_types=grants)
    party.key = first_key
    flow = party.flow(scope="openid offline_access", prompt="consent")
    party.key = {**tools.new_key(), "kid": "the-next-one"}
    lasting_web_site.publish(path, {"keys": [tools.public(party.key)]})
    clock.wait(60)
    form = {"grant_type": "refresh_token", "refresh_token": flow.tokens["refresh_token"]}
    refreshed = party.tokens(party.post("token_endpoint", form))
    assert party.check_id_token(refreshed["id_token"], nonce=None)["sub"] == flow.id_token["sub"]


# -- request objects, refresh, assertions


@pytest.mark.suite("SKIPPED", UNSIGNED)
def test_oidcc_request_uri_unsigned(client: Callable[..., Any], lasting_web_site: Any) -> None:
    """An unsigned request object behind `request_uri`."""
    party = client()
    sent = party.request(prompt="none", request_uri=lasting_web_site.url("/request.jwt#1"))
    assert party.arrived(sent, party.open(sent)).error == "request_uri_not_supported"


@pytest.mark.suite(
    "FAILED", "Credenza never fetches a request object: it takes them by value, or pushed, and says so in discovery."
)
def test_oidcc_request_uri_signed_rs256(
    client: Callable[..., Any], lasting_web_site: Any, discovered: dict[str, Any]
) -> None:
    """A signed request object behind a registered `request_uri` is fetched and obeyed."""
    assert discovered["request_uri_parameter_supported"] is False
    address = lasting_web_site.url("/request-uri-signed.jwt#1")
    party = client(request_uris=[address], request_object_signing_alg="RS256")
    sent = party.request(prompt="none", request_uri=address)
    assert party.arrived(sent, party.open(sent)).error == "request_uri_not_supported"
    assert not [path for path, _ in lasting_web_site.seen if path.startswith("/request-uri-signed")]


@pytest.mark.suite("SKIPPED", UNSIGNED)
def test_oidcc_ensure_request_object_with_redirect_uri(client: Callable[..., Any]) -> None:
    """Two redirect URIs, a wrong one beside an unsigned request object."""
    party = client()
    unsigned = jwt.encode(party.request(), None, algorithm="none")
    stays(party, redirect_uri=party.redirect_uri + "/other", request=unsigned)


def test_oidcc_refresh_token(client: Callable[..., Any], clock: Any, error: Callable[..., str]) -> None:
    """Refresh works, and another client's token is refused."""
    grants = ["authorization_code", "refresh_token"]
    first, second = (client(grant_types=grants) for _ in range(2))
    flow = second.flow(scope="openid offline_access", prompt="consent")
    form = {"grant_type": "refresh_token", "refresh_token": flow.tokens["refresh_token"]}
    clock.wait(1)
    refreshed = second.tokens(second.post("token_endpoint", form))
    after = second.check_id_token(refreshed["id_token"], nonce=None)
    assert after["iat"] > flow.id_token["iat"]
    assert all(after[name] == flow.id_token[name] for name in ("sub", "aud", "auth_time"))
    assert error(first.post("token_endpoint", form)) == "invalid_grant"


def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(client: Callable[..., Any]) -> None:
    """An assertion whose `aud` is the issuer is accepted too."""
    party = client()
    flow = party.authorize()
    assert party.tokens(party.redeem(flow, **assertion_for_the_issuer(party)))


def assertion_for_the_issuer(party: Any) -> dict[str, str]:
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": party.assertion(aud=party.discovered["issuer"]),
    }
