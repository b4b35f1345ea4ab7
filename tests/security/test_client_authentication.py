"""Client authentication: one registered method, everywhere the same. SECURITY.md R-TK-01…09, R-TK-23, §2.4."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import secrets
import time
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from credenza.protocol import jose
from credenza.state import StateError
from credenza.store import audit
from credenza.store.version import bump_version
from credenza.testing import ISSUER, ORDERS, SECRET, RelyingParty
from credenza.web.client_authentication import FAILURES_PER_CLIENT

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NUMBERS = itertools.count()
ENDPOINTS = ["/token", "/revoke", "/introspect"]


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def form_for(url: str) -> dict[str, str]:
    return {"grant_type": "client_credentials"} if url == "/token" else {"token": "cz_at_x"}


def assert_401(answer: httpx.Response, *, basic: bool = False) -> None:
    """401-CLIENT."""
    assert answer.status_code == 401, answer.text
    assert answer.json()["error"] == "invalid_client"
    assert answer.headers["cache-control"] == "no-store"
    assert not basic or answer.headers["www-authenticate"].startswith("Basic ")
    assert "access_token" not in answer.text


@pytest.mark.parametrize("url", ENDPOINTS)
def test_a_cli_01_two_methods_in_one_request(credenza: Any, url: str) -> None:
    """A-CLI-01, R-TK-05: both right, and refused."""
    form = form_for(url) | {"client_id": "machine", "client_secret": SECRET}
    with credenza.unchanged():
        answer = credenza.request("POST", url, data=form, headers=basic("machine", SECRET))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        form |= {"client_assertion": "x.y.z", "client_assertion_type": ASSERTION_TYPE}
        answer = credenza.request("POST", url, data=form)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("url", ENDPOINTS)
def test_a_cli_02_the_right_secret_by_another_method(credenza: Any, url: str) -> None:
    """A-CLI-02, R-TK-04: `machine` is registered for client_secret_basic, which only who knows the secret is told."""
    form = form_for(url) | {"client_id": "machine", "client_secret": SECRET}
    told = credenza.request("POST", url, data=form)
    assert_401(told)
    assert "client_secret_basic is set" in told.json()["error_description"]
    answers = [
        credenza.request("POST", url, data=form | changes)
        for changes in ({"client_secret": "wrong"}, {"client_id": "nobody"}, {"client_id": "spa"})
    ]
    stranger = credenza.request("POST", url, data=form_for(url) | {"client_id": "nobody"})
    assert {answer.content for answer in answers} == {stranger.content}


@pytest.mark.own_server
def test_r_tk_04_client_secret_post_works_where_it_is_registered(credenza: Any) -> None:
    credenza.apply({"applications": [{"client_id": "machine", "token_endpoint_auth_method": "client_secret_post"}]})
    form = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS}
    body = form | {"client_id": "machine", "client_secret": SECRET}
    assert credenza.request("POST", "/token", data=body).status_code == 200
    assert_401(credenza.request("POST", "/token", data=form, headers=basic("machine", SECRET)), basic=True)


@pytest.mark.parametrize("url", ENDPOINTS)
def test_a_cli_03_another_client_id_in_the_body(credenza: Any, url: str) -> None:
    """A-CLI-03."""
    form = form_for(url) | {"client_id": "own"}
    assert_401(credenza.request("POST", url, data=form, headers=basic("machine", SECRET)), basic=True)


@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.parametrize("client_id", ["machine", "app", "own"])
def test_a_cli_04_a_confidential_client_without_credentials(credenza: Any, url: str, client_id: str) -> None:
    """A-CLI-04, R-TK-08."""
    with credenza.unchanged():
        assert_401(credenza.request("POST", url, data=form_for(url) | {"client_id": client_id}))
        assert_401(credenza.request("POST", url, data=form_for(url) | {"client_id": client_id, "client_secret": ""}))
        assert_401(credenza.request("POST", url, data=form_for(url), headers=basic(client_id, "")), basic=True)
        assert_401(credenza.request("POST", url, data=form_for(url)))


@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.parametrize("client_id", ["spa", "native"])
def test_a_cli_05_a_public_client_that_sends_anything(credenza: Any, url: str, client_id: str) -> None:
    """A-CLI-05, R-TK-07: never counted as authenticated. RFC 6749 §2.1."""
    form = form_for(url)
    assert_401(credenza.request("POST", url, data=form, headers=basic(client_id, "")), basic=True)
    assert_401(credenza.request("POST", url, data=form, headers=basic(client_id, "x")), basic=True)
    assert_401(credenza.request("POST", url, data=form | {"client_id": client_id, "client_secret": "x"}))
    assertion = {"client_assertion": "e30.e30.", "client_assertion_type": ASSERTION_TYPE}
    assert_401(credenza.request("POST", url, data=form | {"client_id": client_id} | assertion))


def test_r_tk_21_a_public_client_cannot_introspect(credenza: Any, user_agent: Any, spa: RelyingParty) -> None:
    """R-IN-01, D11."""
    token = spa.tokens(user_agent.authorize(spa))["access_token"]
    assert_401(credenza.request("POST", "/introspect", data={"token": token, "client_id": "spa"}))


@pytest.mark.own_server
@pytest.mark.parametrize("secret", ["a:b%c+d e\u00e9-0123456789", "100%25 + \u4f60", ":", "%", "+", "a" * 500])
def test_a_cli_07_the_halves_of_basic_are_form_encoded(credenza: Any, secret: str) -> None:
    """A-CLI-07, R-TK-04. RFC 6749 §2.3.1."""
    credenza.apply({"applications": [{"client_id": "machine", "client_secret": secret}]})
    form = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS}
    encoded = basic(quote_plus("machine"), quote_plus(secret))
    assert credenza.request("POST", "/token", data=form, headers=encoded).status_code == 200
    assert credenza.request("POST", "/token", data=form, headers=basic("machine", secret)).status_code == 200, (
        "as many libraries send it"
    )
    assert_401(credenza.request("POST", "/token", data=form, headers=basic("machine", secret + "x")), basic=True)


def test_a_cli_08_a_secret_in_the_query_is_not_read(credenza: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A-CLI-08, R-TK-03: and not logged. "MUST NOT be included in the request URI". RFC 6749 §2.3.1."""
    query = f"client_id=machine&client_secret={SECRET}&grant_type=client_credentials"
    assert_401(credenza.request("POST", f"/token?{query}", data={"grant_type": "client_credentials"}))
    assert credenza.request("POST", f"/token?{query}", content=b"").status_code in (400, 401)
    assert SECRET not in caplog.text
    assert SECRET not in credenza.dump()


