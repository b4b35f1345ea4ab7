"""Tokens, keys, UserInfo, revocation, introspection, metadata. SECURITY.md R-AT, R-ID, R-KY, R-UI, R-RV, R-IN, R-MD."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import jwt
import pytest

from credenza.encryption import Undecryptable
from credenza.protocol import jose
from credenza.rotation import rotate
from credenza.store import audit
from credenza.store.keys import SigningKeyRow
from credenza.testing import ISSUER, ORDERS, SECRET, RelyingParty, running, test_settings

API = {"scope": "openid profile orders:read", "resource": ORDERS}


def verified(credenza: Any, token: str, **options: Any) -> dict[str, Any]:
    """By another library, with the published keys."""
    keys = jwt.PyJWKSet.from_dict(credenza.request("GET", "/jwks").json())
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(k for k in keys.keys if k.key_id == kid)
    # The server's clock was moved; what is asked of the times is asked below.
    checks = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": "audience" in options}
    return dict(jwt.decode(token, key.key, algorithms=["RS256", "ES256"], options=checks, **options))


@pytest.fixture
def staff(credenza: Any, user_agent: Any) -> Any:
    """Somebody in the role `support`."""
    credenza.apply({"users": [{"username": user_agent.name, "roles": ["support"]}]})
    return user_agent


def test_r_at_01_an_access_token_for_an_api(credenza: Any, staff: Any, client: RelyingParty) -> None:
    """R-AT-01, R-AT-02, R-RS-01: one audience, exactly the granted resource."""
    tokens = client.tokens(staff.authorize(client, **API))
    header = jwt.get_unverified_header(tokens["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "RS256")
    claims = verified(credenza, tokens["access_token"], audience=ORDERS, issuer=ISSUER)
    assert claims["aud"] == ORDERS
    assert claims["client_id"] == "app"
    assert claims["sub"] == credenza.user(staff.name).id
    assert claims["exp"] - claims["iat"] == tokens["expires_in"] <= 600
    assert {"jti", "scope", "auth_time", "acr"} <= claims.keys()
    assert "orders:read" in claims["scope"].split()
    assert "orders:write" not in claims["scope"].split()


def test_r_id_01_an_id_token(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-ID-01. OpenID Connect Core §2, §3.1.3.6."""
    tokens = client.tokens(user_agent.authorize(client))
    claims = verified(credenza, tokens["id_token"], audience="app", issuer=ISSUER)
    assert claims["aud"] == "app"
    assert claims["nonce"] == "nonce-of-the-test"
    assert claims["sub"] == credenza.user(user_agent.name).id
    assert claims["sub"].isascii()
    assert len(claims["sub"]) <= 255
    assert "@" not in claims["sub"]
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    now = credenza.server.now()
    assert now - 5 <= claims["iat"] <= now < claims["exp"] <= now + 3600
    assert not {"email", "name", "password_hash"} & claims.keys()


def test_r_at_03_a_token_dies_on_time(credenza: Any, staff: Any, client: RelyingParty) -> None:
    """R-AT-03, R-UI-04: opaque ones and JWTs."""
    for changes in ({}, API):
        tokens = client.tokens(staff.authorize(client, **changes))
        assert client.userinfo(tokens["access_token"]).status_code == 200
        credenza.clock.move(601)
        assert client.userinfo(tokens["access_token"]).status_code == 401
        assert client.introspect(tokens["access_token"]) == {"active": False}


