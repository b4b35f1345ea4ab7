"""A request object that is pushed. RFC 9126 §3."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent

KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(autouse=True)
def registered_key(credenza: Credenza) -> None:
    jwk = jwt.get_algorithm_by_name("ES256").to_jwk(KEY.public_key(), as_dict=True)
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "jwks": {"keys": [jwk]}}]})


def push(
    client: RelyingParty, key: Any = KEY, *, beside: dict[str, str] | None = None, **changes: str
) -> httpx.Response:
    """A request object that is right but for the changes, and what stands beside it in the form."""
    claims = {
        "iss": "app",
        "aud": client.credenza.issuer,
        "client_id": "app",
        "response_type": "code",
        "redirect_uri": client.redirect_uri,
        "scope": "openid email",
        "state": "inside",
    }
    sealed = jwt.encode(claims | changes, key, algorithm="ES256")
    return client.post("/par", {"request": sealed, **(beside or {})})


def test_what_is_inside_is_what_is_authorized(user_agent: UserAgent, client: RelyingParty) -> None:
    """Whatever pertains to the authorization request "MUST appear as claims of the JWT representing the authorization
    request"; beside it stands what authenticates the client, and nothing else counts. RFC 9126 §3.
    """
    pushed = push(client, beside={"scope": "openid profile", "state": "beside", "prompt": "none"})
    assert pushed.status_code == 201, pushed.text
    request = {"client_id": "app", "request_uri": pushed.json()["request_uri"]}
    user_agent.get("/authorize?" + urlencode(request))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    callback = user_agent.decide()
    assert isinstance(callback, Callback)
    assert callback.parameters["state"] == "inside"
    assert set(client.tokens(callback, code_verifier=None)["scope"].split()) == {"openid", "email"}


def test_its_signature_is_validated(client: RelyingParty) -> None:
    """As at the authorization endpoint. RFC 9126 §3, RFC 9101 §6.2."""
    answer = push(client, ec.generate_private_key(ec.SECP256R1()))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object")


@pytest.mark.parametrize("member", ["client_id", "iss"])
def test_it_is_of_the_client_that_pushes_it(client: RelyingParty, member: str) -> None:
    """The client_id in it is that of the client which authenticated. RFC 9126 §3."""
    answer = push(client, **{member: "own"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object")


def test_what_is_inside_is_checked_like_any_other(client: RelyingParty) -> None:
    answer = push(client, redirect_uri="https://evil.example/cb")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