def test_r_tk_03_no_parameter_is_read_from_the_query(user_agent: Any, client: RelyingParty) -> None:
    callback = user_agent.authorize(client)
    query = f"code={callback.code}&code_verifier={client.verifier}&redirect_uri={client.redirect_uri}"
    answer = client.post(f"/token?grant_type=authorization_code&{query}", {"grant_type": "authorization_code"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert client.redeem(callback).status_code == 200


@pytest.mark.parametrize(
    "value",
    [
        "Basic",
        "Basic ",
        "Basic =",
        "Basic %%%",
        "Basic bWFjaGluZQ==",
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"machine%ff:x").decode(),
        "Basic " + base64.b64encode(b"machine%00:x").decode(),
        "Basic " + base64.b64encode(b"machine:x%00").decode(),
        "Basic " + base64.b64encode(b"machine\0:x").decode(),
        "Basic " + base64.b64encode(b"%ed%a0%80:x").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Basic " + base64.b64encode(b"' OR 1=1--:x").decode(),
        "Basic " + base64.b64encode(b"a" * 30_000 + b":x").decode(),
        "Basic " + base64.b64encode(b"machine:" + b"a" * 30_000).decode(),
        "basic " + base64.b64encode(b"machine:wrong").decode(),
        "Bearer x",
        "Digest x",
        ":",
    ],
)
@pytest.mark.parametrize("url", ENDPOINTS)
def test_a_inp_02_malformed_authorization_headers(credenza: Any, url: str, value: str) -> None:
    """A-INP-01, A-INP-02, A-INJ-01: CLEAN-4xx."""
    with credenza.unchanged():
        answer = credenza.request("POST", url, data=form_for(url), headers={"authorization": value})
        assert answer.status_code in (400, 401), answer.text
        assert answer.json()["error"] in ("invalid_client", "invalid_request")


def test_r_tk_06_an_unknown_client_and_a_wrong_secret_look_the_same(credenza: Any) -> None:
    form = {"grant_type": "client_credentials"}
    answers = [
        credenza.request("POST", "/token", data=form, headers=basic(*pair))
        for pair in (("nobody", "x"), ("machine", "x"), ("spa", "x"))
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("url", ENDPOINTS)
def test_r_tk_01_post_only(credenza: Any, url: str, method: str) -> None:
    """R-TK-01, A-CSR-06: 405 with Allow; no method override. RFC 6749 §3.2."""
    override = {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST"}
    answer = credenza.request(method, url + "?_method=POST", headers=basic("machine", SECRET) | override)
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/x-www-form-urlencoded-x",
        "application/xml",
        "",
        "x",
        "application/x-www-form-urlencoded, application/json",
    ],
)
@pytest.mark.parametrize("url", ENDPOINTS)
def test_r_tk_02_one_content_type_only(credenza: Any, url: str, content_type: str) -> None:
    """R-TK-02, K12."""
    headers = basic("machine", SECRET) | {"content-type": content_type}
    body = b"grant_type=client_credentials&token=x"
    answer = credenza.request("POST", url, content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_r_tk_02_parameters_of_the_content_type_do_not_matter(credenza: Any) -> None:
    headers = basic("machine", SECRET) | {"content-type": "Application/X-WWW-Form-urlencoded; charset=UTF-8"}
    body = b"grant_type=client_credentials&scope=orders:read&resource=https%3A%2F%2Forders.example.com"
    assert credenza.request("POST", "/token", content=body, headers=headers).status_code == 200


@pytest.mark.own_server
def test_r_tk_09_secrets_cannot_be_guessed_for_ever(credenza: Any) -> None:
    """R-TK-09, A-BRU-03: whatever forwarded headers say; the client is not locked out elsewhere."""
    statuses = []
    for number in range(60):
        spoofed = {"x-forwarded-for": f"192.0.2.{number}", "x-real-ip": f"192.0.2.{number}", "forwarded": "for=1.2.3.4"}
        headers = basic("machine", f"guess{number}") | spoofed
        statuses.append(credenza.request("POST", "/token", data={"grant_type": "x"}, headers=headers).status_code)
    assert statuses[0] == 401
    assert statuses[-1] == 429
    form = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS}
    right = basic("machine", SECRET)
    assert credenza.request("POST", "/token", data=form, headers=right).status_code == 429
    elsewhere = credenza.request("POST", "/token", data=form, headers=right, address="203.0.113.99")
    assert elsewhere.status_code == 200


@pytest.mark.own_server
def test_r_tk_09_guesses_at_once_are_not_told_more_than_guesses_in_a_row(both_engines: str, credenza: Any) -> None:
    """R-TK-09: nor is the right one at their end; who only has the right one may come as often as it likes."""
    form = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS}

    async def at_once(*guesses: str) -> list[int]:
        transport = httpx.ASGITransport(app=credenza.app, client=(credenza.address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url=credenza.issuer) as http:
            requests = (http.post("/token", data=form, headers=basic("machine", guess)) for guess in guesses)
            return [answer.status_code for answer in await asyncio.gather(*requests)]

    assert credenza.run(at_once, *[SECRET] * 50) == [200] * 50
    credenza.clock.move(1)  # what was read of the configuration is read again, and all of them wait for it
    credenza.run(bump_version)
    statuses = credenza.run(at_once, *(f"guess{number}" for number in range(60)), SECRET)
    assert statuses.count(401) == FAILURES_PER_CLIENT.burst + 1
    assert statuses.count(429) == 30


@pytest.mark.own_server
def test_r_tk_09_many_clients_from_one_address(credenza: Any) -> None:
    statuses = [
        credenza.request("POST", "/token", data={"grant_type": "x"}, headers=basic(f"client{n}", "x")).status_code
        for n in range(140)
    ]
    assert statuses[0] == 401
    assert statuses[-1] == 429


@pytest.mark.own_server
def test_r_tk_09_a_network_of_ipv6_is_one_address(credenza: Any) -> None:
    """A-BRU-03: one customer has 2^64 of them."""
    statuses = [
        credenza.request(
            "POST", "/token", data={"grant_type": "x"}, headers=basic("machine", "x"), address=f"2001:db8:1:2::{n:x}"
        ).status_code
        for n in range(60)
    ]
    assert statuses[-1] == 429
    other = credenza.request(
        "POST", "/token", data={"grant_type": "x"}, headers=basic("machine", "x"), address="2001:db8:1:3::1"
    )
    assert other.status_code == 401


@pytest.mark.own_server
def test_an_expired_secret_is_no_secret(credenza: Any) -> None:
    """R-OP-04."""
    from credenza.protocol.client_authentication import digest_secret
    from credenza.store.clients import insert_secret

    now = credenza.server.now()
    credenza.run(
        insert_secret, "machine", name="x", digest=digest_secret("short-lived"), hint="", now=now, expires_at=now + 60
    )
    form = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS}
    assert credenza.request("POST", "/token", data=form, headers=basic("machine", "short-lived")).status_code == 200
    assert credenza.request("POST", "/token", data=form, headers=basic("machine", SECRET)).status_code == 200
    credenza.clock.move(61)
    expired = credenza.request("POST", "/token", data=form, headers=basic("machine", "short-lived"))
    assert_401(expired)
    assert "expired" in expired.json()["error_description"], "which only who had it is told"
    assert refusals_of(credenza, "machine") == ["This secret has expired."]


