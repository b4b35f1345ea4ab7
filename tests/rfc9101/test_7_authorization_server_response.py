"""How a request is refused whose object is not acceptable. RFC 9101 §7."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from credenza.store import audit
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent

from .conftest import sealed


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
def test_a_wrong_object_is_refused(user_agent: UserAgent, client: RelyingParty, request_object: dict[str, Any]) -> None:
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
def test_without_a_redirect_uri_outside_the_page_says_what_is_wrong_with_the_object(
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


@pytest.mark.parametrize("member", ["nbf", "iat"])
def test_an_object_that_is_not_valid_yet_is_refused_without_exp_too(
    user_agent: UserAgent, client: RelyingParty, member: str
) -> None:
    """ "The nbf claim identifies the time before which the JWT MUST NOT be accepted." RFC 7519 §4.1.5."""
    changes: dict[str, Any] = {"exp": None, member: int(time.time()) + 3600}
    callback = user_agent.get(client.authorization_url(request=sealed(client, **changes)))
    assert isinstance(callback, Callback)
    assert callback.error == "invalid_request_object"
