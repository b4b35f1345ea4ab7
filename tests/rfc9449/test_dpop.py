"""RFC 9449, demonstrating proof of possession."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from credenza.protocol.jose import thumbprint_of
from credenza.testing import ORDERS, Callback, Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web import dpop

ISSUER = "https://id.example.com"


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """A client's key pair, and the proofs it makes."""

    def __init__(self, alg: str = "ES256") -> None:
        self.alg = alg
        algorithm = jwt.get_algorithm_by_name(alg)
        if alg == "ES256":
            self.private: Any = ec.generate_private_key(ec.SECP256R1())
        elif alg == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.jwk = algorithm.to_jwk(self.private.public_key(), as_dict=True)
        self.jwk.pop("key_ops", None)
        self.private_jwk = algorithm.to_jwk(self.private, as_dict=True)

    def proof(self, path: str, method: str = "POST", *, now: int = 0, token: str | None = None, **changes: Any) -> str:
        claims = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": ISSUER + path, "iat": now or int(time.time())}
        if token is not None:
            claims["ath"] = encode(hashlib.sha256(token.encode()).digest())
        header = {"typ": "dpop+jwt", "jwk": self.jwk}
        for name in ("typ", "jwk"):
            if name in changes:
                header[name] = changes.pop(name)
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(claims, self.private, algorithm=self.alg, headers=header)


def redeem(client: RelyingParty, callback: Any, key: Key, **changes: Any) -> httpx.Response:
    assert isinstance(callback, Callback)
    form = {
        "grant_type": "authorization_code",
        "code": callback.code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": client.verifier,
    }
    return client.post("/token", form, headers={"dpop": key.proof("/token", **changes)})


def userinfo(credenza: Credenza, token: str, *proofs: str, scheme: str = "DPoP") -> httpx.Response:
    headers = [("authorization", f"{scheme} {token}"), *(("dpop", proof) for proof in proofs)]
    return credenza.request("GET", "/userinfo", headers=headers)


@pytest.fixture
def key() -> Key:
    return Key()


@pytest.fixture
def token(user_agent: UserAgent, client: RelyingParty, key: Key) -> str:
    """An access token that is bound to `key`."""
    return str(redeem(client, user_agent.authorize(client), key).json()["access_token"])


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "RS256"])
def test_5_a_proof_binds_the_access_token(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, alg: str
) -> None:
    """ "A token_type of DPoP MUST be included in the access token response to signal to the client that the access
    token was bound to its DPoP key". RFC 9449 §5, §6.2. SECURITY R-DP-06.
    """
    key = Key(alg)
    tokens = redeem(client, user_agent.authorize(client), key).json()
    assert tokens["token_type"] == "DPoP"
    token = tokens["access_token"]
    answer = userinfo(credenza, token, key.proof("/userinfo", "GET", token=token))
    assert answer.json()["email"] == "ada@example.com"
    introspected = client.introspect(token)
    assert introspected["token_type"] == "DPoP"
    assert len(introspected["cnf"]["jkt"]) == 43