@pytest.mark.own_server
@pytest.mark.parametrize("path", ["/introspect", "/revoke"])
def test_what_is_wrong_after_it_is_found_under_activity_too(credenza: Any, path: str) -> None:
    assert credenza.request("POST", path, data={"x": "y"}, headers=basic("machine", SECRET)).status_code == 400
    assert refusals_of(credenza, "machine") == ["token is missing."]


def refusals_of(credenza: Any, client_id: str) -> list[str]:
    """As the Activity tab of the application shows them."""
    events = credenza.run(audit.list_events, client=client_id)
    return [event.data["reason"] for event in events if event.name == "TokenRefused"]


@pytest.mark.own_server
def test_who_proves_to_be_the_client_and_is_refused_is_found_under_activity(credenza: Any) -> None:
    form = {"grant_type": "client_credentials", "client_id": "machine"}
    credenza.request("POST", "/token", data=form | {"client_secret": "wrong"})
    assert refusals_of(credenza, "machine") == [], "a stranger writes nothing there"
    credenza.request("POST", "/token", data=form | {"client_secret": SECRET})
    (reason,) = refusals_of(credenza, "machine")
    assert "client_secret_basic is set" in reason
    for number, url in enumerate(("/introspect", "/revoke", "/par", "/device_authorization"), 2):
        credenza.request("POST", url, data=form | {"token": "x", "client_secret": SECRET})
        assert len(refusals_of(credenza, "machine")) == number, f"{url}: a resource server asks nowhere else"


