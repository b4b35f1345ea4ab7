"""The authorization endpoint: what comes back, and what never does. SECURITY.md §1.1, R-AZ-06…32."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest

from credenza.store import audit
from credenza.testing import ISSUER, ORDERS, Callback, PageSeen, RelyingParty


def assert_redirected(answer: Any, error: str, state: str | None = "state-of-the-test") -> None:
    """REDIR(x): to the registered URI, with `state` and `iss`, without a code."""
    assert isinstance(answer, Callback), answer
    assert answer.url.startswith("https://")
    assert answer.error == error, answer.parameters
    assert answer.parameters.get("state") == state
    assert answer.parameters["iss"] == ISSUER
    assert "code" not in answer.parameters
    description = answer.parameters.get("error_description", "")
    assert all(0x20 <= ord(c) <= 0x7E and c not in '"\\' for c in description)


MARK = "zq-echo-zq"
ERRORS: list[tuple[dict[str, str | None], str]] = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": ""}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "id_token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_type": "none"}, "unsupported_response_type"),
    ({"response_type": "CODE"}, "unsupported_response_type"),
    ({"response_type": MARK}, "unsupported_response_type"),
    ({"response_mode": "web_message"}, "invalid_request"),
    ({"response_mode": MARK}, "invalid_request"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "none consent"}, "invalid_request"),
    ({"prompt": MARK}, "invalid_request"),
    ({"prompt": f"{MARK} login"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "1.5"}, "invalid_request"),
    ({"max_age": "1e3"}, "invalid_request"),
    ({"max_age": "9" * 30}, "invalid_request"),
    ({"max_age": "9" * 5000}, "invalid_request"),
    ({"max_age": MARK}, "invalid_request"),
    ({"max_age": "\u0661"}, "invalid_request"),
    ({"max_age": "\u00b2"}, "invalid_request"),
    ({"max_age": "0x10"}, "invalid_request"),
    ({"max_age": " 1"}, "invalid_request"),
    ({"scope": f'openid "{MARK}"'}, "invalid_scope"),
    ({"scope": "openid \u00e9"}, "invalid_scope"),
    ({"scope": "openid a\\b"}, "invalid_scope"),
    ({"scope": "openid " + "a" * 300}, "invalid_scope"),
    ({"scope": "openid address"}, "invalid_scope"),
    ({"nonce": "n" * 600}, "invalid_request"),
    ({"request": f"{MARK}.y.z"}, "invalid_request_object"),
    ({"registration": "{}"}, "registration_not_supported"),
    ({"claims": MARK}, "invalid_request"),
    ({"claims": "[]"}, "invalid_request"),
    ({"claims": "null"}, "invalid_request"),
    ({"claims": '"x"'}, "invalid_request"),
    ({"claims": '{"userinfo": []}'}, "invalid_request"),
    ({"claims": '{"userinfo": {"email": 1}}'}, "invalid_request"),
    ({"claims": '{"id_token": {"email": ["x"]}}'}, "invalid_request"),
    ({"claims": "[" * 8000}, "invalid_request"),
    ({"claims": '{"a":' * 3000}, "invalid_request"),
    ({"claims": '{"userinfo": {"x": {"value": ' + "9" * 5000 + "}}}"}, "invalid_request"),
    ({"claims": json.dumps({"userinfo": {f"c{i}": None for i in range(200)}})}, "invalid_request"),
    ({"claims": '{"userinfo": {"x": null}}' + " " * 20_000}, "invalid_request"),
    ({"resource": MARK}, "invalid_target"),
    ({"resource": "https://orders.example.com#x"}, "invalid_target"),
    ({"resource": "https://[::1"}, "invalid_target"),
    ({"resource": "https://" + "a" * 2000}, "invalid_target"),
    ({"id_token_hint": MARK}, "invalid_request"),
    ({"id_token_hint": "a.b.c"}, "invalid_request"),
]


@pytest.mark.parametrize(("changes", "error"), ERRORS, ids=lambda value: str(value)[:60])
def test_r_az_06_every_other_error_goes_to_the_client(
    credenza: Any, user_agent: Any, client: RelyingParty, changes: dict[str, str | None], error: str
) -> None:
    """R-AZ-06, R-AZ-07, R-AZ-11, R-AZ-19, R-AZ-21, R-AZ-26, R-AZ-27, R-AZ-29: no page, no echo, nothing changed.

    RFC 6749 §4.1.2.1.
    """
    with credenza.unchanged():
        answer = user_agent.get(client.authorization_url(**changes))
    assert_redirected(answer, error)
    assert MARK not in answer.parameters.get("error_description", "")


@pytest.mark.parametrize(
    "name",
    ["response_type", "scope", "nonce", "code_challenge", "prompt", "max_age", "x", MARK, "display", "login_hint"],
)
def test_r_az_08_a_parameter_sent_twice(user_agent: Any, client: RelyingParty, name: str) -> None:
    """R-AZ-08, R-AZ-27. "Request and response parameters MUST NOT be included more than once." RFC 6749 §3.1."""
    answer = user_agent.get(client.authorization_url() + f"&{name}=a&{name}=b")
    assert_redirected(answer, "invalid_request")
    told = answer.parameters["error_description"]
    assert told == ("Sent more than once: a parameter." if name in ("x", MARK) else f"Sent more than once: {name}.")


def test_r_az_08_state_sent_twice_does_not_come_back(user_agent: Any, client: RelyingParty) -> None:
    assert_redirected(user_agent.get(client.authorization_url() + "&state=b"), "invalid_request", state=None)


def test_r_az_08_resource_may_repeat(user_agent: Any, client: RelyingParty) -> None:
    answer = user_agent.get(client.authorization_url() + f"&resource={ORDERS}&resource={ORDERS}")
    assert isinstance(answer, PageSeen)
    assert answer.name == "sign-in"


def test_r_az_09_empty_and_unknown_parameters_do_nothing(user_agent: Any, client: RelyingParty) -> None:
    """R-AZ-09. "Parameters sent without a value MUST be treated as if they were omitted." RFC 6749 §3.1."""
    callback = user_agent.authorize(client, prompt="", max_age="", claims="", request="", foo="bar", acr_values="")
    assert callback.code
    assert client.redeem(callback).status_code == 200


STATES = [
    "a" * 2048,
    "a b+c&d=e#f?g%20%2B;:@/\\",
    '"><svg onload=alert(1)>',
    "\u00e9\u4f60\U0001f600",
    "\r\nSet-Cookie: a=b\r\n\r\n<script>",
    " ",
    "{{7*7}}${7*7}",
    "%",
    "+",
]


@pytest.mark.parametrize("state", STATES, ids=ascii)
def test_r_az_10_state_comes_back_byte_for_byte(user_agent: Any, client: RelyingParty, state: str) -> None:
    """R-AZ-10, A-INJ-06: with a code, with an error, and after a long way. RFC 6749 §4.1.1."""
    answer = user_agent.authorize(client, state=state)
    assert answer.parameters["state"] == state
    assert answer.code
    location = user_agent.history[-1].headers["location"]
    assert "\r" not in location
    assert "\n" not in location
    assert location.isascii()
    assert ("state", state) in parse_qsl(urlsplit(location).query, keep_blank_values=True)
    assert user_agent.get(client.authorization_url(state=state, prompt="none x")).parameters["state"] == state


def test_r_az_10_no_state_no_state(user_agent: Any, client: RelyingParty) -> None:
    assert "state" not in user_agent.authorize(client, state=None).parameters
    assert_redirected(user_agent.get(client.authorization_url(state="s" * 5000)), "invalid_request", "s" * 5000)


def test_r_az_11_a_cod_14_iss_is_the_issuer_of_the_metadata(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """R-AZ-11, A-COD-14: no slash more or less."""
    metadata = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert user_agent.authorize(client).parameters["iss"] == metadata["issuer"] == ISSUER
    assert user_agent.get(client.authorization_url(response_type="token")).parameters["iss"] == metadata["issuer"]


def test_r_az_12_a_form_post_works(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-AZ-12: also from another site, where our cookies do not come along."""
    body = client.authorization_url().partition("?")[2]
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "origin": "https://app.example.com",
        "sec-fetch-site": "cross-site",
    }
    answer = credenza.request("POST", "/authorize", content=body, headers=headers)
    assert answer.status_code == 303
    assert user_agent.get(answer.headers["location"]).name == "sign-in"
    user_agent.sign_in()
    user_agent.decide()
    answer = user_agent.send("POST", "/authorize", content=body, headers=headers)
    assert answer.status_code == 303
    assert "code=" in answer.headers["location"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(credenza: Any, client: RelyingParty, method: str) -> None:
    """A-CSR-06."""
    answer = credenza.request(method, client.authorization_url())
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


def test_r_az_14_every_redirect_is_a_303(user_agent: Any, client: RelyingParty) -> None:
    """R-AZ-14: a form with a password is never posted again elsewhere."""
    user_agent.authorize(client)
    user_agent.get(client.authorization_url(response_type="token"))
    redirects = [answer for answer in user_agent.history if answer.is_redirect]
    assert redirects
    assert {answer.status_code for answer in redirects} == {303}
    assert {answer.headers["referrer-policy"] for answer in redirects} == {"no-referrer"}
    assert {answer.headers["cache-control"] for answer in redirects} == {"no-store"}


def test_r_az_18_prompt_none_shows_no_page(user_agent: Any, client: RelyingParty) -> None:
    """R-AZ-18, A-CNS-01. OpenID Connect Core §3.1.2.3, §3.1.2.6."""
    assert_redirected(user_agent.get(client.authorization_url(prompt="none")), "login_required")
    user_agent.get(client.authorization_url())
    user_agent.sign_in()
    assert_redirected(user_agent.get(client.authorization_url(prompt="none")), "consent_required")
    user_agent.get(client.authorization_url())
    user_agent.decide()
    assert user_agent.get(client.authorization_url(prompt="none")).code


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_r_az_20_prompt_login_asks_again(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-AZ-20: and auth_time is newer. OpenID Connect Core §3.1.2.3."""
    first = claims_of(client.tokens(user_agent.authorize(client))["id_token"])
    credenza.clock.move(100)
    page = user_agent.get(client.authorization_url(prompt="login"))
    assert page.name == "sign-in"
    # Going around the page does not help.
    assert user_agent.get(page.url.removesuffix("/login")).name == "sign-in"
    assert user_agent.get(page.url.removesuffix("/login") + "/consent").name == "sign-in"
    second = claims_of(client.tokens(user_agent.sign_in())["id_token"])
    assert second["auth_time"] >= first["auth_time"] + 100
    assert second["sub"] == first["sub"]


def test_r_az_20_prompt_consent_always_asks(user_agent: Any, client: RelyingParty) -> None:
    user_agent.authorize(client)
    assert user_agent.get(client.authorization_url()).code
    assert user_agent.get(client.authorization_url(prompt="consent")).name == "consent"
    assert user_agent.decide().code


def test_r_az_21_max_age(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-AZ-21."""
    first = claims_of(client.tokens(user_agent.authorize(client))["id_token"])
    assert user_agent.get(client.authorization_url(max_age="1000")).code
    assert user_agent.get(client.authorization_url(max_age="0")).name == "sign-in"
    credenza.clock.move(1001)
    assert_redirected(user_agent.get(client.authorization_url(max_age="1000", prompt="none")), "login_required")
    assert user_agent.get(client.authorization_url(max_age="1000")).name == "sign-in"
    second = claims_of(client.tokens(user_agent.sign_in())["id_token"])
    assert second["auth_time"] >= first["auth_time"] + 1001


def test_r_az_22_a_hint_about_somebody_else(
    credenza: Any, user_agent: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """R-AZ-22: sign-in or login_required, never tokens for another user; expired hints are fine."""
    mine = client.tokens(user_agent.authorize(client))["id_token"]
    other = new_visitor()
    theirs = client.tokens(other.authorize(client))["id_token"]
    assert user_agent.get(client.authorization_url(id_token_hint=mine, prompt="none")).code
    assert_redirected(user_agent.get(client.authorization_url(id_token_hint=theirs, prompt="none")), "login_required")
    assert user_agent.get(client.authorization_url(id_token_hint=theirs)).name == "sign-in"
    assert_redirected(user_agent.sign_in(), "login_required")
    assert user_agent.get(client.authorization_url(id_token_hint=theirs)).name == "sign-in"
    callback = user_agent.sign_in(other.name)
    assert claims_of(client.tokens(callback)["id_token"])["sub"] == claims_of(theirs)["sub"]
    credenza.clock.move(2 * 3600)
    assert other.get(client.authorization_url(id_token_hint=theirs, prompt="none")).code


def test_r_az_23_claims_name_the_user(user_agent: Any, new_visitor: Any, client: RelyingParty) -> None:
    """R-AZ-23: in either member; and together with a hint. OpenID Connect Core §3.1.2.2, §5.5.1."""
    mine = claims_of(client.tokens(user_agent.authorize(client))["id_token"])["sub"]
    other = new_visitor()
    hint = client.tokens(other.authorize(client))["id_token"]
    theirs = claims_of(hint)["sub"]
    for member in ("id_token", "userinfo"):
        wish = json.dumps({member: {"sub": {"value": mine}}})
        assert user_agent.get(client.authorization_url(claims=wish, prompt="none")).code
        wish = json.dumps({member: {"sub": {"value": theirs}}})
        assert_redirected(user_agent.get(client.authorization_url(claims=wish, prompt="none")), "login_required")
        assert_redirected(
            other.get(
                client.authorization_url(claims=json.dumps({member: {"sub": {"value": mine}}}), id_token_hint=hint)
            ),
            "invalid_request",
        )
    both = json.dumps({"id_token": {"sub": {"value": mine}}, "userinfo": {"sub": {"value": theirs}}})
    assert_redirected(user_agent.get(client.authorization_url(claims=both, prompt="none")), "invalid_request")


@pytest.mark.parametrize("value", [["x"], {"a": 1}, 1, True, "\ud800", "\0", "' OR 1=1--"], ids=ascii)
def test_r_az_23_a_strange_subject(user_agent: Any, client: RelyingParty, value: object) -> None:
    """K12, K19: nobody has it."""
    user_agent.authorize(client)
    wish = json.dumps({"id_token": {"sub": {"value": value}}})
    assert_redirected(user_agent.get(client.authorization_url(claims=wish, prompt="none")), "login_required")


@pytest.mark.parametrize(
    "name", ["\ud800", "\0", "__class__", "' OR 1=1--", "a" * 5000, "iss", "aud", "exp"], ids=ascii
)
def test_strange_claims_are_left_out(user_agent: Any, client: RelyingParty, name: str) -> None:
    """A-PLG-03, K12: nor can they replace a claim of the protocol."""
    wish = json.dumps({"id_token": {name: {"value": "x"}}, "userinfo": {name: None}})
    tokens = client.tokens(user_agent.authorize(client, claims=wish))
    claims = claims_of(tokens["id_token"])
    assert (claims["iss"], claims["aud"]) == (ISSUER, "app")
    assert isinstance(claims["exp"], int)
    assert client.userinfo(tokens["access_token"]).status_code == 200


def test_r_az_25_offline_access_without_being_enabled_is_ignored(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """R-AZ-25: it stands on the consent page before there is a refresh token. OpenID Connect Core §11."""
    user_agent.get(client.authorization_url(scope="openid offline_access"))
    page = user_agent.sign_in()
    assert "Keep access while you are away" in page.text
    assert "refresh_token" in client.tokens(user_agent.decide())


def test_r_az_26_a_nonce_comes_back_unchanged(user_agent: Any, client: RelyingParty) -> None:
    nonce = "n" * 64 + "\u00e9%&+ "
    assert claims_of(client.tokens(user_agent.authorize(client, nonce=nonce))["id_token"])["nonce"] == nonce


def test_r_az_31_the_consent_page_says_who_and_what(user_agent: Any, client: RelyingParty) -> None:
    """R-AZ-31. OpenID Connect Core §3.1.2.4."""
    user_agent.get(client.authorization_url(scope="openid profile email offline_access"))
    text = user_agent.sign_in().text
    for words in (
        "Harbour Wiki",
        "app.example.com",
        "Your email address",
        "Your profile",
        "Keep access",
        "For 60 days at most",
        user_agent.name,
    ):
        assert words in text


def test_r_az_31_a_native_application_carries_a_warning(user_agent: Any, native: RelyingParty) -> None:
    """A-MCP-10."""
    user_agent.get(native.authorization_url())
    page = user_agent.sign_in()
    assert "127.0.0.1:51004" in page.text
    assert "Continue only if you have just started it yourself" in page.text


def test_a_request_without_any_scope(user_agent: Any, client: RelyingParty) -> None:
    """RFC 6749 §3.3: the scope may be left out."""
    callback = user_agent.authorize(client, scope=None)
    tokens = client.tokens(callback)
    assert "id_token" not in tokens
    assert "refresh_token" not in tokens
    assert client.userinfo(tokens["access_token"]).status_code == 403


def test_d7_unknown_scopes_are_dropped(user_agent: Any, client: RelyingParty) -> None:
    """D7: the returned scope tells."""
    tokens = client.tokens(user_agent.authorize(client, scope="openid admin:all unknown console"))
    assert tokens["scope"] == "openid"


def test_r_rs_01_an_unknown_resource_is_refused_at_once(user_agent: Any, client: RelyingParty) -> None:
    assert_redirected(user_agent.get(client.authorization_url(resource="https://evil.example")), "invalid_target")


def test_form_post_carries_the_answer_and_nothing_else(user_agent: Any, client: RelyingParty) -> None:
    """A-XSS-04, Form Post Response Mode §2."""
    state = '"><script>alert(1)</script>'
    page = user_agent.authorize(client, response_mode="form_post", state=state)
    assert isinstance(page, PageSeen)
    assert page.name == "form-post"
    assert "<script>alert" not in page.html
    fields = {f["name"]: f["value"] for f in page.forms[0].fields if f.get("type") == "hidden"}
    assert page.forms[0].action == client.redirect_uri
    assert (fields["state"], fields["iss"]) == (state, ISSUER)
    assert client.redeem(Callback("", {"code": fields["code"]})).status_code == 200
    page = user_agent.get(client.authorization_url(response_mode="form_post", state=state, prompt="none x"))
    fields = {f["name"]: f["value"] for f in page.forms[0].fields if f.get("type") == "hidden"}
    assert (fields["error"], fields["state"]) == ("invalid_request", state)


@pytest.mark.own_server
def test_a_stranger_writes_no_books_into_the_audit_log(credenza: Any, client: RelyingParty) -> None:
    """Names that no specification has are kept for the administrator, and not as long as they may be."""
    long = "&".join(f"{name * 15_000}=1&{name * 15_000}=1" for name in "ab")
    address = client.authorization_url()
    query = f"{urlsplit(address).query}&{long}"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert credenza.request("POST", "/authorize", content=query, headers=headers).status_code in (302, 303)
    (event,) = credenza.run(audit.list_events, name="AuthorizationRefused")
    assert "aaaa" in event.data["description"]
    assert len(event.data["description"]) <= 2000
