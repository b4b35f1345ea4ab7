"""A client that has a key, and seals its requests with it."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from credenza.testing import Credenza, RelyingParty

KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(autouse=True)
def registered_key(credenza: Credenza) -> None:
    jwk = jwt.get_algorithm_by_name("ES256").to_jwk(KEY.public_key(), as_dict=True)
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "jwks": {"keys": [jwk]}}]})


def sealed(client: RelyingParty, key: Any = KEY, alg: str = "ES256", typ: str = "JWT", **changes: Any) -> str:
    claims = {
        "iss": "app",
        "aud": "https://id.example.com",
        "exp": int(time.time()) + 300,
        "client_id": "app",
        "response_type": "code",
        "redirect_uri": "https://app.example.com/cb",
        "scope": "openid email",
        "state": "inside",
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, key, algorithm=alg, headers={"typ": typ})