@pytest.mark.own_server
def test_who_comes_with_a_code_of_the_client_and_a_wrong_secret_is_found_under_activity(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """Most applications keep to themselves why, and the one who can mend it looks there."""
    callback = user_agent.authorize(client, scope="openid offline_access")
    right, client.secret = client.secret, "of another installation"
    assert_401(client.redeem(callback))
    assert refusals_of(credenza, client.client_id) == ["wrong secret"]
    thief = RelyingParty(credenza, "machine", "", secret="wrong")
    assert_401(thief.redeem(callback))
    assert_401(thief.post("/token", {"grant_type": "authorization_code", "code": "cz_code_x"}))
    assert refusals_of(credenza, "machine") == [], "a code of another client's proves nothing"
    client.secret = right
    refresh_token = client.tokens(callback)["refresh_token"]
    client.secret = "of before it was changed"
    assert_401(client.refresh(refresh_token))
    assert refusals_of(credenza, client.client_id) == ["wrong secret"] * 2


def test_r_op_04_secrets_are_stored_as_hashes(credenza: Any) -> None:
    assert SECRET not in credenza.dump()


# -- private_key_jwt --------------------------------------------------------------------------------------------------


class Signer:
    """A machine client with private_key_jwt, right but for changes."""

    def __init__(self, credenza: Any, forgery: Any, rsa_key: Any, ec_key: Any, client_id: str) -> None:
        self.credenza, self.forgery, self.rsa_key, self.ec_key = credenza, forgery, rsa_key, ec_key
        self.client_id = client_id

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = self.credenza.server.now()
        right = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
        }
        return {name: value for name, value in {**right, **changes}.items() if value is not ...}

    def assertion(self, header: dict[str, Any] | None = None, key: Any = "rsa", **changes: Any) -> str:
        key = self.rsa_key if key == "rsa" else key
        right = {"alg": "RS256", "kid": "r1", "typ": "JWT"} | (header or {})
        right = {name: value for name, value in right.items() if value is not ...}
        return str(self.forgery.forge(right, self.claims(**changes), key))

    def send(self, assertion: str, url: str = "/token", **changes: str) -> httpx.Response:
        form = {"grant_type": "client_credentials", "scope": "orders:read", "resource": ORDERS, "token": "x"}
        form |= {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE} | changes
        # Each from an address of its own: guessing is throttled, and that is another test.
        answer = self.credenza.request(
            "POST", url, data=form, address=f"10.{next(NUMBERS) >> 8}.{next(NUMBERS) % 256}.1"
        )
        assert isinstance(answer, httpx.Response)
        return answer


