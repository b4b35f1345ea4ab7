"""A client that keeps to the FAPI 2.0 Security Profile: requests are right but for the changes that a test names."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from credenza.testing import Callback, Credenza, RelyingParty, UserAgent

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REDIRECT_URI = "https://bank.example.com/cb"


def new_private_key(alg: str) -> Any:
    if alg == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if alg == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class SigningPair:
    alg: str = "ES256"
    private: Any = None

    def __post_init__(self) -> None:
        self.private = self.private or new_private_key(self.alg)

    @property
    def jwk(self) -> dict[str, Any]:
        made = jwt.get_algorithm_by_name(self.alg).to_jwk(self.private.public_key(), as_dict=True)
        return {name: value for name, value in made.items() if name != "key_ops"}


@dataclass
class Bank:
    """The client. `assertion` and `proof` make what it sends; both take changes."""

    credenza: Credenza
    client_id: str
    keys: SigningPair = field(default_factory=SigningPair)
    dpop: SigningPair = field(default_factory=SigningPair)
    redirect_uri: str = REDIRECT_URI

    def __post_init__(self) -> None:
        self.party = RelyingParty(self.credenza, self.client_id, self.redirect_uri, auth_method="none")

    def declared(self, **changes: Any) -> dict[str, Any]:
        """As it stands in the desired-state file."""
        return {
            "client_id": self.client_id,
            "name": "Harbour Bank",
            "type": "traditional",
            "third_party": True,
            "profile": "fapi2",
            "redirect_uris": [self.redirect_uri],
            "jwks": {"keys": [self.keys.jwk]},
            "permissions": {"profile": ["profile", "email"]},
        } | changes

    def assertion(self, *, alg: str | None = None, key: Any = None, **changes: Any) -> dict[str, str]:
        now = int(time.time()) + self.credenza.clock.offset
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.credenza.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        signed = jwt.encode(claims, key or self.keys.private, algorithm=alg or self.keys.alg)
        return {"client_assertion_type": JWT_BEARER, "client_assertion": signed}

    def proof(self, path: str, method: str = "POST", *, token: str = "", pair: SigningPair | None = None) -> str:
        pair, now = pair or self.dpop, int(time.time()) + self.credenza.clock.offset
        claims = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": self.credenza.issuer + path, "iat": now}
        if token:
            hashed = hashlib.sha256(token.encode()).digest()
            claims["ath"] = urlsafe_b64encode(hashed).rstrip(b"=").decode()
        headers = {"typ": "dpop+jwt", "jwk": pair.jwk}
        return jwt.encode(claims, pair.private, algorithm=pair.alg, headers=headers)

    def post(self, path: str, form: dict[str, str | None], *, proof: str | None = None) -> httpx.Response:
        body = {"client_id": self.client_id, **(self.assertion() if "client_assertion" not in form else {}), **form}
        headers = {"dpop": self.proof(path) if proof is None else proof} if proof != "" else {}
        return self.credenza.request("POST", path, data={n: v for n, v in body.items() if v}, headers=headers)

    def push(self, *, proof: str | None = "", **changes: str | None) -> httpx.Response:
        request = dict(parse_qsl(urlsplit(self.party.authorization_url()).query))
        return self.post("/par", request | changes, proof=proof)

    def pushed_url(self, **changes: str | None) -> str:
        response = self.push(**changes)
        assert response.status_code == 201, response.text
        return "/authorize?" + urlencode({"client_id": self.client_id, "request_uri": response.json()["request_uri"]})

    def authorize(self, user_agent: UserAgent, **changes: str | None) -> Callback:
        seen = user_agent.through(self.pushed_url(**changes))
        assert isinstance(seen, Callback), seen.text
        return seen

    def redeem(self, callback: Callback, *, proof: str | None = None, **changes: str | None) -> httpx.Response:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": callback.parameters.get("code"),
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.party.verifier,
        }
        return self.post("/token", form | changes, proof=proof)

    def tokens(self, user_agent: UserAgent, **changes: str | None) -> dict[str, Any]:
        response = self.redeem(self.authorize(user_agent, **changes))
        assert response.status_code == 200, response.text
        return dict(response.json())

    def userinfo(self, token: str, *, scheme: str = "DPoP", pair: SigningPair | None = None) -> httpx.Response:
        headers = {"authorization": f"{scheme} {token}", "dpop": self.proof("/userinfo", "GET", token=token, pair=pair)}
        return self.credenza.request("GET", "/userinfo", headers=headers)


@pytest.fixture
def new_bank(credenza: Credenza) -> Callable[..., Bank]:
    def register(alg: str = "ES256", client_id: str = "bank", **changes: Any) -> Bank:
        bank = Bank(credenza, client_id, SigningPair(alg))
        credenza.apply({"applications": [bank.declared(**changes)]})
        return bank

    return register


@pytest.fixture
def bank(new_bank: Callable[..., Bank]) -> Bank:
    return new_bank()