# -- the token endpoint -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password", "username": "ada", "password": "x"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "token"}, "unsupported_grant_type"),
        ({"grant_type": "AUTHORIZATION_CODE"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code "}, "unsupported_grant_type"),
        ({"grant_type": "__class__"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unauthorized_client"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
    ],
)
def test_r_tk_12_r_tk_13_grants_that_are_not_there(
    credenza: Any, client: RelyingParty, form: dict[str, str], code: str
) -> None:
    """R-TK-11, R-TK-12, R-TK-13."""
    with credenza.unchanged():
        answer = client.post("/token", {**form, "state": "x"})
    assert (answer.status_code, answer.json()["error"]) == (400, code)


def test_r_tk_13_a_machine_has_no_users(machine: RelyingParty) -> None:
    for grant in ("authorization_code", "refresh_token"):
        answer = machine.post("/token", {"grant_type": grant, "code": "x", "refresh_token": "x"})
        assert answer.json()["error"] == "unauthorized_client"


def test_r_tk_11_repeated_parameters(credenza: Any, client: RelyingParty) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for url in ("/token", "/revoke", "/introspect"):
        body = "grant_type=refresh_token&grant_type=refresh_token&token=x&refresh_token=x"
        answer = credenza.request("POST", url, content=body, headers=headers, auth=("app", SECRET))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "offline_access"}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "email roles"}, "invalid_scope"),
        ({"scope": "orders:write", "resource": ORDERS}, "invalid_scope"),
        ({"scope": "orders:read orders:write", "resource": ORDERS}, "invalid_scope"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": 'x"y'}, "invalid_scope"),
        ({"resource": "https://evil.example"}, "invalid_target"),
        ({"resource": ORDERS + "/other"}, "invalid_target"),
        ({"resource": "x"}, "invalid_target"),
    ],
)
def test_r_tk_21_a_machine_gets_what_was_enabled(
    credenza: Any, machine: RelyingParty, form: dict[str, str], code: str
) -> None:
    """R-TK-21, R-RS-01, D7."""
    with credenza.unchanged():
        answer = machine.post("/token", {"grant_type": "client_credentials", **form})
    assert (answer.status_code, answer.json()["error"]) == (400, code)


def test_r_tk_21_a_machine_is_nobody(credenza: Any, machine: RelyingParty) -> None:
    """R-TK-21, R-TK-22: no refresh token, no ID token, no UserInfo, and a subject of another kind.

    "A refresh token SHOULD NOT be included." RFC 6749 §4.4.3.
    """
    form = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS}
    tokens = machine.post("/token", form).json()
    assert not {"refresh_token", "id_token"} & tokens.keys()
    claims = verified(credenza, tokens["access_token"], audience=ORDERS)
    assert claims["sub"] == claims["client_id"] == "machine"
    assert machine.userinfo(tokens["access_token"]).status_code == 401
    seen = machine.introspect(tokens["access_token"])
    assert seen["active"] is True
    assert "username" not in seen
    whole = machine.post("/token", {"grant_type": "client_credentials", "resource": ORDERS}).json()
    assert whole["scope"] == "orders:read"


@pytest.mark.own_server
def test_r_tk_14_a_disabled_machine(credenza: Any, machine: RelyingParty) -> None:
    """R-TK-14: from the next request on, for the tokens it has too."""
    form = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS}
    token = machine.post("/token", form).json()["access_token"]
    credenza.apply({"applications": [{"client_id": "machine", "metadata": {"resources": [ORDERS]}}]})
    credenza.apply(
        {
            "applications": [
                {
                    "client_id": "rs",
                    "name": "RS",
                    "client_secret": SECRET,
                    "type": "machine_to_machine",
                    "metadata": {"resources": [ORDERS]},
                }
            ]
        }
    )
    server = RelyingParty(credenza, "rs", "")
    assert server.introspect(token)["active"] is True
    credenza.apply({"applications": [{"client_id": "machine", "enabled": False}]})
    assert machine.post("/token", form).status_code == 401
    assert server.introspect(token) == {"active": False}


def test_one_resource_at_a_time(staff: Any, client: RelyingParty) -> None:
    """Decision: one audience for each token."""
    callback = staff.authorize(client, **API)
    answer = client.post(
        "/token",
        {"grant_type": "authorization_code", "code": callback.code, "code_verifier": client.verifier},
    )
    assert answer.status_code == 200
    refused = client.credenza.request(
        "POST",
        "/token",
        content=f"grant_type=client_credentials&resource={ORDERS}&resource=https://b.example.com",
        headers={"content-type": "application/x-www-form-urlencoded"},
        auth=("machine", SECRET),
    )
    assert refused.json()["error"] == "invalid_target"


@pytest.mark.parametrize(
    "resource", ["https://evil.example", ORDERS + "/other", ORDERS + "#x", "x", ORDERS.upper() + "/OTHER"]
)
def test_r_rs_02_another_resource_in_the_token_request(staff: Any, client: RelyingParty, resource: str) -> None:
    """R-RS-02: and the code can still be used as it was meant."""
    callback = staff.authorize(client, **API)
    answer = client.redeem(callback, resource=resource)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")
    assert client.redeem(callback, resource=ORDERS).status_code == 200


def test_r_tk_15_another_scope_in_the_token_request(user_agent: Any, client: RelyingParty) -> None:
    callback = user_agent.authorize(client, scope="openid profile")
    answer = client.redeem(callback, scope="openid profile email")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


