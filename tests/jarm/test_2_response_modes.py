"""JARM, the JWT secured authorization response mode."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent

MODES = ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"]


def answer_of(seen: PageSeen | Callback) -> str:
    """The response JWT, which has to be alone."""
    if isinstance(seen, Callback):
        assert set(seen.parameters) == {"response"}
        return seen.parameters["response"]
    (form,) = seen.forms
    assert [name for name, _ in form.hidden()] == ["response"]
    return dict(form.hidden())["response"]


def read(credenza: Credenza, token: str, audience: str = "app") -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWKSet.from_dict(credenza.request("GET", "/jwks").json())[header["kid"]]
    return dict(jwt.decode(token, key, algorithms=[header["alg"]], audience=audience, issuer=credenza.issuer))


@pytest.mark.parametrize("mode", MODES)
def test_2_1_the_response_is_a_jwt_for_the_client(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, mode: str
) -> None:
    """ "iss … aud … exp … MUST", and the parameters of the plain response. JARM §2.1, §2.3."""
    user_agent.authorize(client)
    claims = read(credenza, answer_of(user_agent.get(client.authorization_url(response_mode=mode))))
    assert claims["state"] == "state-of-the-test"
    assert 0 < claims["exp"] - claims["iat"] <= 600
    assert client.redeem(Callback("", {"code": claims["code"]})).status_code == 200


@pytest.mark.parametrize("mode", MODES)
def test_2_1_so_is_an_error(credenza: Credenza, user_agent: UserAgent, client: RelyingParty, mode: str) -> None:
    for changes, error in (
        ({"prompt": "none"}, "login_required"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ):
        seen = user_agent.get(client.authorization_url(response_mode=mode, **changes))
        claims = read(credenza, answer_of(seen))
        assert (claims["error"], claims["state"]) == (error, "state-of-the-test")
        assert "code" not in claims


def test_3_the_algorithm_is_the_one_that_was_registered(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """authorization_signed_response_alg; RS256 when left out. JARM §3."""
    user_agent.authorize(client)
    for alg in ("RS256", "PS256"):
        credenza.apply(
            {"applications": [{"client_id": "app", "name": "Harbour Wiki", "authorization_signed_response_alg": alg}]}
        )
        seen = user_agent.get(client.authorization_url(response_mode="jwt"))
        assert jwt.get_unverified_header(answer_of(seen))["alg"] == alg


def test_the_response_is_no_token_of_another_kind(user_agent: UserAgent, client: RelyingParty) -> None:
    """SECURITY R-AT-04."""
    user_agent.authorize(client)
    response = answer_of(user_agent.get(client.authorization_url(response_mode="jwt")))
    assert client.userinfo(response).status_code == 401
    refused = user_agent.get(client.authorization_url(id_token_hint=response))
    assert isinstance(refused, Callback)
    assert refused.error == "invalid_request"
