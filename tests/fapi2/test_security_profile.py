"""The FAPI 2.0 Security Profile, final, as a profile of one client. SECURITY §1.8, R-FA-02, R-FA-03."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest

from credenza import StateError, clients, digest_secret
from credenza.testing import SECRET, Callback, Credenza, PageSeen, RelyingParty, UserAgent

from .conftest import REDIRECT_URI, Bank, SigningPair

REFUSED = {"invalid_client", "invalid_request"}


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_the_whole_flow(credenza: Credenza, user_agent: UserAgent, new_bank: Callable[..., Bank], alg: str) -> None:
    """R-FA-02: pushed request, assertion, PKCE, bound token, `iss`; ID tokens are not signed with RS256."""
    bank = new_bank(alg)
    callback = bank.authorize(user_agent, scope="openid email offline_access")
    assert callback.parameters["iss"] == credenza.issuer
    response = bank.redeem(callback)
    assert response.status_code == 200, response.text
    tokens = response.json()
    assert tokens["token_type"] == "DPoP"
    assert jwt.get_unverified_header(tokens["id_token"])["alg"] == "ES256"
    assert bank.userinfo(tokens["access_token"]).json()["email"] == "ada@example.com"
    refreshed = bank.post("/token", {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    assert refreshed.json()["token_type"] == "DPoP"
    # "shall not use refresh token rotation". FAPI 2.0 Security Profile §5.3.2.1
    assert refreshed.json()["refresh_token"] == tokens["refresh_token"]


# -- what its settings must be ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"token_endpoint_auth_method": "client_secret_basic"}, "private_key_jwt only"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "private_key_jwt only"),
        ({"type": "spa", "token_endpoint_auth_method": "none"}, "private_key_jwt only"),
        ({"type": "native", "token_endpoint_auth_method": "none"}, "private_key_jwt only"),
        ({"jwks": {}}, "needs the application's public keys"),
        ({"id_token_signed_response_alg": "RS256"}, "ES256, PS256, EdDSA only"),
        ({"userinfo_signed_response_alg": "RS256"}, "ES256, PS256, EdDSA only"),
        ({"metadata": {"token_endpoint_auth_signing_alg": "RS256"}}, "ES256, PS256, EdDSA only"),
        ({"metadata": {"request_object_signing_alg": "RS256"}}, "ES256, PS256, EdDSA only"),
        ({"redirect_uris": ["http://localhost/cb"]}, "is not https"),
        ({"redirect_uris": ["http://127.0.0.1/cb"]}, "is not https"),
        ({"profile": "fapi1"}, "profile: fapi2, or nothing"),
    ],
)
def test_what_does_not_fit_is_not_accepted(credenza: Credenza, changes: dict[str, Any], said: str) -> None:
    bank = Bank(credenza, "bank")
    with pytest.raises(StateError, match=said):
        credenza.apply({"applications": [bank.declared(**changes)]})
    assert credenza.run(credenza.server.find_client, "bank") is None


def test_keys_of_rs256_alone_are_not_accepted(credenza: Credenza) -> None:
    bank = Bank(credenza, "bank", SigningPair("PS256"))
    key = {**bank.keys.jwk, "alg": "RS256"}
    with pytest.raises(StateError, match="needs a key for"):
        credenza.apply({"applications": [bank.declared(jwks={"keys": [key]})]})


def test_what_the_profile_leaves_no_choice_about_need_not_be_said(credenza: Credenza, bank: Bank) -> None:
    client = credenza.run(credenza.server.find_client, "bank")
    assert client is not None
    assert (client.auth_method, client.id_token_alg, client.fapi) == ("private_key_jwt", "ES256", True)
    assert client.metadata == {"security_profile": "fapi2"}
    assert not credenza.apply({"applications": [bank.declared()]}).changes


def test_it_is_exported_and_can_be_taken_back(credenza: Credenza, bank: Bank) -> None:
    credenza.apply({"applications": [{"client_id": "bank", "name": "Harbour Bank", "description": "Money"}]})
    client = credenza.run(credenza.server.find_client, "bank")
    assert client is not None
    assert client.fapi, "a key that is left out stays as it is"
    credenza.apply({"applications": [{"client_id": "bank", "name": "Harbour Bank", "profile": ""}]})
    client = credenza.run(credenza.server.find_client, "bank")
    assert client is not None
    assert not client.fapi


# -- nothing of the normal mode leaks in (R-FA-03) --------------------------------------------------------------------


def test_a_plain_authorization_request_is_refused(user_agent: UserAgent, bank: Bank) -> None:
    seen = user_agent.get(bank.party.authorization_url())
    assert isinstance(seen, Callback)
    assert seen.error == "invalid_request"


def test_the_interaction_of_a_plain_request_is_refused_once_the_profile_is_on(
    credenza: Credenza, user_agent: UserAgent
) -> None:
    bank = Bank(credenza, "bank")
    normal = {"profile": "", "token_endpoint_auth_method": "private_key_jwt"}
    credenza.apply({"applications": [bank.declared(**normal)]})
    seen = user_agent.get(bank.party.authorization_url())
    assert isinstance(seen, PageSeen)
    credenza.apply({"applications": [bank.declared()]})
    seen = user_agent.sign_in()
    if isinstance(seen, PageSeen) and seen.name == "consent":
        seen = user_agent.decide()
    assert seen.error == "invalid_request"
    assert "code" not in getattr(seen, "parameters", {})


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"redirect_uri": None},
        {"response_type": "code id_token"},
        {"response_type": "token"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
    ],
)
def test_a_request_that_does_not_fit_cannot_be_pushed(bank: Bank, changes: dict[str, str | None]) -> None:
    response = bank.push(**changes)
    assert response.status_code == 400
    assert response.json()["error"] in {"invalid_request", "unsupported_response_type"}


@pytest.mark.parametrize("path", ["/par", "/token", "/introspect", "/revoke"])
def test_a_secret_is_worth_nothing(credenza: Credenza, bank: Bank, path: str) -> None:
    """Not even one that is left from before."""

    async def add_secret() -> None:
        digest, now = digest_secret(SECRET), credenza.server.now()
        await clients.insert_secret("bank", name="Old", digest=digest, hint="6789", now=now)

    credenza.run(add_secret)
    for method in ("client_secret_basic", "client_secret_post", "none"):
        party = RelyingParty(credenza, "bank", REDIRECT_URI, secret=SECRET, auth_method=method)
        response = party.post(path, {"grant_type": "client_credentials", "token": "x"})
        assert response.status_code == 401, response.text
        assert response.json()["error"] == "invalid_client"


def test_settings_that_came_about_otherwise_do_not_open_it(credenza: Credenza, bank: Bank) -> None:
    """Whatever writes the stored client past the checks: the method of authentication is looked at again."""

    async def weaken() -> None:
        client = await clients.find_client("bank", credenza.server.client_types)
        assert client is not None
        await clients.update_client(replace(client, auth_method="none"), credenza.server.now())

    credenza.run(weaken)
    response = credenza.request("POST", "/token", data={"client_id": "bank", "grant_type": "client_credentials"})
    assert response.json()["error"] == "invalid_client"


@pytest.mark.parametrize("aud", ["token", "par", "array", "other"])
def test_only_the_issuer_as_one_string_is_a_good_audience(credenza: Credenza, bank: Bank, aud: str) -> None:
    """SECURITY D3."""
    issuer = credenza.issuer
    audiences: dict[str, Any] = {
        "token": f"{issuer}/token",
        "par": f"{issuer}/par",
        "array": [issuer],
        "other": "https://other.example",
    }
    assertion = bank.assertion(aud=audiences[aud])
    response = bank.push(**assertion)
    assert response.status_code in (400, 401)
    assert response.json()["error"] in REFUSED


def test_rs256_is_refused_for_assertions_with_the_very_same_key(new_bank: Callable[..., Bank]) -> None:
    """§5.4.1: PS256, ES256 or EdDSA. The registered key has no `alg`, so elsewhere it would do for both."""
    bank = new_bank("PS256")
    assert bank.push().status_code == 201
    response = bank.push(**bank.assertion(alg="RS256"))
    assert response.json()["error"] == "invalid_client"


def test_rs256_is_refused_for_request_objects(credenza: Credenza, new_bank: Callable[..., Bank]) -> None:
    bank = new_bank("PS256")
    claims = {
        "iss": "bank",
        "aud": credenza.issuer,
        "client_id": "bank",
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    for alg, status in (("PS256", 201), ("RS256", 400)):
        signed = jwt.encode(claims, bank.keys.private, algorithm=alg)
        response = bank.post("/par", {"request": signed}, proof="")
        assert response.status_code == status, response.text


@pytest.mark.parametrize("where", ["par", "token", "userinfo"])
def test_rs256_is_refused_for_dpop_proofs(user_agent: UserAgent, bank: Bank, where: str) -> None:
    pair = SigningPair("RS256")
    if where == "par":
        response = bank.push(proof=bank.proof("/par", pair=pair))
    elif where == "token":
        response = bank.redeem(bank.authorize(user_agent), proof=bank.proof("/token", pair=pair))
    else:
        response = bank.userinfo(bank.tokens(user_agent)["access_token"], pair=pair)
    assert response.status_code in (400, 401)
    assert response.json()["error"] == "invalid_dpop_proof"
    assert "alg must be one of ES256, PS256, EdDSA" in response.json()["error_description"]


@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token"])
def test_no_bearer_token_is_issued(user_agent: UserAgent, bank: Bank, grant_type: str) -> None:
    callback = bank.authorize(user_agent, scope="openid offline_access")
    if grant_type == "authorization_code":
        response = bank.redeem(callback, proof="")
    else:
        refresh_token = bank.redeem(callback).json()["refresh_token"]
        response = bank.post("/token", {"grant_type": grant_type, "refresh_token": refresh_token}, proof="")
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


def test_a_bound_token_is_nothing_as_bearer(credenza: Credenza, user_agent: UserAgent, bank: Bank) -> None:
    token = bank.tokens(user_agent)["access_token"]
    assert bank.userinfo(token, scheme="Bearer").status_code == 401
    assert credenza.request("GET", "/userinfo", headers={"authorization": f"Bearer {token}"}).status_code == 401
    assert bank.userinfo(token, pair=SigningPair()).status_code == 401
    assert bank.userinfo(token).status_code == 200


def test_tokens_and_codes_of_before_end_with_the_switch(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """A bearer token, and a code without a challenge, of the time before the profile was on."""
    tokens = client.tokens(user_agent.authorize(client))
    unchallenged = user_agent.authorize(client, code_challenge=None, code_challenge_method=None)
    assert isinstance(unchallenged, Callback)
    bank = Bank(credenza, "app", redirect_uri="https://app.example.com/cb")
    turned_on = {"client_id": "app", "name": "Harbour Wiki", "profile": "fapi2", "jwks": {"keys": [bank.keys.jwk]}}
    credenza.apply({"applications": [turned_on]})
    assert client.userinfo(tokens["access_token"]).status_code == 401
    response = bank.redeem(unchallenged, code_verifier=None)
    assert response.json()["error"] == "invalid_grant"


def test_a_code_lives_for_a_minute_whatever_the_setting(bank: Bank, credenza: Credenza, user_agent: UserAgent) -> None:
    callback = bank.authorize(user_agent)
    credenza.clock.move(61)
    assert bank.redeem(callback).json()["error"] == "invalid_grant"


@pytest.fixture
def credenza_settings() -> dict[str, Any]:
    return {"code_lifetime": 600}


def test_other_applications_are_not_touched(user_agent: UserAgent, client: RelyingParty, bank: Bank) -> None:
    assert bank.client_id == "bank"
    assert client.tokens(user_agent.authorize(client))["token_type"] == "Bearer"


# -- the console ------------------------------------------------------------------------------------------------------


def test_an_administrator_switches_it_on_in_the_console(credenza: Credenza, admin: UserAgent) -> None:
    bank = Bank(credenza, "bank")
    normal = {"profile": "", "token_endpoint_auth_method": "private_key_jwt"}
    credenza.apply({"applications": [bank.declared(**normal)]})

    def save(values: dict[str, str]) -> PageSeen:
        page = admin.get("/console/applications/bank")
        assert isinstance(page, PageSeen)
        hidden = next(form for form in page.forms if "profile" in str(form.fields)).hidden()
        answer = admin.post("/console/applications/bank", [*hidden, *values.items()])
        assert isinstance(answer, PageSeen)
        return answer

    values = {
        "name": "Harbour Bank",
        "redirect_uris": REDIRECT_URI,
        "auth_method": "private_key_jwt",
        "id_token_alg": "RS256",
        "access_token_lifetime": "600",
        "jwks": json.dumps({"keys": [bank.keys.jwk]}),
        "profile": "fapi2",
    }
    refused = save(values)
    assert refused.status == 422
    assert "ES256, PS256, EdDSA only, with the profile fapi2" in refused.text
    assert save(values | {"id_token_alg": "PS256"}).status == 200
    client = credenza.run(credenza.server.find_client, "bank")
    assert client is not None
    assert (client.fapi, client.id_token_alg) == (True, "PS256")
    # A form that does not say takes nothing away; one that says "none" does.
    del values["profile"]
    for more, fapi in (({}, True), ({"profile": "none"}, False)):
        assert save(values | {"id_token_alg": "PS256"} | more).status == 200
        client = credenza.run(credenza.server.find_client, "bank")
        assert client is not None
        assert client.fapi is fapi
