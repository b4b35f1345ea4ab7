"""RFC 7517 §5: the keys of a client, among which may be some that we have no use for."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519

from credenza.protocol import jose


def public(curve: ec.EllipticCurve, maker: str, **members: Any) -> dict[str, Any]:
    jwk = jwt.get_algorithm_by_name(maker).to_jwk(ec.generate_private_key(curve).public_key(), as_dict=True)
    return {name: value for name, value in jwk.items() if name != "key_ops"} | members


def foreign() -> dict[str, dict[str, Any]]:
    x = jwt.utils.base64url_encode(x25519.X25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    return {
        "another curve": public(ec.SECP384R1(), "ES384"),
        "another algorithm": public(ec.SECP521R1(), "ES512", alg="ES512"),
        "for encryption, without use": public(ec.SECP256R1(), "ES256", alg="ECDH-ES+A256KW"),
        "another type": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
        "key agreement": {"kty": "OKP", "crv": "X25519", "x": x},
    }


@pytest.mark.parametrize("kind", sorted(foreign()))
def test_5_keys_of_other_kinds_are_ignored_beside_one_of_ours(kind: str) -> None:
    """ "Implementations SHOULD ignore JWKs within a JWK Set that use "kty" … values that are not understood"."""
    ours = public(ec.SECP256R1(), "ES256", kid="ours")
    found = jose.parse_jwks({"keys": [foreign()[kind], ours]})
    assert [(key.kid, key.alg) for key in found] == [("ours", "ES256")]


@pytest.mark.parametrize("kind", sorted(foreign()))
def test_5_a_set_without_any_of_ours_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match=r"accepted|are on"):
        jose.parse_jwks({"keys": [foreign()[kind]]})


def test_5_a_private_or_symmetric_key_is_never_ignored() -> None:
    ours = public(ec.SECP256R1(), "ES256")
    for bad in ({"kty": "oct", "k": "AAAA"}, {"kty": "AKP", "alg": "ML-DSA-44", "d": "AAAA"}, ours | {"alg": "HS256"}):
        with pytest.raises(ValueError, match=r"\w"):
            jose.parse_jwks({"keys": [ours, bad]})
