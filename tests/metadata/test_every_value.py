"""The metadata document is true: every advertised value works, and every other one is refused. SECURITY R-MD-03.

`ADVERTISED` is what the document lists, written down once more, so that a value cannot appear without a test of its
own; `test_nothing_else_is_listed` holds the two together. OpenID Connect Discovery §3, RFC 8414 §2.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from credenza import StateError
from credenza.testing import ORDERS, Callback, Credenza, PageSeen, RelyingParty, UserAgent

from .conftest import REDIRECT_URI, Pair, Probe

New = Callable[..., Probe]
SIGNED = ["RS256", "ES256", "PS256"]  # by us
CLIENTS = ["RS256", "ES256", "PS256", "EdDSA", "Ed25519"]  # by clients
UNSIGNED = ["HS256", "RS384", "RS512", "ES384", "ES512", "PS384", "PS512", "none"]
METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
GRANTS = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
]
ADVERTISED: dict[str, list[str]] = {
    "response_types_supported": ["code"],
    "response_modes_supported": ["query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"],
    "grant_types_supported": GRANTS,
    "subject_types_supported": ["public", "pairwise"],
    "id_token_signing_alg_values_supported": SIGNED,
    "userinfo_signing_alg_values_supported": SIGNED,
    "introspection_signing_alg_values_supported": SIGNED,
    "authorization_signing_alg_values_supported": SIGNED,
    "token_endpoint_auth_methods_supported": METHODS,
    "token_endpoint_auth_signing_alg_values_supported": CLIENTS,
    "revocation_endpoint_auth_methods_supported": METHODS,
    "revocation_endpoint_auth_signing_alg_values_supported": CLIENTS,
    "introspection_endpoint_auth_methods_supported": METHODS[:3],
    "introspection_endpoint_auth_signing_alg_values_supported": CLIENTS,
    "code_challenge_methods_supported": ["S256"],
    "dpop_signing_alg_values_supported": CLIENTS,
    "request_object_signing_alg_values_supported": CLIENTS,
    "claim_types_supported": ["normal"],
    "display_values_supported": ["page"],
}
# Lists that follow from plugins and languages; each value is walked through by a test below.
WALKED = {
    "scopes_supported",
    "claims_supported",
    "acr_values_supported",
    "prompt_values_supported",
    "ui_locales_supported",
}
FLAGS = {
    "authorization_response_iss_parameter_supported": True,
    "backchannel_logout_supported": True,
    "backchannel_logout_session_supported": True,
    "frontchannel_logout_supported": True,
    "frontchannel_logout_session_supported": True,
    "claims_parameter_supported": True,
    "request_parameter_supported": True,
    "request_uri_parameter_supported": False,
    "require_pushed_authorization_requests": False,
    "client_id_metadata_document_supported": False,
}


def test_nothing_else_is_listed(document: dict[str, Any]) -> None:
    lists = {name: value for name, value in document.items() if isinstance(value, list)}
    assert set(lists) == set(ADVERTISED) | WALKED
    for name, values in ADVERTISED.items():
        assert set(lists[name]) == set(values), name
    flags = {name: value for name, value in document.items() if isinstance(value, bool)}
    assert flags == {name: FLAGS[name] for name in flags}
    assert all(name in flags for name, value in FLAGS.items() if value)
    assert not [name for name, values in lists.items() if "none" in values and "_alg_" in name]


def test_both_documents_are_the_same(credenza: Credenza, document: dict[str, Any]) -> None:
    """SECURITY R-MD-02."""
    assert credenza.request("GET", "/.well-known/oauth-authorization-server").json() == document


def test_every_endpoint_is_there(credenza: Credenza, document: dict[str, Any]) -> None:
    """ "device_authorization_endpoint" is of RFC 8628 §4, "pushed_authorization_request_endpoint" of RFC 9126 §5."""
    endpoints = [name for name in document if name.endswith(("_endpoint", "_uri"))]
    assert len(endpoints) >= 9
    assert {"device_authorization_endpoint", "pushed_authorization_request_endpoint"} <= {*endpoints}
    for name in endpoints:
        path = urlsplit(document[name]).path
        answers = {credenza.request(method, path).status_code for method in ("GET", "POST")}
        assert answers - {404, 405}, name


# -- the authorization endpoint ---------------------------------------------------------------------------------------


def test_every_scope(credenza: Credenza, user_agent: UserAgent, probe: New, document: dict[str, Any]) -> None:
    """A first-party application asks for each; what nobody knows is dropped (SECURITY D7)."""
    credenza.apply({"organizations": [{"name": "Acme", "members": [{"username": "ada"}]}]})
    own = probe()
    for scope in document["scopes_supported"]:
        wanted = " ".join(dict.fromkeys(["openid", scope]))
        given = own.party.tokens(own.authorize(user_agent, scope=wanted))["scope"].split()
        assert scope in given, scope
    assert own.party.tokens(own.authorize(user_agent, scope="openid unheard_of"))["scope"] == "openid"


def test_every_claim(user_agent: UserAgent, probe: New, document: dict[str, Any]) -> None:
    """Each can be asked for by name; one that the user has is given, and an unknown one is left out."""
    own = probe()
    asked = {name: None for name in document["claims_supported"] if name != "sub"} | {"unheard_of": None}
    callback = own.authorize(user_agent, scope="openid", claims=json.dumps({"userinfo": asked}))
    answer = own.party.userinfo(own.party.tokens(callback)["access_token"]).json()
    assert {"sub", "name", "given_name", "email", "email_verified", "preferred_username"} <= answer.keys()
    assert "unheard_of" not in answer
    assert answer.keys() <= set(document["claims_supported"])


@pytest.mark.parametrize(
    "value", ["token", "id_token", "code id_token", "code token", "id_token token", "none", "Code"]
)
def test_other_response_types_are_refused(user_agent: UserAgent, probe: New, value: str) -> None:
    assert probe().refused(user_agent, response_type=value) == "unsupported_response_type"


def test_every_response_mode(user_agent: UserAgent, probe: New) -> None:
    own = probe()
    assert own.authorize(user_agent, response_mode="query").code
    page = user_agent.get(own.party.authorization_url(response_mode="form_post"))
    assert isinstance(page, PageSeen)
    assert page.forms[0].action == REDIRECT_URI
    assert page.forms[0].values_of("code")
    callback = own.authorize(user_agent, response_mode="fragment")
    address, _, fragment = callback.url.partition("#")
    assert (address, callback.code in fragment) == (REDIRECT_URI, True)
    assert "#response=" in own.authorize(user_agent, response_mode="fragment.jwt").url
    for mode in ("jwt", "query.jwt", "fragment.jwt"):
        assert set(own.authorize(user_agent, response_mode=mode).parameters) == {"response"}
    page = user_agent.get(own.party.authorization_url(response_mode="form_post.jwt"))
    assert isinstance(page, PageSeen)
    assert page.forms[0].values_of("response")


@pytest.mark.parametrize("value", ["Fragment", "fragment.json", "web_message", "JWT"])
def test_other_response_modes_are_refused(user_agent: UserAgent, probe: New, value: str) -> None:
    assert probe().refused(user_agent, response_mode=value) == "invalid_request"


@pytest.mark.parametrize("value", ["plain", "S512", "s256", None])
def test_other_challenge_methods_are_refused(user_agent: UserAgent, probe: New, value: str | None) -> None:
    assert probe().refused(user_agent, code_challenge_method=value) == "invalid_request"


def test_every_prompt(user_agent: UserAgent, probe: New, document: dict[str, Any]) -> None:
    own = probe(third_party=True)
    own.authorize(user_agent, scope="openid")
    asks = {"none": "", "login": "sign-in", "select_account": "sign-in", "consent": "consent"}
    for value in document["prompt_values_supported"]:
        seen = user_agent.get(own.party.authorization_url(scope="openid", prompt=value))
        if asks.get(value) == "":
            assert isinstance(seen, Callback)
            assert "code" in seen.parameters
        else:
            assert isinstance(seen, PageSeen), value
            assert seen.name == asks.get(value, seen.name)
            assert seen.status == 200


def test_other_prompts_are_refused(user_agent: UserAgent, probe: New, document: dict[str, Any]) -> None:
    """ "the OP SHOULD respond with … invalid_request". Initiating User Registration §4.1."""
    own = probe()
    for value in {"create", "forget", "LOGIN"} - set(document["prompt_values_supported"]):
        assert own.refused(user_agent, prompt=value) == "invalid_request", value


def test_every_authentication_context(user_agent: UserAgent, probe: New, document: dict[str, Any]) -> None:
    """Asking for all of them, as the suite does, gives one of them. OpenID Connect Core §3.1.2.1."""
    own = probe()
    values = document["acr_values_supported"]
    assert values
    callback = own.authorize(user_agent, scope="openid", acr_values=" ".join(values))
    claims = jwt.decode(own.party.tokens(callback)["id_token"], options={"verify_signature": False})
    assert claims["acr"] in values
    assert claims["amr"]


def test_every_language(user_agent: UserAgent, probe: New, document: dict[str, Any]) -> None:
    own = probe()
    for value in document["ui_locales_supported"]:
        page = user_agent.get(own.party.authorization_url(prompt="login", ui_locales=value))
        assert isinstance(page, PageSeen)
        assert f'<html lang="{value.lower()}"' in page.html.lower(), value
    page = user_agent.get(own.party.authorization_url(prompt="login", ui_locales="se"))
    assert isinstance(page, PageSeen)
    assert page.status == 200


def test_request_uri_by_reference_is_refused(user_agent: UserAgent, probe: New) -> None:
    assert probe().refused(user_agent, request_uri="https://probe.example.com/request") == "request_uri_not_supported"


@pytest.mark.parametrize("alg", [*CLIENTS, *UNSIGNED])
def test_request_objects(credenza: Credenza, user_agent: UserAgent, probe: New, alg: str) -> None:
    pair = Pair(alg)
    keys = {"jwks": {"keys": [pair.jwk]}} if alg in CLIENTS else {}
    own = probe(token_endpoint_auth_method="private_key_jwt", **keys) if keys else probe()
    claims = {"iss": own.id, "aud": credenza.issuer, "client_id": own.id, "scope": "openid", "state": "inside"}
    claims |= {"response_type": "code", "redirect_uri": REDIRECT_URI}
    seen = user_agent.authorize(own.party, request=pair.sign(claims))
    assert isinstance(seen, Callback)
    if alg in CLIENTS:
        assert seen.parameters["state"] == "inside"
        assert "code" in seen.parameters
    else:
        assert seen.error in {"invalid_request_object", "request_not_supported"}


# -- the token endpoint and its siblings ------------------------------------------------------------------------------


@pytest.mark.parametrize("value", GRANTS)
def test_every_grant_type_is_known(probe: New, value: str) -> None:
    """Without what it needs each says what is missing, or that this client may not use it."""
    response = probe().party.post("/token", {"grant_type": value})
    assert response.json()["error"] in {"invalid_request", "unauthorized_client"}


@pytest.mark.parametrize(
    "value",
    [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:openid:params:grant-type:ciba",
        "Authorization_code",
    ],
)
def test_other_grant_types_are_refused(probe: New, value: str) -> None:
    own = probe()
    assert own.party.post("/token", {"grant_type": value}).json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect"])
@pytest.mark.parametrize("method", METHODS)
def test_every_authentication_method(probe: New, user_agent: UserAgent, path: str, method: str) -> None:
    pair = Pair("ES256")
    kind = {"type": "spa"} if method == "none" else {"token_endpoint_auth_method": method}
    own = probe(**kind, **({"jwks": {"keys": [pair.jwk]}} if method == "private_key_jwt" else {}))
    callback = own.authorize(user_agent, scope="openid")
    form = {
        "grant_type": "authorization_code",
        "code": callback.code,
        "code_verifier": own.party.verifier,
        "redirect_uri": REDIRECT_URI,
        "token": "unknown",
    }
    with_a_key = method == "private_key_jwt"
    response = own.post(path, form | own.assertion(pair)) if with_a_key else own.party.post(path, form)
    public_introspects = (path, method) == ("/introspect", "none")
    assert response.status_code == (401 if public_introspects else 200), response.text


@pytest.mark.parametrize("method", ["client_secret_jwt", "tls_client_auth", "self_signed_tls_client_auth"])
def test_other_authentication_methods_cannot_be_registered(probe: New, method: str) -> None:
    with pytest.raises(StateError, match="token_endpoint_auth_method"):
        probe(token_endpoint_auth_method=method)


@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect", "/par"])
@pytest.mark.parametrize("alg", [*CLIENTS, *UNSIGNED])
def test_algorithms_of_assertions(probe: New, path: str, alg: str) -> None:
    pair, registered = Pair(alg), Pair("ES256")
    keys = [pair.jwk if alg in CLIENTS else registered.jwk]
    own = probe(token_endpoint_auth_method="private_key_jwt", jwks={"keys": keys})
    response = own.post(path, {"token": "unknown", "grant_type": "refresh_token"} | own.assertion(pair))
    if alg in CLIENTS:
        assert response.json().get("error", "") != "invalid_client" if response.content else True
    else:
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(("signed", "registered"), [("EdDSA", "Ed25519"), ("Ed25519", "EdDSA")])
def test_a_client_may_use_either_name_of_an_algorithm(probe: New, signed: str, registered: str) -> None:
    """RFC 9864 §2.2."""
    pair = Pair(signed)
    own = probe(
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [{**pair.jwk, "alg": registered}]},
        metadata={"token_endpoint_auth_signing_alg": registered},
    )
    assert own.post("/revoke", {"token": "unknown"} | own.assertion(pair)).status_code == 200


@pytest.mark.parametrize("alg", [*CLIENTS, *UNSIGNED])
def test_algorithms_of_dpop_proofs(probe: New, user_agent: UserAgent, alg: str) -> None:
    """ "dpop_signing_alg_values_supported", RFC 9449 §5.1."""
    pair, own = Pair(alg), probe()
    callback = own.authorize(user_agent, scope="openid")
    form = {"grant_type": "authorization_code", "code": callback.code, "code_verifier": own.party.verifier}
    response = own.party.post("/token", form, headers={"dpop": own.proof(pair, "/token")})
    if alg in CLIENTS:
        assert response.json()["token_type"] == "DPoP"
    else:
        assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")


# -- what we sign -----------------------------------------------------------------------------------------------------


def header_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["alg"])


@pytest.mark.parametrize("alg", SIGNED)
def test_every_algorithm_that_we_sign_with(probe: New, user_agent: UserAgent, alg: str) -> None:
    own = probe(
        id_token_signed_response_alg=alg,
        userinfo_signed_response_alg=alg,
        introspection_signed_response_alg=alg,
        authorization_signed_response_alg=alg,
    )
    assert header_of(own.authorize(user_agent, response_mode="jwt").parameters["response"]) == alg
    tokens = own.party.tokens(own.authorize(user_agent, scope="openid"))
    assert header_of(tokens["id_token"]) == alg
    assert header_of(own.party.userinfo(tokens["access_token"]).text) == alg
    accept = {"accept": "application/token-introspection+jwt"}
    assert header_of(own.party.post("/introspect", {"token": "x"}, headers=accept).text) == alg


@pytest.mark.parametrize(
    "member",
    [
        "id_token_signed_response_alg",
        "userinfo_signed_response_alg",
        "introspection_signed_response_alg",
        "authorization_signed_response_alg",
    ],
)
@pytest.mark.parametrize("alg", ["EdDSA", *UNSIGNED])
def test_other_algorithms_cannot_be_registered(probe: New, member: str, alg: str) -> None:
    with pytest.raises(StateError, match=member):
        probe(**{member: alg})


def test_every_subject_type(probe: New) -> None:
    for value in ("public", "pairwise"):
        probe(subject_type=value)
    with pytest.raises(StateError, match="subject_type"):
        probe(subject_type="ephemeral")


def test_pushed_requests_are_not_required_of_everybody(user_agent: UserAgent, probe: New) -> None:
    assert probe().authorize(user_agent, scope="openid").parameters["iss"] == "https://id.example.com"


def test_client_credentials_and_the_resource_they_are_for(credenza: Credenza) -> None:
    form = {"grant_type": "client_credentials", "resource": ORDERS, "scope": "orders:read"}
    assert RelyingParty(credenza, "machine", "").post("/token", form).json()["scope"] == "orders:read"


def test_an_address_as_client_id_is_unknown_while_that_is_switched_off(user_agent: UserAgent, probe: New) -> None:
    own = probe()
    own.party.client_id = "https://probe.example.com/client.json"
    assert own.refused(user_agent) == "invalid_client"