def test_6_a_jwt_access_token_carries_the_thumbprint(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    """The member "jkt" of "cnf" is the thumbprint of the key. RFC 9449 §6.1."""
    callback = user_agent.authorize(client, scope="openid orders:read", resource=ORDERS)
    token = redeem(client, callback, key).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["cnf"]["jkt"] == client.introspect(token)["cnf"]["jkt"]


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 513},
        {"jti": "x\0y"},
        {"htm": None},
        {"htm": "GET"},
        {"htu": None},
        {"htu": "https://id.example.com/par"},
        {"htu": "https://evil.example/token"},
        {"htu": "http://id.example.com/token"},
        {"htu": "https://id.example.com:8443/token"},
        {"htu": "https://id.example.com:port/token"},
        {"htu": "https://ada@id.example.com/token"},
        {"htu": "https://[id.example.com/token"},
        {"iat": None},
        {"iat": "now"},
        {"iat": 1e400},
        {"exp": 1},
        {"nbf": int(time.time()) + 3600},
        {"now": 1},
        {"now": 2**50},
        {"jwk": {"kty": "EC"}},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": None},
        {"jwk": Key().jwk},
        {"jwk": Key().private_jwk},
    ],
)
def test_4_3_a_wrong_proof_is_refused(
    user_agent: UserAgent, client: RelyingParty, key: Key, changes: dict[str, Any]
) -> None:
    """ "If the DPoP proof is invalid, the authorization server issues an error response … with invalid_dpop_proof as
    the value of the error parameter." RFC 9449 §5, §4.3. SECURITY R-DP-01, R-DP-02, R-DP-03, A-DPO-02, A-DPO-04.
    """
    response = redeem(client, user_agent.authorize(client), key, **changes)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")
    assert "access_token" not in response.text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"typ": "JWT"}, "typ must be dpop+jwt"),
        ({"jwk": None}, "has no jwk"),
        ({"jwk": Key().private_jwk}, "private key"),
        ({"jwk": Key().jwk}, "signature does not match"),
        ({"exp": 1}, "expired"),
        ({"now": 1}, "more than 60 seconds ago"),
        ({"htm": "GET"}, "htm must be POST, and htu https://id.example.com/token"),
        ({"htu": "http://internal:8400/token"}, "htm must be POST, and htu https://id.example.com/token"),
    ],
)
def test_5_whoever_made_the_proof_is_told_what_is_wrong(
    user_agent: UserAgent, client: RelyingParty, key: Key, changes: dict[str, Any], told: str
) -> None:
    """It brings its own key, so nobody else's secret is in the answer."""
    answer = redeem(client, user_agent.authorize(client), key, **changes).json()
    assert told in answer["error_description"]


def test_4_2_typ_is_a_media_type(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    """ "A recipient … MUST treat it as if "application/" were prepended". RFC 7515 §4.1.9."""
    assert redeem(client, user_agent.authorize(client), key, typ="application/DPoP+jwt").status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(-61, 400), (-55, 200), (60, 200), (66, 400)])
def test_4_3_a_proof_is_good_for_a_minute_before_and_after(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, key: Key, seconds: int, status: int
) -> None:
    """ "The creation time of the JWT … is within an acceptable window". RFC 9449 §4.3."""
    response = redeem(client, user_agent.authorize(client), key, now=credenza.clock.now() + seconds)
    assert response.status_code == status


def test_4_3_two_proofs_in_one_header_are_refused_as_such(credenza: Credenza, token: str, key: Key) -> None:
    """ "There is not more than one DPoP HTTP request header field." RFC 9449 §4.3."""
    proofs = ", ".join(key.proof("/userinfo", "GET", token=token) for _ in range(2))
    assert "exactly one" in userinfo(credenza, token, proofs).json()["error_description"]


