"""A client that can be made to do any one thing, by any one value of the metadata document."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import joserfc.jwt
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import OKPKey

from credenza.testing import SECRET, Callback, Credenza, PageSeen, RelyingParty, UserAgent, running, test_settings

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REDIRECT_URI = "https://probe.example.com/cb"


class Pair:
    """A client's key pair for one algorithm, whether we know that or not."""

    def __init__(self, alg: str) -> None:
        self.alg = alg
        if alg.startswith("ES"):
            curve = {"ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}.get(alg, ec.SECP256R1())
            self.private: Any = ec.generate_private_key(curve)
        elif alg in ("EdDSA", "Ed25519"):
            self.private = ed25519.Ed25519PrivateKey.generate()
        elif alg[:2] in ("RS", "PS"):
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        else:
            self.private = SECRET if alg.startswith("HS") else ""

    @property
    def jwk(self) -> dict[str, Any]:
        name = "EdDSA" if self.alg == "Ed25519" else self.alg
        made = jwt.get_algorithm_by_name(name).to_jwk(self.private.public_key(), as_dict=True)
        return {name: value for name, value in made.items() if name != "key_ops"}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        if self.alg == "Ed25519":  # which the library knows as EdDSA only
            key = OKPKey.import_key(self.private)
            return joserfc.jwt.encode({"alg": self.alg, **header}, claims, key, algorithms=[self.alg])
        return jwt.encode(claims, self.private or None, algorithm=self.alg, headers=header)


class Probe:
    """One application of the running server, declared as a test wants it."""

    def __init__(self, credenza: Credenza, **declared: Any) -> None:
        self.credenza = credenza
        self.id = f"probe-{uuid4().hex[:10]}"
        document: dict[str, Any] = {
            "client_id": self.id,
            "name": "Probe",
            "type": "traditional",
            "third_party": False,
            "redirect_uris": [REDIRECT_URI],
            "client_secret": SECRET,
        }
        document |= declared
        if document["type"] in ("spa", "native") or document.get("jwks"):
            document.pop("client_secret")
        credenza.apply({"applications": [document]})
        method = document.get("token_endpoint_auth_method", "client_secret_basic")
        method = "none" if document["type"] in ("spa", "native") else method
        self.party = RelyingParty(credenza, self.id, REDIRECT_URI, auth_method=method)

    def authorize(self, user_agent: UserAgent, **changes: str | None) -> Callback:
        seen = user_agent.authorize(self.party, **changes)
        assert isinstance(seen, Callback), seen.text
        return seen

    def refused(self, user_agent: UserAgent, **changes: str | None) -> str:
        """The error that comes back, at the redirect URI or on a page."""
        seen = user_agent.get(self.party.authorization_url(**changes))
        return seen.error if isinstance(seen, Callback | PageSeen) else ""

    def assertion(self, pair: Pair) -> dict[str, str]:
        now = int(time.time())
        claims = {"iss": self.id, "sub": self.id, "aud": self.credenza.issuer, "jti": secrets.token_urlsafe(16)}
        signed = pair.sign(claims | {"iat": now, "exp": now + 60})
        return {"client_id": self.id, "client_assertion_type": JWT_BEARER, "client_assertion": signed}

    def proof(self, pair: Pair, path: str, method: str = "POST", token: str = "") -> str:
        jwk = pair.jwk if pair.private and not isinstance(pair.private, str) else {"kty": "oct", "k": "AAAA"}
        claims = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": self.credenza.issuer + path,
            "iat": int(time.time()),
        }
        if token:
            claims["ath"] = urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        return pair.sign(claims, typ="dpop+jwt", jwk=jwk)

    def post(self, path: str, form: dict[str, str], **options: Any) -> httpx.Response:
        return self.credenza.request("POST", path, data=form, **options)


@pytest.fixture(scope="module")
def credenza(copy_database: Callable[[str], str]) -> Iterator[Credenza]:
    """One server for all values: each test declares an application of its own."""
    with running(test_settings(copy_database(os.environ.get("TEST_ENGINE", "sqlite")))) as started:
        yield started


@pytest.fixture
def probe(credenza: Credenza) -> Callable[..., Probe]:
    return lambda **declared: Probe(credenza, **declared)


@pytest.fixture
def document(credenza: Credenza) -> dict[str, Any]:
    return dict(credenza.request("GET", "/.well-known/openid-configuration").json())
