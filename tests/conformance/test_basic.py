"""Basic OP and Form Post Basic OP: `oidcc-basic-…` and `oidcc-formpost-basic-certification-test-plan`.

Each module runs with a static client, with one that registered itself, and with answers by form post.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from credenza.testing import Callback, PageSeen

PROFILE = {
    *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture"),
    *("website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
}
EMAIL = {"email", "email_verified"}
PHONE = {"phone_number", "phone_number_verified"}
NOT_LOGGED_IN = ("login_required", "interaction_required", "account_selection_required", "consent_required")
UNRESERVED = string.ascii_letters + string.digits + "-._~"


@pytest.fixture(params=["basic, static_client", "basic, dynamic_client", "formpost, static_client"])
def client(
    request: pytest.FixtureRequest, static_client: Callable[..., Any], dynamic_client: Callable[..., Any]
) -> Any:
    plan, registration = request.param.split(", ")
    make = static_client if registration == "static_client" else dynamic_client
    return make(response_mode="form_post" if plan == "formpost" else "")


@pytest.fixture(params=["basic", "formpost"])
def registered(request: pytest.FixtureRequest, dynamic_client: Callable[..., Any]) -> Callable[..., Any]:
    """For modules that are only for clients that register themselves."""
    return lambda **members: dynamic_client(response_mode="form_post" if request.param == "formpost" else "", **members)


def long_state() -> str:
    return "".join(secrets.choice(UNRESERVED) for _ in range(128))


# -- the flow, tokens, UserInfo


def test_oidcc_server(client: Any) -> None:
    """The plain code flow; the ID token has no claims that were not asked for."""
    flow = client.flow()
    assert client.userinfo(flow) == {"sub": flow.id_token["sub"]}


@pytest.mark.suite("REVIEW", "With a client that nobody here vouches for a page names the host first.")
def test_oidcc_response_type_missing(client: Any) -> None:
    """Without `response_type`: `invalid_request` or `unsupported_response_type` at the client, or an error page."""
    sent = client.request(response_type=None)
    seen = client.open(sent)
    if isinstance(seen, PageSeen):
        assert client.information.get("registration_client_uri")
        assert (seen.name, seen.status) == ("error", 400)
        (location,) = [link for link in seen.links if link.startswith(client.redirect_uri)]
        assert "error=invalid_request" in location
    else:
        assert client.arrived(sent, seen).error in ("invalid_request", "unsupported_response_type")


def test_oidcc_idtoken_signature(registered: Callable[..., Any]) -> None:
    """A client that registered no `id_token_signed_response_alg` gets RS256, with `kid` in the header."""
    client = registered()
    header = jwt.get_unverified_header(client.flow().tokens["id_token"])
    assert header["alg"] == "RS256"
    assert header["kid"]


@pytest.mark.suite("SKIPPED", "Discovery does not list `none`: there are no unsigned ID tokens, on purpose.")
def test_oidcc_idtoken_unsigned(
    register: Callable[..., httpx.Response], client_key: dict[str, Any], discovered: dict[str, Any]
) -> None:
    """A client that asks for unsigned ID tokens."""
    assert "none" not in discovered["id_token_signing_alg_values_supported"]
    response = register(client_key, id_token_signed_response_alg="none")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")


def test_oidcc_userinfo_get(client: Any) -> None:
    """UserInfo by GET, the token in the header."""
    assert client.userinfo(client.flow())["sub"]


def test_oidcc_userinfo_post_header(client: Any) -> None:
    """UserInfo by POST, the token in the header."""
    assert client.userinfo(client.flow(), "POST")["sub"]


def test_oidcc_userinfo_post_body(client: Any) -> None:
    """UserInfo by POST, the token in the form body."""
    flow = client.flow()
    assert client.userinfo(flow, "POST", headers={}, data={"access_token": flow.access_token})["sub"]


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(client: Any) -> None:
    """`nonce` is optional with `response_type=code`; there is none in the ID token then."""
    assert "nonce" not in client.flow(nonce=None).id_token


# -- scopes


def test_oidcc_scope_profile(client: Any) -> None:
    """UserInfo has all 14 claims of `profile`."""
    assert client.userinfo(client.flow(scope="openid profile")).keys() == {"sub", *PROFILE}


def test_oidcc_scope_email(client: Any) -> None:
    """`email` and `email_verified` in UserInfo, not in the ID token."""
    flow = client.flow(scope="openid email")
    assert client.userinfo(flow).keys() == {"sub", *EMAIL}
    assert not EMAIL & flow.id_token.keys()


def test_oidcc_scope_address(client: Any) -> None:
    """`address` is an object with texts that are not empty."""
    address = client.userinfo(client.flow(scope="openid address"))["address"]
    assert {"formatted", "street_address", "locality", "postal_code", "country"} <= address.keys()
    assert all(isinstance(value, str) and value for value in address.values())


def test_oidcc_scope_phone(client: Any) -> None:
    """`phone_number` and `phone_number_verified`."""
    assert client.userinfo(client.flow(scope="openid phone")).keys() == {"sub", *PHONE}


def test_oidcc_scope_all(client: Any) -> None:
    """All four scopes at once."""
    claims = client.userinfo(client.flow(scope="openid profile email address phone"))
    assert claims.keys() == {"sub", "address", *PROFILE, *EMAIL, *PHONE}


def test_oidcc_alternate_happy_flow(client: Any) -> None:
    """The scopes and the parameters in another order."""
    sent = dict(reversed(client.request(scope="email openid").items()))
    callback = client.arrived(sent, client.browser.answer(client.open(sent)))
    form = {"redirect_uri": client.redirect_uri, "code": callback.code, "grant_type": "authorization_code"}
    tokens = client.tokens(client.post("token_endpoint", form))
    claims = client.check_id_token(tokens["id_token"], nonce=sent["nonce"])
    assert not EMAIL & claims.keys()


# -- parameters that concern the pages


def test_oidcc_display_page(client: Any) -> None:
    """`display=page` causes no error."""
    assert client.flow(display="page").id_token


def test_oidcc_display_popup(client: Any) -> None:
    """`display=popup` causes no error."""
    assert client.flow(display="popup").id_token


@pytest.mark.suite("REVIEW", "A person looks at the second sign-in page.")
def test_oidcc_prompt_login(client: Any, clock: Any) -> None:
    """With `prompt=login` the user is asked again although there is a session; `auth_time` is later."""
    first = client.flow()
    clock.wait(1)
    sent = client.request(prompt="login")
    page = client.open(sent)
    assert isinstance(page, PageSeen)
    assert (page.name, page.status) == ("sign-in", 200)
    second = client.flow(prompt="login")
    assert second.id_token["auth_time"] > first.id_token["auth_time"]
    assert second.id_token["sub"] == first.id_token["sub"]


def test_oidcc_prompt_none_not_logged_in(client: Any) -> None:
    """No session and `prompt=none`: `login_required` at the client, a state of 128 characters intact."""
    client.refused(*NOT_LOGGED_IN, prompt="none", state=long_state())


def test_oidcc_prompt_none_logged_in(client: Any) -> None:
    """A session and `prompt=none`: success without a page, the same `sub` and `auth_time`."""
    first = client.flow()
    sent = client.request(prompt="none")
    callback = client.arrived(sent, client.open(sent))
    tokens = client.tokens(client.post("token_endpoint", redemption(client, callback)))
    second = client.check_id_token(tokens["id_token"], nonce=sent["nonce"])
    assert {name: second[name] for name in ("sub", "auth_time")} == {
        name: first.id_token[name] for name in ("sub", "auth_time")
    }


def redemption(client: Any, callback: Callback) -> dict[str, str]:
    return {"grant_type": "authorization_code", "code": callback.code, "redirect_uri": client.redirect_uri}


@pytest.mark.suite("REVIEW", "A person looks at the second sign-in page.")
def test_oidcc_max_age_1(client: Any, clock: Any) -> None:
    """A second request with `max_age=1` after a while: sign-in again, with a later `auth_time`."""
    first = client.flow()
    clock.wait(2)
    page = client.open(client.request(max_age="1"))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    second = client.flow(max_age="1")
    assert second.id_token["auth_time"] > first.id_token["auth_time"]


def test_oidcc_max_age_10000(client: Any) -> None:
    """`max_age=15000`, then `10000`: nobody signs in again, and `auth_time` is in both ID tokens and the same."""
    first = client.flow(max_age="15000")
    sent = client.request(max_age="10000")
    callback = client.arrived(sent, client.open(sent))
    tokens = client.tokens(client.post("token_endpoint", redemption(client, callback)))
    second = client.check_id_token(tokens["id_token"], nonce=sent["nonce"])
    assert second["auth_time"] == first.id_token["auth_time"]


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(client: Any) -> None:
    """`extra=foobar` is ignored."""
    assert client.flow(extra="foobar").id_token


def test_oidcc_id_token_hint(client: Any) -> None:
    """`prompt=none` with `id_token_hint`: success without a page, for the same user."""
    first = client.flow()
    sent = client.request(prompt="none", id_token_hint=first.tokens["id_token"])
    callback = client.arrived(sent, client.open(sent))
    tokens = client.tokens(client.post("token_endpoint", redemption(client, callback)))
    assert client.check_id_token(tokens["id_token"], nonce=sent["nonce"])["sub"] == first.id_token["sub"]


def test_oidcc_login_hint(client: Any) -> None:
    """`login_hint` causes no error, also when there is no such user."""
    assert client.flow(login_hint="buffy@127.0.0.1").id_token


def test_oidcc_ui_locales(client: Any) -> None:
    """`ui_locales=se` causes no error."""
    assert client.flow(ui_locales="se").id_token


def test_oidcc_claims_locales(client: Any) -> None:
    """`claims_locales=se` causes no error."""
    assert client.flow(claims_locales="se").id_token


def test_oidcc_ensure_request_with_acr_values_succeeds(client: Any, discovered: dict[str, Any]) -> None:
    """Everything in `acr_values_supported` is asked for: the ID token has one of them."""
    supported = discovered["acr_values_supported"]
    assert client.flow(acr_values=" ".join(supported)).id_token["acr"] in supported


# -- codes and redirect URIs


def test_oidcc_codereuse(client: Any, error: Callable[..., str]) -> None:
    """The second use of a code: 400 `invalid_grant`."""
    flow = client.flow()
    assert error(client.redeem(flow)) == "invalid_grant"


def test_oidcc_codereuse_30seconds(client: Any, clock: Any, error: Callable[..., str]) -> None:
    """The second use after 30 seconds: 400 `invalid_grant`, and the access token of the first use is revoked."""
    flow = client.flow()
    assert client.userinfo(flow)
    clock.wait(30)
    assert error(client.redeem(flow)) == "invalid_grant"
    assert client.userinfo_status(flow) == 401


@pytest.mark.suite("REVIEW", "A person looks at the error page.")
def test_oidcc_ensure_registered_redirect_uri(client: Any) -> None:
    """A `redirect_uri` that is not registered: an error page, never a redirect."""
    page = client.open(client.request(redirect_uri=client.redirect_uri + "/other"))
    assert isinstance(page, PageSeen)
    assert (page.name, page.status) == ("error", 400)


def test_oidcc_ensure_post_request_succeeds(client: Any, discovered: dict[str, Any]) -> None:
    """The authorization request as a form, posted from the client's own site."""
    sent = client.request()
    headers = {"origin": "https://localhost.emobix.co.uk:8443", "sec-fetch-site": "cross-site"}
    seen = client.browser.post(discovered["authorization_endpoint"], sent, headers=headers)
    callback = client.arrived(sent, client.browser.answer(seen))
    assert client.tokens(client.post("token_endpoint", redemption(client, callback)))