# -- UserInfo ---------------------------------------------------------------------------------------------------------


def test_r_ui_01_where_a_token_may_stand(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-UI-01, R-TK-03."""
    token = client.tokens(user_agent.authorize(client))["access_token"]
    form = {"content-type": "application/x-www-form-urlencoded"}

    def ask(method: str = "GET", url: str = "/userinfo", **options: Any) -> Any:
        return credenza.request(method, url, **options)

    for scheme in ("Bearer", "bearer", "BEARER", "bEaReR"):
        assert ask(headers={"authorization": f"{scheme} {token}"}).status_code == 200
    assert ask("POST", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert ask("POST", data={"access_token": token}).status_code == 200
    assert ask(url=f"/userinfo?access_token={token}").status_code == 401
    assert ask("POST", url=f"/userinfo?access_token={token}").status_code == 401
    assert ask("POST", data={"access_token": token}, headers={"authorization": f"Bearer {token}"}).status_code == 400
    assert ask("POST", content=f"access_token={token}&access_token={token}", headers=form).status_code == 400
    assert ask(headers={"authorization": token}).status_code == 401
    assert ask(headers={"authorization": f"Basic {token}"}).status_code == 401
    assert ask(headers={"authorization": f"Bearer {token} {token}"}).status_code == 401
    assert ask(headers={"authorization": f"Bearer {token},{token}"}).status_code == 401
    assert ask(headers={"cookie": f"access_token={token}"}).status_code == 401
    for method in ("PUT", "DELETE", "PATCH"):
        assert ask(method, headers={"authorization": f"Bearer {token}"}).status_code == 405


def test_r_ui_02_challenges(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-UI-02: without an error when nothing was sent."""
    nothing = credenza.request("GET", "/userinfo")
    assert nothing.status_code == 401
    assert nothing.headers["www-authenticate"].startswith("Bearer")
    assert "error" not in nothing.headers["www-authenticate"]
    for bad in ("x", "cz_at_x", "a.b.c", "\u00e9".encode().decode("latin-1")):
        answer = credenza.raw(
            "GET", "/userinfo", headers=[(b"host", b"x"), (b"authorization", b"Bearer " + bad.encode())]
        )
        assert answer.status == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    none = client.tokens(user_agent.authorize(client, scope=None))["access_token"]
    answer = client.userinfo(none)
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_r_ui_02_a_plain_oauth_application_is_answered(user_agent: Any, client: RelyingParty) -> None:
    """Decision: without `openid`, a token with a scope of the provider's own is answered."""
    token = client.tokens(user_agent.authorize(client, scope="profile email"))["access_token"]
    assert client.userinfo(token).json()["email"] == f"{user_agent.name}@example.com"


def test_r_ui_03_claims_of_granted_scopes_only(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-UI-03. "The sub Claim MUST always be returned". OpenID Connect Core §5.3.2."""
    tokens = client.tokens(user_agent.authorize(client, scope="openid"))
    answer = client.userinfo(tokens["access_token"])
    assert answer.json() == {"sub": credenza.user(user_agent.name).id}
    assert answer.headers["content-type"] == "application/json"
    tokens = client.tokens(user_agent.authorize(client, scope="openid email"))
    body = client.userinfo(tokens["access_token"]).json()
    assert body.keys() == {"sub", "email", "email_verified"}
    assert body["sub"] == jwt.decode(tokens["id_token"], options={"verify_signature": False})["sub"]


# -- revocation and introspection -------------------------------------------------------------------------------------


def test_r_rv_01_only_what_is_ones_own(
    credenza: Any, user_agent: Any, client: RelyingParty, own: RelyingParty, spa: RelyingParty
) -> None:
    """R-RV-01: unknown ones are no error; other clients' are refused, and live."""
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    for value in ("x", "cz_at_" + "A" * 50, "cz_rt_x", "a.b.c", tokens["id_token"]):
        assert client.revoke(value).status_code == 200
    for other in (own, spa):
        for kind in ("access_token", "refresh_token"):
            answer = other.revoke(tokens[kind])
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert credenza.request("POST", "/revoke", data={"token": tokens["access_token"]}).status_code == 401
    assert client.post("/revoke", {}).json()["error"] == "invalid_request"
    assert client.introspect(tokens["access_token"])["active"] is True
    assert client.introspect(tokens["refresh_token"])["active"] is True


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "x", "", None])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_r_rv_02_a_hint_is_only_a_hint(user_agent: Any, client: RelyingParty, kind: str, hint: str | None) -> None:
    """R-RV-02."""
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    answer = client.revoke(tokens[kind], token_type_hint=hint)
    assert (answer.status_code, answer.json()) == (200, {})
    assert client.introspect(tokens[kind]) == {"active": False}


