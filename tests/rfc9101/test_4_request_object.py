"""How a request object is written. RFC 9101 §4."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from credenza.testing import ORDERS, Callback, PageSeen, RelyingParty, UserAgent

from .conftest import KEY, sealed


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
def test_a_right_object_in_other_words(user_agent: UserAgent, client: RelyingParty, changes: dict[str, Any]) -> None:
    """ "oauth-authz-req+jwt" is its type (§10.8); "aud" may be a list (RFC 7519 §4.1.3)."""
    callback = user_agent.authorize(client, request=sealed(client, max_age=1000, **changes))
    assert isinstance(callback, Callback)
    assert (callback.error, callback.parameters["state"]) == ("", "inside")


def test_a_parameter_that_may_be_repeated_is_a_list(user_agent: UserAgent, client: RelyingParty) -> None:
    """RFC 8707 §2 has several resources."""
    resources = [ORDERS, "https://unknown.example.com"]
    callback = user_agent.get(client.authorization_url(request=sealed(client, resource=resources)))
    assert isinstance(callback, Callback)
    assert callback.error == "invalid_target"
    page = user_agent.get(client.authorization_url(request=sealed(client, resource=[ORDERS])))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"


def test_a_member_that_is_null_says_nothing(user_agent: UserAgent, client: RelyingParty) -> None:
    claims = {"client_id": "app", "redirect_uri": "https://app.example.com/cb", "response_type": "code"}
    request = jwt.encode(claims | {"scope": "openid", "max_age": None, "prompt": None}, KEY, algorithm="ES256")
    page = user_agent.get(client.authorization_url(request=request))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
