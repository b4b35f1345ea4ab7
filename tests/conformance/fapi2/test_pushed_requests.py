"""FAPI 2.0 Security Profile: the pushed authorization request endpoint, and the life of a `request_uri`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from credenza.testing import PageSeen

LOOKED_AT = "A person looks at the error page."


def is_error_page(seen: Any) -> None:
    assert isinstance(seen, PageSeen)
    assert (seen.name, seen.error, seen.status) == ("error", "invalid_request_uri", 400)


def test_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(bank: Any) -> None:
    """A `request_uri` can be opened twice before anybody has signed in."""
    sent = bank.request()
    request_uri = bank.pushed(sent)
    assert bank.open(request_uri).name == "sign-in"
    assert bank.party.arrived(sent, bank.browser.answer(bank.open(request_uri))).code


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_par_attempt_reuse_request_uri(bank: Any) -> None:
    """After completion it is worth nothing any more."""
    sent = bank.request()
    request_uri = bank.pushed(sent)
    assert bank.party.arrived(sent, bank.browser.answer(bank.open(request_uri))).code
    is_error_page(bank.open(request_uri))


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_par_attempt_to_use_expired_request_uri(bank: Any, clock: Any) -> None:
    """After its lifetime, which is short, it is worth nothing."""
    response = bank.push(bank.request())
    assert response.json()["expires_in"] <= 90
    clock.wait(response.json()["expires_in"] + 1)
    is_error_page(bank.open(response.json()["request_uri"]))


@pytest.mark.suite("REVIEW", LOOKED_AT)
def test_par_attempt_to_use_request_uri_for_different_client(bank: Any, other_bank: Any) -> None:
    """Another client's `request_uri` is worth nothing."""
    is_error_page(other_bank.open(bank.pushed(bank.request())))


def test_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(bank: Any, clock: Any) -> None:
    """A clock that is 8 seconds ahead is tolerated."""
    ahead = bank.party.assertion(nbf=clock.now() + 8, iat=clock.now() + 8)
    assert bank.push({**bank.request(), **signed(ahead)}).status_code == 201


def test_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
    bank: Any, clock: Any, error: Callable[..., str]
) -> None:
    """One that is more than a minute ahead is not."""
    ahead = bank.party.assertion(nbf=clock.now() + 75, exp=clock.now() + 120)
    assert error(bank.push({**bank.request(), **signed(ahead)}), 401) == "invalid_client"


def signed(assertion: str) -> dict[str, str]:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"client_assertion_type": kind, "client_assertion": assertion}


def test_par_authorization_request_containing_request_uri_form_param(bank: Any, error: Callable[..., str]) -> None:
    """`request_uri` in the body is refused."""
    nested = bank.request(request_uri="urn:ietf:params:oauth:request_uri:some")
    assert error(bank.push(nested)) == "invalid_request"


def test_par_attempt_invalid_http_method(bank: Any) -> None:
    """PUT is refused."""
    endpoint = bank.party.discovered["pushed_authorization_request_endpoint"]
    assert bank.party.provider.request("PUT", endpoint, data=bank.request()).status_code == 405


def test_par_ensure_pkce_required(bank: Any, error: Callable[..., str]) -> None:
    """Without a challenge: refused."""
    without = bank.request(code_challenge=None, code_challenge_method=None)
    assert error(bank.push(without)) == "invalid_request"


def test_par_plain_pkce_rejected(bank: Any, error: Callable[..., str]) -> None:
    """With `plain`: refused."""
    plain = bank.request(code_challenge=bank.verifier, code_challenge_method="plain")
    assert error(bank.push(plain)) == "invalid_request"


def test_par_without_duplicate_parameters(bank: Any) -> None:
    """Only `client_id` and `request_uri` at the authorization endpoint."""
    assert bank.flow()


def test_par_test_array_as_audience_fails(bank: Any, error: Callable[..., str]) -> None:
    """An assertion for a list of one is refused."""
    assert (
        error(bank.push({**bank.request(), **signed(bank.party.assertion(aud=[bank.issuer]))}), 401) == "invalid_client"
    )


def test_par_test_par_endpoint_url_as_audience_fails(bank: Any, error: Callable[..., str]) -> None:
    """One for the address of the endpoint is refused."""
    address = bank.party.discovered["pushed_authorization_request_endpoint"]
    assert error(bank.push({**bank.request(), **signed(bank.party.assertion(aud=address))}), 401) == "invalid_client"


def test_par_test_token_endpoint_url_as_audience_fails(bank: Any, error: Callable[..., str]) -> None:
    """One for the address of the token endpoint is refused too."""
    address = bank.party.discovered["token_endpoint"]
    assert error(bank.push({**bank.request(), **signed(bank.party.assertion(aud=address))}), 401) == "invalid_client"