@pytest.fixture(scope="module")
def signer_application(forgery: Any, rsa_key: Any, ec_key: Any) -> dict[str, Any]:
    keys = [forgery.public_jwk(rsa_key, kid="r1"), forgery.public_jwk(ec_key, kid="e1")]
    return {
        "client_id": "signer",
        "name": "Signer",
        "type": "machine_to_machine",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": keys},
        "permissions": {"api": {ORDERS: ["orders:read"]}},
    }


@pytest.fixture
def signer(credenza: Any, forgery: Any, rsa_key: Any, ec_key: Any, signer_application: dict[str, Any]) -> Signer:
    credenza.apply({"applications": [signer_application]})
    return Signer(credenza, forgery, rsa_key, ec_key, "signer")


@pytest.mark.parametrize("aud", [ISSUER, ISSUER + "/token"])
def test_r_tk_23_a_right_assertion(signer: Signer, aud: str) -> None:
    """R-TK-23, D3. OpenID Connect Core §9."""
    assert signer.send(signer.assertion(aud=aud)).status_code == 200
    assert signer.send(signer.assertion({"typ": ...}, aud=aud), client_id="signer").status_code == 200
    typ = "application/client-authentication+jwt"
    assert signer.send(signer.assertion({"typ": typ}, aud=aud)).status_code == 200, "RFC 7515 §4.1.9"
    es256 = signer.assertion({"alg": "ES256", "kid": "e1"}, key=signer.ec_key, aud=aud)
    assert signer.send(es256).status_code == 200


def test_r_tk_23_clocks_may_differ_a_little(signer: Signer) -> None:
    now = signer.credenza.server.now()
    assert signer.send(signer.assertion(iat=now + 10, nbf=now + 10)).status_code == 200


def test_a_cli_11_none_and_symmetric_algorithms(signer: Signer) -> None:
    """A-CLI-11: also keyed with what the client's public key looks like."""
    for alg in ("none", "None", "NONE", "nOnE", ""):
        for key in (None, b"x"):
            assert_401(signer.send(signer.assertion({"alg": alg}, key=key)))
    assert_401(signer.send(signer.assertion().rpartition(".")[0] + "."))
    assert_401(signer.send(signer.assertion().rpartition(".")[0]))
    for alg in ("HS256", "HS384", "HS512"):
        for form in signer.forgery.forms_of_a_public_key(signer.rsa_key).values():
            assert_401(signer.send(signer.assertion({"alg": alg}, key=form)))
            assert_401(signer.send(signer.assertion({"alg": alg, "kid": ...}, key=form)))
        for form in signer.forgery.forms_of_a_public_key(signer.ec_key).values():
            assert_401(signer.send(signer.assertion({"alg": alg, "kid": "e1"}, key=form)))
    for alg in ("PS256", "RS1", "EdDSA", "ES384", "RS512", "ES256", "dir", "RSA-OAEP"):
        assert_401(signer.send(signer.assertion({"alg": alg})))