@pytest.mark.parametrize("variant", ["basic, static_client", "basic, dynamic_client", "formpost, static_client"])
def test_oidcc_server_client_secret_post(
    variant: str, static_client: Callable[..., Any], dynamic_client: Callable[..., Any]
) -> None:
    """The plain code flow with `client_secret_post`."""
    response_mode = "form_post" if variant.startswith("formpost") else ""
    if variant.endswith("static_client"):
        client = static_client("suite-post", response_mode=response_mode)
    else:
        client = dynamic_client(token_endpoint_auth_method="client_secret_post", response_mode=response_mode)
    assert client.flow().id_token


# -- request objects, claims, refresh tokens, PKCE

UNSIGNED = "Discovery lists the algorithms of request objects, without `none`: the suite asks no further."


@pytest.mark.suite("SKIPPED", UNSIGNED)
def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
    client: Any, discovered: dict[str, Any]
) -> None:
    """An unsigned request object behind `request_uri`: `request_uri_not_supported` at the client."""
    assert "none" not in discovered["request_object_signing_alg_values_supported"]
    sent = client.request(request_uri="https://localhost.emobix.co.uk:8443/request.jwt#1")
    silent = {**sent, "prompt": "none"}
    assert client.arrived(silent, client.open(silent)).error == "request_uri_not_supported"


