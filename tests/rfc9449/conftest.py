"""A client that has a key, and the proofs it makes."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from credenza.testing import Callback, Credenza, RelyingParty, UserAgent

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
