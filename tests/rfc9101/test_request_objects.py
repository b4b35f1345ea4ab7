"""RFC 9101, request objects by value."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from credenza.store import audit
from credenza.testing import ORDERS, Callback, Credenza, PageSeen, RelyingParty, UserAgent

KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(autouse=True)
def registered_key(credenza: Credenza) -> None:
    jwk = jwt.get_algorithm_by_name("ES256").to_jwk(KEY.public_key(), as_dict=True)
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "jwks": {"keys": [jwk]}}]})


def sealed(client: RelyingParty, key: Any = KEY, alg: str = "ES256", typ: str = "JWT", **changes: Any) -> str:
    claims = {
        "iss": "app",
        "aud": "https://id.example.com",
        "exp": int(time.time()) + 300,
        "client_id": "app",
        "response_type": "code",
        "redirect_uri": "https://app.example.com/cb",
        "scope": "openid email",
        "state": "inside",
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, key, algorithm=alg, headers={"typ": typ})


def test_6_3_only_what_is_inside_counts(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "The authorization server MUST only use the parameters in the Request Object, even if the same parameter is
    provided in the query parameter." RFC 9101 §6.3, OpenID Connect Core §6.1.
    """
    callback = user_agent.authorize(
        client, request=sealed(client, max_age=1000), scope="openid profile", state="outside"
    )
    assert isinstance(callback, Callback)
    assert callback.parameters["state"] == "inside"
    tokens = client.tokens(callback, code_verifier=None)
    assert set(tokens["scope"].split()) == {"openid", "email"}


def test_an_application_without_keys_is_told_that_it_has_none(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "jwks": None}]})
    for request in (sealed(client), sealed(client, key=None, alg="none")):
        seen = user_agent.get(client.authorization_url(request=request))
        assert isinstance(seen, Callback)
        assert seen.error == "invalid_request_object"
        assert "has no public keys here" in seen.parameters["error_description"]


@pytest.mark.parametrize(
    "request_object",
    [
        {"key": None, "alg": "none"},
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"aud": "https://other.example"},
        {"aud": "https://id.example.com.evil.example"},
        {"aud": ["https://other.example", "https://another.example"]},
        {"aud": []},
        {"exp": 1},
        {"exp": int(time.time()) + 10 * 3600},
        {"typ": "dpop+jwt"},
        {"nonce": "a\0b"},
        {"client_id": "own"},
        {"client_id": None},
        {"iss": "own"},
        {"request": "x.y.z"},
        {"request_uri": "https://evil.example/"},
    ],
)
def test_7_a_wrong_object_is_refused(
    user_agent: UserAgent, client: RelyingParty, request_object: dict[str, Any]
) -> None:
    """ "invalid_request_object: The Request Object contains invalid data." RFC 9101 §7. Its signature MUST be validated
    (RFC 9101 §6.2); exp is the time "on or after which the JWT MUST NOT be accepted", RFC 7519 §4.1.4. SECURITY
    A-REQ-06.
    """
    callback = user_agent.get(client.authorization_url(request=sealed(client, **request_object)))
    assert isinstance(callback, Callback)
    assert callback.error == "invalid_request_object"
    assert callback.parameters["state"] == "state-of-the-test"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"exp": 1}, "not acceptable: expired"),
        ({"key": ec.generate_private_key(ec.SECP256R1())}, "not acceptable: signature does not match"),
        ({"typ": "at+jwt"}, "not acceptable: typ must be"),
        ({"aud": "https://other.example"}, "aud must be https://id.example.com"),
    ],
)
def test_7_without_a_redirect_uri_outside_the_page_says_what_is_wrong_with_the_object(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, changes: dict[str, Any], told: str
) -> None:
    """Outside, client_id is enough (§5): that the rest is missing there is no mistake of anybody's."""
    url = "/authorize?" + urlencode({"client_id": "app", "scope": "openid", "request": sealed(client, **changes)})
    page = user_agent.get(url)
    assert isinstance(page, PageSeen)
    assert (page.name, page.error) == ("error", "invalid_request_object")
    assert told in page.text
    (event, *_) = credenza.run(audit.list_events, client="app", name="AuthorizationRefused", limit=1)
    assert told in event.data["description"]