@pytest.mark.suite("SKIPPED", UNSIGNED)
def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(client: Any) -> None:
    """An unsigned request object by value is refused, never ignored."""
    sent = client.request(prompt="none")
    unsigned = jwt.encode({**sent, "aud": client.discovered["issuer"]}, None, algorithm="none")
    sent["request"] = unsigned
    assert client.arrived(sent, client.open(sent)).error == "invalid_request_object"


def test_oidcc_claims_essential(client: Any) -> None:
    """`claims` asks for `name` as essential at UserInfo: it is there, and not in the ID token."""
    flow = client.flow(claims='{"userinfo":{"name":{"essential":true}}}')
    assert client.userinfo(flow)["name"] == "Ada Augusta Lovelace"
    assert "name" not in flow.id_token


@pytest.mark.suite("SKIPPED", UNSIGNED)
def test_oidcc_ensure_request_object_with_redirect_uri(client: Any) -> None:
    """Two redirect URIs, a wrong one beside an unsigned request object: an error page, never a redirect."""
    unsigned = jwt.encode(client.request(), None, algorithm="none")
    page = client.open(client.request(redirect_uri=client.redirect_uri + "/other", request=unsigned))
    assert isinstance(page, PageSeen)
    assert (page.name, page.status) == ("error", 400)