@pytest.mark.parametrize(
    "aud",
    [
        [ISSUER],
        [ISSUER, "https://evil.example"],
        ISSUER + "/",
        ISSUER + "/par",
        ISSUER + "/introspect",
        ISSUER + "/revoke",
        ISSUER + "/authorize",
        ISSUER.upper(),
        ISSUER.replace("https", "http"),
        "https://evil.example",
        "",
        None,
        ...,
        {},
        {ISSUER: 1},
        1,
        True,
    ],
)
def test_a_cli_12_the_audience_is_us_and_nobody_else(signer: Signer, aud: Any) -> None:
    """A-CLI-12, D3: one string."""
    assert_401(signer.send(signer.assertion(aud=aud)))


def test_a_cli_13_an_assertion_is_used_once(signer: Signer) -> None:
    """A-CLI-13: at any endpoint."""
    assertion = signer.assertion()
    assert signer.send(assertion).status_code == 200
    for url in ("/token", "/introspect", "/revoke"):
        again = signer.send(assertion, url)
        assert_401(again)
        assert "used before" in again.json()["error_description"], "some libraries keep one for minutes"
    same = signer.assertion(jti="same-jti")
    assert signer.send(same, "/introspect").status_code == 200
    assert_401(signer.send(signer.assertion(jti="same-jti")))


def test_a_cli_13_a_replay_is_known_as_long_as_it_is_accepted(signer: Signer) -> None:
    """R-TK-23: the memory outlives the assertion, cleaning included."""
    from credenza.store.expired import clean_up

    used, unused = signer.assertion(), signer.assertion()
    assert signer.send(used).status_code == 200
    signer.credenza.clock.move(100)  # of 120
    signer.credenza.run(clean_up, signer.credenza.server.now(), grant_lifetime=0)
    assert_401(signer.send(used))
    assert signer.send(unused).status_code == 200, "it is still accepted"


NOW_CHANGES: list[dict[str, Any]] = [
    {"exp": ...},
    {"jti": ...},
    {"iat": ...},
    {"exp": "soon"},
    {"exp": None},
    {"exp": []},
    {"exp": True},
    {"exp": 2**70},
    {"exp": -1},
    {"iat": "1"},
    {"iat": None},
    {"nbf": "x"},
    {"nbf": 2**45},
    {"jti": ""},
    {"jti": None},
    {"jti": 1},
    {"jti": ["x"]},
    {"jti": "a\0b"},
    {"jti": "\ud800"},
    {"jti": "a" * 2000},
    {"iss": "other"},
    {"iss": ...},
    {"iss": ["signer"]},
    {"iss": "Signer"},
    {"sub": "app"},
    {"sub": ["signer"]},
    {"sub": None},
    {"sub": ""},
    {"sub": "\ud800"},
    {"sub": "a\0"},
    {"sub": "a" * 3000},
    {"sub": "' OR 1=1--"},
]


@pytest.mark.parametrize("changes", NOW_CHANGES, ids=str)
def test_a_cli_16_claims_that_are_missing_or_wrong(signer: Signer, changes: dict[str, Any]) -> None:
    """A-CLI-16, K3, K4: 401, never 500."""
    with signer.credenza.unchanged():
        assert_401(signer.send(signer.assertion(**changes)))


@pytest.mark.parametrize(
    "times",
    [{"exp": 10 * 365 * 86400}, {"exp": 400}, {"exp": 0}, {"exp": -10}, {"iat": 120}, {"nbf": 120}],
    ids=str,
)
def test_a_cli_16_times_that_are_too_far_away(signer: Signer, times: dict[str, int]) -> None:
    """A-CLI-16, R-TK-23: exp within five minutes, iat and nbf within one."""
    now = signer.credenza.server.now()
    assert_401(signer.send(signer.assertion(**{name: now + seconds for name, seconds in times.items()})))