def test_without_an_object_or_a_redirect_uri_the_page_says_that_it_is_missing(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    page = user_agent.get(client.authorization_url(redirect_uri=None))
    assert isinstance(page, PageSeen)
    assert page.error == "invalid_request"
    url = "/authorize?" + urlencode({"client_id": "nobody", "request": sealed(client, exp=1)})
    page = user_agent.get(url)
    assert isinstance(page, PageSeen)
    assert page.error == "invalid_client"


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "oauth-authz-req+jwt"},
        {"typ": "OAUTH-AUTHZ-REQ+JWT"},
        {"typ": "application/oauth-authz-req+jwt"},
        {"aud": ["https://other.example", "https://id.example.com"]},
        {"aud": None, "iss": None, "exp": None},
    ],
)
def test_4_a_right_object_in_other_words(user_agent: UserAgent, client: RelyingParty, changes: dict[str, Any]) -> None:
    """ "oauth-authz-req+jwt" is its type (§10.8); "aud" may be a list (RFC 7519 §4.1.3)."""
    callback = user_agent.authorize(client, request=sealed(client, max_age=1000, **changes))
    assert isinstance(callback, Callback)
    assert (callback.error, callback.parameters["state"]) == ("", "inside")


def test_4_a_parameter_that_may_be_repeated_is_a_list(user_agent: UserAgent, client: RelyingParty) -> None:
    """RFC 8707 §2 has several resources."""
    resources = [ORDERS, "https://unknown.example.com"]
    callback = user_agent.get(client.authorization_url(request=sealed(client, resource=resources)))
    assert isinstance(callback, Callback)
    assert callback.error == "invalid_target"
    page = user_agent.get(client.authorization_url(request=sealed(client, resource=[ORDERS])))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"


def test_an_object_cannot_bring_a_redirect_uri_that_is_not_registered(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    page = user_agent.get(client.authorization_url(request=sealed(client, redirect_uri="https://evil.example/cb")))
    assert isinstance(page, PageSeen)
    assert (page.name, page.error) == ("error", "invalid_redirect_uri")


def test_a_form_of_another_site_can_bring_one(user_agent: UserAgent, client: RelyingParty) -> None:
    """It goes on sealed: what is inside does not become a plain request in the address."""
    request = sealed(client, max_age=1000)
    form = {"client_id": "app", "response_type": "code", "scope": "openid", "request": request}
    page = user_agent.post("/authorize", form, headers={"origin": "https://app.example.com"})
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    assert dict(parse_qsl(urlsplit(user_agent.history[0].headers["location"]).query)) == form
    user_agent.sign_in()
    callback = user_agent.decide()
    assert isinstance(callback, Callback)
    assert callback.parameters["state"] == "inside"


@pytest.mark.parametrize("member", ["nbf", "iat"])
def test_an_object_that_is_not_valid_yet_is_refused_without_exp_too(
    user_agent: UserAgent, client: RelyingParty, member: str
) -> None:
    """ "The nbf claim identifies the time before which the JWT MUST NOT be accepted." RFC 7519 §4.1.5."""
    changes: dict[str, Any] = {"exp": None, member: int(time.time()) + 3600}
    callback = user_agent.get(client.authorization_url(request=sealed(client, **changes)))
    assert isinstance(callback, Callback)
    assert callback.error == "invalid_request_object"


def test_a_member_that_is_null_says_nothing(user_agent: UserAgent, client: RelyingParty) -> None:
    claims = {"client_id": "app", "redirect_uri": "https://app.example.com/cb", "response_type": "code"}
    request = jwt.encode(claims | {"scope": "openid", "max_age": None, "prompt": None}, KEY, algorithm="ES256")
    page = user_agent.get(client.authorization_url(request=request))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
