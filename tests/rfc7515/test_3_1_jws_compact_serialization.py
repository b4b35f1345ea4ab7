"""What we sign is a JWS in its compact serialization. RFC 7515 §3.1, §5.1."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from typing import Any

import jwt
import pytest

from credenza.protocol import jose

CLAIMS = {"sub": "ada", "name": "Ada 愛 ÿ?>"}


@pytest.fixture(scope="module", params=["RS256", "ES256", "PS256", "EdDSA"])
def key(request: pytest.FixtureRequest) -> jose.SigningKey:
    return jose.load_signing_key(jose.generate_private_key(request.param), request.param)


def decoded(part: str) -> Any:
    return json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_three_parts_in_base64url_without_padding(key: jose.SigningKey) -> None:
    """ "BASE64URL(UTF8(JWS Protected Header)) || '.' || BASE64URL(JWS Payload) || '.' || BASE64URL(JWS Signature)".
    RFC 7515 §3.1.
    """
    token = jose.sign(CLAIMS, key, typ="JWT")
    assert re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", token)
    header, payload, _ = token.split(".")
    assert decoded(header) == {"alg": key.alg, "kid": key.kid, "typ": "JWT"}
    assert decoded(payload) == CLAIMS


def test_5_1_others_verify_the_signature_over_the_first_two_parts(key: jose.SigningKey) -> None:
    """The signing input is "ASCII(BASE64URL(UTF8(JWS Protected Header)) || '.' || BASE64URL(JWS Payload))". RFC 7515
    §5.1.
    """
    token = jose.sign(CLAIMS, key, typ="JWT")
    public = jwt.PyJWK.from_dict(dict(key.public_jwk))
    assert jwt.decode(token, public, algorithms=[key.alg]) == CLAIMS