def test_4_2_a_long_jti_is_as_good_as_a_short_one(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    assert redeem(client, user_agent.authorize(client), key, jti="x" * 512).status_code == 200


def test_4_3_query_and_fragment_of_htu_do_not_count(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    """htu is compared with "the HTTP URI value for the HTTP request … ignoring any query and fragment parts", after
    normalization. RFC 9449 §4.3, RFC 3986 §6.2.2, §6.2.3.
    """
    response = redeem(client, user_agent.authorize(client), key, htu="HTTPS://ID.example.com:443/token?a=b#c")
    assert response.status_code == 200


@pytest.mark.parametrize("seconds", [-10, 8, 10])
def test_a_clock_that_is_a_little_off_is_accepted(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, key: Key, seconds: int
) -> None:
    response = redeem(client, user_agent.authorize(client), key, now=credenza.clock.now() + seconds)
    assert response.status_code == 200


def test_11_1_a_proof_is_used_once(credenza: Credenza, token: str, key: Key) -> None:
    """The jti is remembered as long as the proof would be accepted, "to prevent multiple uses of the same DPoP proof".
    RFC 9449 §11.1. SECURITY R-DP-04, A-DPO-01, A-DPO-06.
    """
    proof = key.proof("/userinfo", "GET", token=token, now=credenza.clock.now() + 50)
    assert userinfo(credenza, token, proof).status_code == 200
    for seconds in (0, 50, 58):
        credenza.clock.move(seconds)
        again = userinfo(credenza, token, proof)
        assert again.status_code == 401
        assert again.json()["error"] == "invalid_dpop_proof"


def test_two_keys_may_choose_the_same_jti(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """SECURITY A-DPO-07."""
    for key in (Key(), Key()):
        assert redeem(client, user_agent.authorize(client), key, jti="the-same").status_code == 200


@pytest.mark.parametrize("what", ["bearer", "no proof", "another key", "wrong ath", "no ath", "two proofs", "joined"])
def test_7_a_bound_token_is_nothing_without_its_key(credenza: Credenza, token: str, key: Key, what: str) -> None:
    """The request "MUST include both a DPoP proof … and the access token", RFC 9449 §7; and a resource "MUST reject a
    DPoP-bound access token received as a bearer token", RFC 9449 §7.2. SECURITY R-DP-05, A-DPO-03, A-DPO-05.
    """
    good = key.proof("/userinfo", "GET", token=token)
    answer = {
        "bearer": lambda: userinfo(credenza, token, scheme="Bearer"),
        "no proof": lambda: userinfo(credenza, token),
        "another key": lambda: userinfo(credenza, token, Key().proof("/userinfo", "GET", token=token)),
        "wrong ath": lambda: userinfo(credenza, token, key.proof("/userinfo", "GET", token="other")),
        "no ath": lambda: userinfo(credenza, token, key.proof("/userinfo", "GET")),
        "two proofs": lambda: userinfo(credenza, token, good, key.proof("/userinfo", "GET", token=token)),
        "joined": lambda: userinfo(credenza, token, f"{good}, {good}"),
    }[what]()
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("DPoP")
    assert f'error_description="{answer.json()["error_description"]}"' in answer.headers["www-authenticate"]


def test_7_1_a_token_that_is_no_longer_good_is_refused_in_the_scheme_it_came_by(
    credenza: Credenza, client: RelyingParty, token: str, key: Key
) -> None:
    """Whoever is answered with Bearer would send the next one without a proof. RFC 9449 §7.1."""
    client.revoke(token)
    answer = userinfo(credenza, token, key.proof("/userinfo", "GET", token=token))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith('DPoP error="invalid_token"')


def test_7_1_so_is_one_that_is_good_for_something_else(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, key: Key
) -> None:
    """RFC 9449 §7.1, with the error of RFC 6750 §3.1."""
    token = redeem(client, user_agent.authorize(client, scope=None), key).json()["access_token"]
    answer = userinfo(credenza, token, key.proof("/userinfo", "GET", token=token))
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert answer.headers["www-authenticate"].startswith('DPoP error="insufficient_scope"')


def test_7_1_the_challenge_names_the_algorithms(credenza: Credenza, token: str) -> None:
    """ "algs … is a space-delimited list of JWS alg (Algorithm) header values", and SHOULD be there. RFC 9449 §7.1."""
    challenge = userinfo(credenza, token).headers["www-authenticate"]
    named = challenge.partition('algs="')[2].partition('"')[0].split(" ")
    document = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert named == document["dpop_signing_alg_values_supported"]


def test_7_1_the_scheme_in_any_letter_case(credenza: Credenza, token: str, key: Key) -> None:
    """The access token is sent "with an authentication scheme of DPoP". RFC 9449 §7.1."""
    for scheme in ("dpop", "DPOP", "DPoP"):
        proof = key.proof("/userinfo", "GET", token=token)
        assert userinfo(credenza, token, proof, scheme=scheme).status_code == 200


def test_10_the_code_is_bound_by_dpop_jkt(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    """ "If they do not match, it MUST reject the request." RFC 9449 §10. SECURITY R-DP-07, A-DPO-10."""
    jkt = thumbprint_of(key.jwk)
    assert redeem(client, user_agent.authorize(client, dpop_jkt=jkt), key).status_code == 200
    other = redeem(client, user_agent.authorize(client, dpop_jkt=jkt), Key())
    assert other.json()["error"] in ("invalid_grant", "invalid_dpop_proof")
    assert client.redeem(user_agent.authorize(client, dpop_jkt=jkt)).status_code == 400


def push(client: RelyingParty, key: Key, **changes: str) -> httpx.Response:
    request = dict(parse_qsl(urlsplit(client.authorization_url()).query))
    return client.post("/par", request | changes, headers={"dpop": key.proof("/par")})


def test_10_1_a_proof_at_par_binds_the_code(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    """The server checks the proof, and acts as if its thumbprint had been in dpop_jkt. RFC 9449 §10.1."""
    answers = {}
    for name, shown in {"the same": key, "another": Key()}.items():
        pushed = push(client, key)
        assert pushed.status_code == 201, pushed.text
        request = urlencode({"client_id": "app", "request_uri": pushed.json()["request_uri"]})
        seen = user_agent.get(f"/authorize?{request}")
        if isinstance(seen, PageSeen) and seen.name == "sign-in":
            seen = user_agent.sign_in()
        answers[name] = redeem(client, seen if isinstance(seen, Callback) else user_agent.decide(), shown).json()
    assert answers["the same"]["token_type"] == "DPoP"
    assert answers["another"]["error"] == "invalid_dpop_proof"


def test_10_1_both_ways_at_once_must_agree(client: RelyingParty, key: Key) -> None:
    """ "the authorization server MUST reject the request if the JWK Thumbprint in dpop_jkt does not match the public
    key in the DPoP header." RFC 9449 §10.1.
    """
    assert push(client, key, dpop_jkt=thumbprint_of(key.jwk)).status_code == 201
    assert push(client, key, dpop_jkt="A" * 43).json()["error"] == "invalid_dpop_proof"


def test_5_refresh_tokens_of_public_clients_are_bound(user_agent: UserAgent, spa: RelyingParty, key: Key) -> None:
    """ "the refresh token MUST be bound to the respective public key. The binding MUST be validated when the refresh
    token is later presented". RFC 9449 §5. SECURITY A-REF-14.
    """
    tokens = redeem(spa, user_agent.authorize(spa, scope="openid offline_access"), key).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert spa.post("/token", form).status_code == 400
    assert spa.post("/token", form, headers={"dpop": Key().proof("/token")}).status_code == 400
    refreshed = spa.post("/token", form, headers={"dpop": key.proof("/token")})
    assert refreshed.status_code == 200
    assert refreshed.json()["token_type"] == "DPoP"
    form["refresh_token"] = refreshed.json()["refresh_token"]  # the key goes on to the successor
    assert spa.post("/token", form, headers={"dpop": Key().proof("/token")}).status_code == 400
    assert spa.post("/token", form).status_code == 400
    assert spa.post("/token", form, headers={"dpop": key.proof("/token")}).status_code == 200


def test_refresh_tokens_of_confidential_clients_take_a_new_key(
    user_agent: UserAgent, client: RelyingParty, key: Key
) -> None:
    """FAPI 2.0: "a new DPoP key is accepted"."""
    tokens = redeem(client, user_agent.authorize(client, scope="openid offline_access"), key).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert client.post("/token", form, headers={"dpop": Key().proof("/token")}).json()["token_type"] == "DPoP"


def test_a_client_that_requires_it_gets_no_bearer_token(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, key: Key
) -> None:
    """ "the authorization server MUST reject token requests from the client that do not contain the DPoP header." RFC
    9449 §5.2.
    """
    metadata = {"dpop_bound_access_tokens": True}
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "metadata": metadata}]})
    callback = user_agent.authorize(client)
    assert client.redeem(callback).json()["error"] == "invalid_request"
    assert redeem(client, callback, key).status_code == 200


def test_strangers_leave_only_so_many_proofs_behind(
    credenza: Credenza, spa: RelyingParty, client: RelyingParty, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-BRU-13: each is remembered for minutes, also when the request is refused; whoever is known may send more."""
    monkeypatch.setattr(dpop, "BY_ADDRESS", replace(dpop.BY_ADDRESS, burst=3, seconds=3600))

    def nonsense(party: RelyingParty, address: str = "203.0.113.7", path: str = "/token") -> int:
        headers = {"dpop": key.proof(path)}
        return party.post(path, {"grant_type": "authorization_code"}, headers=headers, address=address).status_code

    assert [nonsense(spa) for _ in range(5)] == [400, 400, 400, 400, 429]
    assert nonsense(spa, path="/par") == 429
    assert (nonsense(spa, "203.0.113.8"), nonsense(client)) == (400, 400)