@pytest.mark.parametrize(
    "claims",
    [
        b'{"sub":"signer","exp":1e400}',
        b'{"sub":"signer","exp":Infinity}',
        b'{"sub":"signer","exp":NaN}',
        b'{"sub":"signer","exp":' + b"9" * 5000 + b"}",
        b'{"sub":"signer","sub":"app"}',
        b'{"sub":"signer","iss":"signer","iss":"signer"}',
        b"[]",
        b"null",
        b'"x"',
        b"",
        b"{",
        b"\xff\xfe",
        '{"sub":"signer"}'.encode("utf-16"),
        b"[" * 5000,
        b'{"a":' * 4000,
    ],
    ids=range(15),
)
def test_a_cli_16_claims_that_are_no_good_json(signer: Signer, claims: bytes) -> None:
    """A-CLI-16, K4, A-INP-04."""
    header = {"alg": "RS256", "kid": "r1"}
    assert_401(signer.send(signer.forgery.forge(header, claims, signer.rsa_key)))


@pytest.mark.parametrize(
    "assertion",
    ["x", ".", "..", "...", "a.b.c", "e30.e30.e30", "\u00e9.e30.e30", "e30.e30.e30.e30.e30", "a" * 30_000, "=.=.="],
)
def test_an_assertion_that_is_no_jwt(signer: Signer, assertion: str) -> None:
    assert_401(signer.send(assertion))


def test_a_nul_in_the_assertion(signer: Signer) -> None:
    """A-INP-01."""
    assert signer.send("a\0.b.c").status_code == 400


@pytest.mark.parametrize(
    "kid",
    [
        "../../etc/passwd",
        "' OR 1=1--",
        "https://evil.example/jwks",
        "k" * 10_000,
        "a\0b",
        1,
        None,
        [],
        {},
        "",
        "\ud800",
    ],
    ids=repr,
)
def test_a_cli_18_a_strange_kid(signer: Signer, kid: Any) -> None:
    """A-CLI-18."""
    assert_401(signer.send(signer.assertion({"kid": kid})))


@pytest.mark.parametrize("member", ["jku", "x5u", "jwk", "x5c"])
def test_a_cli_19_keys_in_the_header_are_not_believed(signer: Signer, member: str) -> None:
    """A-CLI-19: and nothing is fetched."""
    attackers = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    values = {
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/cert",
        "jwk": signer.forgery.public_jwk(attackers),
        "x5c": ["MIIB"],
    }
    assert_401(signer.send(signer.assertion({member: values[member], "kid": ...}, key=attackers)))
    assert_401(signer.send(signer.assertion({member: values[member]}, key=attackers)))


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"crit": ["x"], "x": 1},
        {"crit": []},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"typ": "at+jwt"},
        {"typ": "dpop+jwt"},
        {"typ": 1},
        {"typ": ["JWT"]},
        {"alg": ...},
        {"alg": 1},
        {"alg": ["RS256"]},
        {"alg": None},
    ],
    ids=str,
)
def test_a_cli_20_headers_that_change_the_meaning(signer: Signer, header: dict[str, Any]) -> None:
    """A-CLI-20, K3."""
    assert_401(signer.send(signer.assertion(header)))


