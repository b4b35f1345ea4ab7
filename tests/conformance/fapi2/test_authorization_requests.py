"""FAPI 2.0 Security Profile, `fapi2-security-profile-final-test-plan`: what is asked, and what comes back for it."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from credenza.testing import Callback, PageSeen

UNRESERVED = string.ascii_letters + string.digits + "-._~"
PROTOCOL = {"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"}


def letters(length: int) -> str:
    return "".join(secrets.choice(UNRESERVED) for _ in range(length))


def refused(response: Any, *errors: str) -> None:
    """By the pushed authorization request endpoint, which is where an application learns it soonest."""
    assert response.status_code in (400, 401), response.text
    assert response.headers["content-type"].split(";")[0] == "application/json"
    assert response.json()["error"] in errors


def test_discovery_end_point_verification(discovered: dict[str, Any]) -> None:
    """PAR, `iss` in responses, algorithms for proofs and assertions, S256 and the code grant are advertised."""
    assert discovered["pushed_authorization_request_endpoint"].startswith("https://")
    assert isinstance(discovered["require_pushed_authorization_requests"], bool)
    assert discovered["authorization_response_iss_parameter_supported"] is True
    assert {"ES256", "PS256", "EdDSA"} <= set(discovered["dpop_signing_alg_values_supported"])
    assert "private_key_jwt" in discovered["token_endpoint_auth_methods_supported"]
    assert {"ES256", "PS256", "EdDSA"} <= set(discovered["token_endpoint_auth_signing_alg_values_supported"])
    assert "S256" in discovered["code_challenge_methods_supported"]
    assert "authorization_code" in discovered["grant_types_supported"]
    assert "code" in discovered["response_types_supported"]
    assert "openid" in discovered["scopes_supported"]


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_happy_flow(new_bank: Callable[..., Any], alg: str) -> None:
    """Both clients go the whole way, and call a resource with DPoP; its answer has a `Date`."""
    first, second = new_bank(1, alg), new_bank(2, alg)
    first.flow()
    assert "?dummy1=lorem&dummy2=ipsum" in second.party.redirect_uri
    second.flow()


def test_user_rejects_authentication(bank: Any) -> None:
    """The user cancels: `access_denied`, and a state of 128 characters."""
    sent = bank.request(state=letters(128))
    page = bank.open(bank.pushed(sent))
    assert page.name == "sign-in"
    callback = bank.party.arrived(sent, bank.browser.submit([("decision", "deny")]))
    assert callback.error == "access_denied"


def test_ensure_authorization_request_without_state_success(bank: Any) -> None:
    """No `state` in, no `state` and no `s_hash` out."""
    tokens = bank.flow(state=None)
    assert "s_hash" not in tokens["claims"]


def test_ensure_authorization_request_without_nonce_success(bank: Any) -> None:
    """It works, and there is no `nonce` in the ID token."""
    assert "nonce" not in bank.flow(nonce=None)["claims"]


def test_ensure_authorization_request_with_64_char_nonce_success(bank: Any) -> None:
    """A nonce of 64 characters comes back."""
    nonce = letters(64)
    assert bank.flow(nonce=nonce)["claims"]["nonce"] == nonce


def test_ensure_other_scope_order_succeeds(bank: Any) -> None:
    """The scopes in another order."""
    assert bank.flow(scope="email profile openid")


def test_test_claims_parameter_identity_claims(bank: Any, discovered: dict[str, Any]) -> None:
    """Everything in `claims_supported` comes back when it is asked for; what is unknown is ignored."""
    standard = [name for name in discovered["claims_supported"] if name not in PROTOCOL]
    held = [
        name for name in standard if name in {"name", "email", "address", "phone_number", "updated_at", "birthdate"}
    ]
    assert len(held) == 6
    wishes: dict[str, Any] = dict.fromkeys(standard)
    wishes |= {"name": {"essential": True}, "email": {"essential": False}, "unknown-claim": {"value": "x"}}
    _, callback = bank.authorize(claims=json.dumps({"userinfo": wishes, "id_token": {"unknown-too": None}}))
    tokens = bank.party.tokens(bank.redeem(callback), token_type="dpop")
    claims = bank.resource(tokens["access_token"]).json()
    assert set(held) <= claims.keys()
    assert not {"unknown-claim", "unknown-too"} & claims.keys()


# -- what stands beside the request


def test_ensure_different_nonce_inside_and_outside_request_object(bank: Any) -> None:
    """A `nonce` beside `request_uri` is ignored."""
    sent = bank.request(nonce=letters(20))
    seen = bank.browser.answer(bank.open(bank.pushed(sent), nonce="outside"))
    tokens = bank.tokens(bank.redeem(bank.party.arrived(sent, seen)), nonce=sent["nonce"])
    assert tokens["claims"]["nonce"] != "outside"


def test_ensure_different_state_inside_and_outside_request_object(bank: Any) -> None:
    """A `state` beside `request_uri` is ignored."""
    sent = bank.request()
    assert bank.party.arrived(sent, bank.browser.answer(bank.open(bank.pushed(sent), state="outside"))).code


def test_state_only_outside_request_object_not_used(bank: Any) -> None:
    """A `state` that is only beside `request_uri` is ignored."""
    sent = bank.request(state=None)
    assert bank.party.arrived(sent, bank.browser.answer(bank.open(bank.pushed(sent), state="outside"))).code


def test_ensure_authorization_request_with_long_nonce(bank: Any) -> None:
    """A nonce of 384 characters comes back as it is."""
    nonce = letters(384)
    assert bank.flow(nonce=nonce)["claims"]["nonce"] == nonce


def test_ensure_authorization_request_with_long_state(bank: Any) -> None:
    """A state of 1000 characters comes back as it is."""
    assert bank.flow(state=letters(1000))


# -- what is refused


def test_ensure_request_object_without_redirect_uri_fails(bank: Any) -> None:
    """No `redirect_uri` in the pushed request: refused there."""
    refused(bank.push(bank.request(redirect_uri=None)), "invalid_request")


def test_ensure_redirect_uri_in_authorization_request(other_bank: Any) -> None:
    """The same with the other client, whose one redirect URI has a query: refused."""
    refused(other_bank.push(other_bank.request(redirect_uri=None)), "invalid_request")


def test_plain_fapi_tolerate_unregistered_redirect_uri(bank: Any) -> None:
    """A redirect URI that was not registered may be accepted by RFC 9126; it is refused here."""
    refused(bank.push(bank.request(redirect_uri=bank.party.redirect_uri + "/other")), "invalid_request")


@pytest.mark.suite("REVIEW", "A person looks at the page, when the error does not go to the client.")
def test_ensure_unsigned_authorization_request_without_using_par_fails(bank: Any) -> None:
    """A plain authorization request: `invalid_request` at the client, or an error page."""
    sent = bank.request()
    seen = bank.browser.get(f"{bank.party.discovered['authorization_endpoint']}?{urlencode(sent)}")
    if isinstance(seen, Callback):
        assert bank.party.arrived(sent, seen).error == "invalid_request"
    else:
        assert isinstance(seen, PageSeen)
        assert (seen.name, seen.status) == ("error", 400)


def test_ensure_response_type_code_idtoken_fails(bank: Any) -> None:
    """`response_type=code id_token`: refused when it is pushed."""
    refused(bank.push(bank.request(response_type="code id_token")), "unsupported_response_type", "invalid_request")


def test_ensure_response_type_token_fails(bank: Any) -> None:
    """`response_type=token`: refused when it is pushed."""
    refused(bank.push(bank.request(response_type="token")), "unsupported_response_type", "invalid_request")
