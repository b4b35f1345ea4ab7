"""The challenge in the authorization request. RFC 7636 §4.3, §4.4, §4.4.1."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from credenza.protocol.pkce import s256
from credenza.testing import Callback, RelyingParty, UserAgent


def refused(user_agent: UserAgent, client: RelyingParty, **changes: str | None) -> dict[str, str]:
    seen = user_agent.get(client.authorization_url(**changes))
    assert isinstance(seen, Callback), seen.text
    return seen.parameters


def test_without_a_method_it_is_plain_and_refused(user_agent: UserAgent, spa: RelyingParty) -> None:
    """code_challenge_method "defaults to 'plain' if not present in the request". RFC 7636 §4.3."""
    assert refused(user_agent, spa, code_challenge_method=None)["error"] == "invalid_request"
    assert "S256" in refused(user_agent, spa, code_challenge_method=None)["error_description"]


def test_a_required_challenge_that_is_missing_is_an_invalid_request_that_says_so(
    user_agent: UserAgent, spa: RelyingParty
) -> None:
    """ "the authorization endpoint MUST return the authorization error response with the 'error' value set to
    'invalid_request'", and its description SHOULD explain what is missing. RFC 7636 §4.4.1.
    """
    answer = refused(user_agent, spa, code_challenge=None, code_challenge_method=None)
    assert answer["error"] == "invalid_request"
    assert "code_challenge" in answer["error_description"]


def test_a_transformation_that_is_not_supported_is_an_invalid_request(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    """Also of a client that need not send a challenge. RFC 7636 §4.4.1."""
    assert refused(user_agent, client, code_challenge_method="plain")["error"] == "invalid_request"


def test_the_code_does_not_tell_the_challenge(user_agent: UserAgent, spa: RelyingParty) -> None:
    """ "The server MUST NOT include the 'code_challenge' value in client requests in a form that other entities can
    extract." RFC 7636 §4.4.
    """
    callback = user_agent.authorize(spa)
    assert isinstance(callback, Callback)
    assert parse_qs(urlsplit(callback.url).query).keys() == {"code", "state", "iss"}
    assert s256(spa.verifier) not in callback.url
