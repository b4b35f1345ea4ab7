"""FAPI 2.0 Security Profile: codes, assertions, PKCE and refresh at the token endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def signed(assertion: str) -> dict[str, str]:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"client_assertion_type": kind, "client_assertion": assertion}


def test_ensure_client_id_in_token_endpoint(bank: Any, other_bank: Any, error: Callable[..., str]) -> None:
    """The first client's code and assertion with the second one's `client_id`: `invalid_client`."""
    _, callback = bank.authorize()
    response = bank.redeem(callback, client_id=other_bank.party.client_id)
    assert error(response, 401) == "invalid_client"


def test_ensure_holder_of_key_required(bank: Any, error: Callable[..., str]) -> None:
    """A token request without a DPoP proof: `invalid_request`. Versions and ciphers of TLS are the proxy's."""
    _, callback = bank.authorize()
    assert error(bank.redeem(callback, proof=None)) == "invalid_request"


def test_ensure_authorization_code_is_bound_to_client(bank: Any, other_bank: Any, error: Callable[..., str]) -> None:
    """The second client cannot redeem the first one's code."""
    sent, callback = bank.authorize()
    other_bank.verifier = bank.verifier
    response = other_bank.redeem(callback, redirect_uri=bank.party.redirect_uri)
    assert error(response) == "invalid_grant"
    assert bank.tokens(bank.redeem(callback), nonce=sent["nonce"])


def test_attempt_reuse_authorization_code_after_one_second(bank: Any, clock: Any, error: Callable[..., str]) -> None:
    """A code for the second time: `invalid_grant`, and the tokens of the first time are revoked."""
    _, callback = bank.authorize()
    tokens = bank.party.tokens(bank.redeem(callback), token_type="dpop")
    clock.wait(1)
    assert error(bank.redeem(callback)) == "invalid_grant"
    assert bank.resource(tokens["access_token"]).status_code == 401


def test_ensure_token_endpoint_fails_with_expired_auth_code(bank: Any, clock: Any, error: Callable[..., str]) -> None:
    """After 62 seconds a code is dead."""
    _, callback = bank.authorize()
    clock.wait(62)
    assert error(bank.redeem(callback)) == "invalid_grant"


# -- assertions


def test_ensure_signed_client_assertion_with_rs256_fails(
    new_bank: Callable[..., Any], tools: Any, error: Callable[..., str]
) -> None:
    """An assertion signed with RS256, by a key that is right otherwise: `invalid_client`."""
    bank = new_bank(1, "PS256")
    _, callback = bank.authorize()
    bank.party.key = {**bank.party.key, "alg": "RS256"}
    assert error(bank.redeem(callback), 401) == "invalid_client"


def test_ensure_client_assertion_in_token_endpoint(bank: Any) -> None:
    """No assertion: `invalid_client` or `invalid_request`."""
    _, callback = bank.authorize()
    response = bank.redeem(callback, client_assertion="", client_assertion_type="", client_id=bank.party.client_id)
    assert (response.status_code, response.json()["error"]) in ((401, "invalid_client"), (400, "invalid_request"))


def test_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
    bank: Any, clock: Any, error: Callable[..., str]
) -> None:
    """An assertion that expired five minutes ago: `invalid_client`."""
    _, callback = bank.authorize()
    old = bank.party.assertion(iat=clock.now() - 360, exp=clock.now() - 300)
    assert error(bank.redeem(callback, **signed(old)), 401) == "invalid_client"


def test_ensure_client_assertion_with_wrong_aud_fails(bank: Any, error: Callable[..., str]) -> None:
    """An assertion for somebody else: `invalid_client`."""
    _, callback = bank.authorize()
    assert error(bank.redeem(callback, **signed(bank.party.assertion(aud="https://other.example"))), 401) == (
        "invalid_client"
    )


def test_ensure_client_assertion_with_no_sub_fails(bank: Any, error: Callable[..., str]) -> None:
    """An assertion without `sub`: `invalid_client`."""
    _, callback = bank.authorize()
    assert error(bank.redeem(callback, **signed(bank.party.assertion(sub=None))), 401) == "invalid_client"


# -- PKCE


def test_ensure_pkce_code_verifier_required(bank: Any, error: Callable[..., str]) -> None:
    """No verifier: `invalid_grant`."""
    _, callback = bank.authorize()
    assert error(bank.redeem(callback, code_verifier=None)) == "invalid_grant"


def test_incorrect_pkce_code_verifier_rejected(bank: Any, error: Callable[..., str]) -> None:
    """Another verifier: `invalid_grant`."""
    _, callback = bank.authorize()
    assert error(bank.redeem(callback, code_verifier=bank.verifier[::-1])) == "invalid_grant"


# -- refresh


def test_refresh_token(bank: Any, other_bank: Any, tools: Any, clock: Any, error: Callable[..., str]) -> None:
    """Bound to the client, and refused without its authentication or a proof; another DPoP key is welcome."""
    tokens = bank.flow(scope="openid offline_access", prompt="consent")
    refreshed = bank.tokens(bank.refresh(tokens["refresh_token"]))
    assert refreshed["claims"]["sub"] == tokens["claims"]["sub"]
    assert bank.resource(refreshed["access_token"]).status_code == 200
    clock.wait(30)
    again = bank.refresh(tokens["refresh_token"])  # whether it was rotated or not
    assert again.status_code == 200, again.text

    latest = again.json()["refresh_token"]
    assert error(bank.refresh(latest, proof=None)) == "invalid_request"
    unauthenticated = bank.refresh(latest, client_assertion="", client_assertion_type="")
    assert unauthenticated.status_code in (400, 401)
    assert unauthenticated.json()["error"] in ("invalid_client", "invalid_request")
    assert error(other_bank.refresh(latest)) == "invalid_grant"
    assert other_bank.resource(refreshed["access_token"], key=tools.new_key("ES256")).status_code == 401

    bank.dpop = tools.new_key("ES256")
    moved = bank.tokens(bank.refresh(latest))
    assert bank.resource(moved["access_token"]).status_code == 200