@pytest.mark.parametrize("variant", ["basic, static_client", "basic, dynamic_client", "formpost, static_client"])
def test_oidcc_refresh_token(
    variant: str,
    static_client: Callable[..., Any],
    dynamic_client: Callable[..., Any],
    clock: Any,
    error: Callable[..., str],
) -> None:
    """With `offline_access`: a refreshed ID token of the same user and sign-in; another client's token is refused."""
    response_mode = "form_post" if variant.startswith("formpost") else ""
    if variant.endswith("static_client"):
        first, second = (static_client(name, response_mode=response_mode) for name in ("suite-1", "suite-2"))
    else:
        grants = ["authorization_code", "refresh_token"]
        first, second = (dynamic_client(grant_types=grants) for _ in range(2))
    for client in (first, second):
        assert "offline_access" in client.discovered["scopes_supported"]
        assert "refresh_token" in client.discovered["grant_types_supported"]
        flow = client.flow(scope="openid offline_access", prompt="consent")
        before, token = flow.id_token, flow.tokens["refresh_token"]
        clock.wait(1)
        refreshed = client.tokens(
            client.post("token_endpoint", {"grant_type": "refresh_token", "refresh_token": token})
        )
        after = client.check_id_token(refreshed["id_token"], nonce=None)
        assert all(after.get(name) == before.get(name) for name in ("iss", "sub", "aud", "azp", "auth_time"))
        assert after["iat"] > before["iat"]
        flow.tokens = refreshed
        assert client.userinfo(flow)
    stolen = {"grant_type": "refresh_token", "refresh_token": refreshed.get("refresh_token", token)}
    assert error(first.post("token_endpoint", stolen)) == "invalid_grant"


def test_oidcc_ensure_request_with_valid_pkce_succeeds(client: Any, error: Callable[..., str]) -> None:
    """A request with PKCE (S256); a code that was got so is worth nothing without the verifier."""
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    flow = client.authorize(code_challenge=challenge, code_challenge_method="S256")
    assert error(client.redeem(flow)) == "invalid_grant"
    assert client.tokens(client.redeem(flow, code_verifier=verifier))