def test_keys_of_one_client_are_not_keys_of_another(credenza: Any, signer: Signer, forgery: Any) -> None:
    """A-CLI-11: the key is chosen by the client that `sub` names."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    application = {
        "client_id": "signer2",
        "name": "Signer 2",
        "type": "machine_to_machine",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [forgery.public_jwk(other, kid="r1")]},
    }
    credenza.apply({"applications": [application]})
    assert_401(signer.send(signer.assertion(key=other)))
    assert_401(signer.send(signer.assertion(iss="signer2", sub="signer2")))
    assert_401(signer.send(signer.assertion(), client_id="signer2"))


def test_our_own_key_signs_no_assertions(credenza: Any, signer: Signer) -> None:
    """R-AT-04: an ID token or access token is no assertion."""
    keys = credenza.run(credenza.server.keys)
    token = jose.sign(signer.claims(), keys.active["RS256"], typ="JWT")
    assert_401(signer.send(token))


@pytest.mark.parametrize(
    "form", [{"client_assertion_type": ""}, {"client_assertion_type": "x"}, {"client_assertion": ""}]
)
def test_the_two_parameters_go_together(signer: Signer, form: dict[str, str]) -> None:
    answer = signer.send(signer.assertion(), **form)
    assert answer.status_code in (400, 401)
    assert "access_token" not in answer.text


def _curve(curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve)


def bad_keys(forgery: Any, rsa_key: Any, ec_key: Any) -> dict[str, dict[str, Any]]:
    rsa_jwk, ec_jwk = forgery.public_jwk(rsa_key), forgery.public_jwk(ec_key)
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    p384 = forgery.public_jwk(_curve(ec.SECP384R1()))
    return {
        "RSA 1024": forgery.public_jwk(weak),
        "RSA 512": {"kty": "RSA", "n": forgery.number((1 << 511) + 1), "e": "AQAB"},
        "e is 1": rsa_jwk | {"e": forgery.number(1)},
        "e is 0": rsa_jwk | {"e": forgery.number(0)},
        "e is even": rsa_jwk | {"e": forgery.number(65536)},
        "e is empty": rsa_jwk | {"e": ""},
        "n is no base64": rsa_jwk | {"n": "!!!"},
        "n is a number": rsa_jwk | {"n": 5},
        "n is missing": {"kty": "RSA", "e": "AQAB"},
        "n is huge": rsa_jwk | {"n": forgery.number((1 << 20_000) + 1)},
        "off the curve": ec_jwk | {"x": forgery.b64(b"\x01" * 32)},
        "x is short": ec_jwk | {"x": forgery.b64(b"\x01")},
        "x is null": ec_jwk | {"x": None},
        "y is missing": {"kty": "EC", "crv": "P-256", "x": ec_jwk["x"]},
        "unknown curve": ec_jwk | {"crv": "P-999"},
        "curve is a list": ec_jwk | {"crv": ["P-256"]},
        "P-384": p384,
        "ES256 with P-384": p384 | {"alg": "ES256"},
        "oct": {"kty": "oct", "k": "c2VjcmV0"},
        "private RSA": rsa_jwk | {"d": "AQAB"},
        "private EC": ec_jwk | {"d": "AQAB"},
        "k beside": rsa_jwk | {"k": "c2VjcmV0"},
        "alg of another kind": rsa_jwk | {"alg": "ES256"},
        "alg HS256": rsa_jwk | {"alg": "HS256"},
        "alg none": rsa_jwk | {"alg": "none"},
        "alg is a list": rsa_jwk | {"alg": ["RS256"]},
        "kid is a number": rsa_jwk | {"kid": 1},
        "kty is missing": {"n": rsa_jwk["n"], "e": "AQAB"},
        "kty is a list": rsa_jwk | {"kty": ["RSA"]},
    }


def test_a_cli_24_weak_and_wrong_keys_are_refused(forgery: Any, rsa_key: Any, ec_key: Any) -> None:
    """A-CLI-24, R-CR-05, K4, K5: with a ValueError, and with nothing else."""
    for name, key in bad_keys(forgery, rsa_key, ec_key).items():
        with contextlib.suppress(ValueError):
            jose.parse_jwks({"keys": [key]})
            pytest.fail(name)
    for jwks in ({}, {"keys": None}, {"keys": {}}, {"keys": ["x"]}, {"keys": [None]}, {"keys": [[]]}, [], "x", None, 1):
        with pytest.raises(ValueError, match=r"\w"):
            jose.parse_jwks(jwks)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="50"):
        jose.parse_jwks({"keys": [forgery.public_jwk(rsa_key)] * 10_000})


@pytest.mark.own_server
def test_a_cli_24_a_bad_key_cannot_be_declared(credenza: Any, forgery: Any, rsa_key: Any, ec_key: Any) -> None:
    application = {"client_id": "signer", "name": "S", "type": "machine_to_machine"}
    for key in bad_keys(forgery, rsa_key, ec_key).values():
        with pytest.raises(StateError):
            credenza.apply({"applications": [application | {"jwks": {"keys": [key]}}]})


def test_timing_of_unknown_clients(credenza: Any) -> None:
    """R-TK-06: nothing slow happens for known clients only."""
    form = {"grant_type": "client_credentials"}

    def fastest(client_id: str) -> float:
        taken = []
        for _ in range(8):
            started = time.process_time()
            credenza.request("POST", "/token", data=form, headers=basic(client_id, "wrong"))
            taken.append(time.process_time() - started)
        return min(taken)

    assert fastest("machine") < fastest("nobody") * 5 + 0.05