@pytest.mark.own_server
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_what_was_revoked_is_found_with_its_user(
    credenza: Any, user_agent: Any, client: RelyingParty, kind: str
) -> None:
    callback = user_agent.authorize(client, scope="openid profile offline_access")
    client.revoke(client.tokens(callback)[kind])
    (issued,) = credenza.run(audit.list_events, name="TokenIssued")
    (revoked,) = credenza.run(audit.list_events, name="TokenRevoked")
    assert issued.user
    assert (revoked.user, revoked.client, revoked.data["grant"]) == (issued.user, "app", issued.data["grant"])


def test_r_rv_03_a_refresh_token_takes_its_family_along(staff: Any, client: RelyingParty) -> None:
    """R-RV-03: access tokens too, also JWTs; an access token goes alone."""
    tokens = client.tokens(staff.authorize(client, **(API | {"scope": "openid profile orders:read offline_access"})))
    again = client.refresh(tokens["refresh_token"]).json()
    client.revoke(again["access_token"])
    assert client.introspect(again["access_token"]) == {"active": False}
    assert client.introspect(tokens["access_token"])["active"] is True
    client.revoke(tokens["refresh_token"])
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.own_server
def test_r_in_01_d11_who_may_look_at_a_token(
    credenza: Any, user_agent: Any, client: RelyingParty, own: RelyingParty
) -> None:
    """R-IN-01, R-IN-02, D11: the client it was issued to, and the resource server that it is for."""
    credenza.apply({"users": [{"username": user_agent.name, "roles": ["support"]}]})
    machine = {"client_secret": SECRET, "type": "machine_to_machine"}
    credenza.apply(
        {
            "applications": [
                {"client_id": "rs", "name": "RS", "metadata": {"resources": [ORDERS]}, **machine},
                {"client_id": "rs2", "name": "RS 2", "metadata": {"resources": [ORDERS + "/2"]}, **machine},
            ]
        }
    )
    tokens = client.tokens(user_agent.authorize(client, **API))
    right, wrong = RelyingParty(credenza, "rs", ""), RelyingParty(credenza, "rs2", "")
    assert client.introspect(tokens["access_token"])["active"] is True
    seen = right.introspect(tokens["access_token"])
    assert (seen["active"], seen["aud"], seen["client_id"]) == (True, ORDERS, "app")
    for other in (wrong, own):
        assert other.introspect(tokens["access_token"]) == {"active": False}
    opaque = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    for other in (right, wrong, own):
        assert other.introspect(opaque["access_token"]) == {"active": False}
        assert other.introspect(opaque["refresh_token"]) == {"active": False}


def test_r_in_01_the_query_is_not_read(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    token = client.tokens(user_agent.authorize(client))["access_token"]
    answer = client.post(f"/introspect?token={token}", {"x": "y"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


# -- keys -------------------------------------------------------------------------------------------------------------


def test_r_ky_01_public_members_only(credenza: Any) -> None:
    """R-KY-01."""
    keys = credenza.request("GET", "/jwks").json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys) >= 6
    for key in keys:
        assert key["use"] == "sig"
        assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & key.keys()
        assert key["kty"] == {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}[key["alg"]]
    assert jose.parse_jwks({"keys": keys})


@pytest.mark.own_server
def test_r_ky_02_a_key_is_known_before_it_signs_and_as_long_as_it_is_needed(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """R-KY-02, P-06."""
    for _ in range(3):
        published = {key["kid"] for key in credenza.request("GET", "/jwks").json()["keys"]}
        old = client.tokens(user_agent.authorize(client))["id_token"]
        credenza.run(rotate, credenza.server, actor="test")
        new = client.tokens(user_agent.authorize(client))["id_token"]
        kids = [jwt.get_unverified_header(token)["kid"] for token in (old, new)]
        assert kids[0] != kids[1]
        assert kids[1] in published
        assert verified(credenza, old)
        assert verified(credenza, new)
        assert user_agent.get(client.authorization_url(id_token_hint=old, prompt="none")).code
    credenza.clock.move(3 * 24 * 3600)
    credenza.run(rotate, credenza.server, actor="test")
    assert jwt.get_unverified_header(old)["kid"] not in {
        k["kid"] for k in credenza.request("GET", "/jwks").json()["keys"]
    }


@pytest.mark.own_server
def test_r_ky_03_private_keys_are_encrypted_for_their_place(credenza: Any, credenza_database: str) -> None:
    """R-KY-03, P-03, P-04: another secret key, or another row, and the server does not sign."""

    async def stored() -> list[dict[str, Any]]:
        return list(await SigningKeyRow.select())

    rows = credenza.run(stored)
    assert rows
    assert all(row["private_key"].startswith("v1:") and "PRIVATE" not in row["private_key"] for row in rows)
    other = test_settings(credenza_database, secret_key="y" * 40)
    with running(other) as wrong, pytest.raises(Undecryptable):
        wrong.run(wrong.server.keys)


def test_r_ky_04_weak_keys_do_not_load(rsa_key: Any, ec_key: Any) -> None:
    """R-KY-04, K5."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    def pem(key: Any) -> bytes:
        none = serialization.NoEncryption()
        return bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none))

    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    for key, alg in (
        (weak, "RS256"),
        (rsa_key, "ES256"),
        (ec_key, "RS256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES256"),
        (weak, "PS256"),
        (ec_key, "PS256"),
        (rsa_key, "EdDSA"),
        (rsa_key, "HS256"),
        (rsa_key, "none"),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            jose.load_signing_key(pem(key), alg)
    assert jose.load_signing_key(pem(rsa_key), "RS256")
    assert jose.load_signing_key(pem(rsa_key), "PS256")
    assert jose.load_signing_key(pem(ec_key), "ES256")


@pytest.mark.own_server
def test_es256_for_a_client_that_wants_it(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-MD-03: what is advertised works."""
    credenza.apply({"applications": [{"client_id": "app", "id_token_signed_response_alg": "ES256"}]})
    token = client.tokens(user_agent.authorize(client))["id_token"]
    assert jwt.get_unverified_header(token)["alg"] == "ES256"
    assert verified(credenza, token, audience="app")


# -- metadata ---------------------------------------------------------------------------------------------------------


def test_r_md_02_r_md_03_the_metadata(credenza: Any) -> None:
    """R-MD-01, R-MD-02, R-MD-03, R-PK-06."""
    first = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert first == credenza.request("GET", "/.well-known/oauth-authorization-server").json()
    assert first["issuer"] == ISSUER
    assert first["code_challenge_methods_supported"] == ["S256"]
    assert first["response_types_supported"] == ["code"]
    assert not {"password", "implicit"} & set(first["grant_types_supported"])
    for name, value in first.items():
        if name.endswith("alg_values_supported"):
            assert not {"none", "HS256", "HS384", "HS512"} & set(value)
        if name.endswith(("_endpoint", "_uri")) and isinstance(value, str):
            assert value.startswith(ISSUER + "/")
            assert credenza.request("GET", value).status_code in (200, 303, 400, 401, 405)
    for method in ("client_secret_jwt", "tls_client_auth"):
        assert method not in first["token_endpoint_auth_methods_supported"]
    assert "none" not in first["introspection_endpoint_auth_methods_supported"]


def test_r_md_03_every_response_mode_works_and_no_other(user_agent: Any, client: RelyingParty, credenza: Any) -> None:
    """R-MD-03."""
    modes = credenza.request("GET", "/.well-known/openid-configuration").json()["response_modes_supported"]
    for mode in modes:
        assert not getattr(user_agent.authorize(client, response_mode=mode), "error", "")
    for mode in {"query", "fragment", "form_post", "web_message", "query.jwt", "jwt"} - set(modes):
        assert user_agent.get(client.authorization_url(response_mode=mode)).error == "invalid_request"


def test_names_of_scope_permissions_cannot_be_taken(credenza: Any) -> None:
    """R-TK-15: an API may not call a permission `openid`."""
    from credenza.state import StateError

    for name in ("openid", "offline_access", "profile", "email", "urn:credenza:x", "a b", 'a"b', ""):
        with pytest.raises((StateError, ValueError)):
            credenza.apply(
                {
                    "api_resources": [
                        {"identifier": "https://x.example.com", "name": "X", "permissions": [{"name": name}]}
                    ]
                }
            )
