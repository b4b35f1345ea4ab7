"""PS256, which the library does not have. RFC 7518 §3.5."""

from __future__ import annotations

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from credenza.protocol import jose


@pytest.fixture(scope="module")
def private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pss(salt_length: int) -> padding.PSS:
    return padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=salt_length)


def test_the_salt_is_as_long_as_the_hash(private: rsa.RSAPrivateKey) -> None:
    """ "The size of the salt value is the same size as the hash function output." RFC 7518 §3.5."""
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = jose.load_signing_key(pem, "PS256")
    signature = key.key.sign(b"signed")
    private.public_key().verify(signature, b"signed", pss(32), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        private.public_key().verify(signature, b"signed", pss(20), hashes.SHA256())
    public = jose.verification_key(key).key
    assert public.verify(b"signed", private.sign(b"signed", pss(32), hashes.SHA256()))
    assert not public.verify(b"signed", private.sign(b"signed", pss(20), hashes.SHA256()))


def test_it_is_not_the_other_way_to_sign_with_such_a_key(private: rsa.RSAPrivateKey) -> None:
    """RSASSA-PKCS1-v1_5 is RS256, and a key is for one algorithm."""
    jwk = jwt.get_algorithm_by_name("PS256").to_jwk(private.public_key(), as_dict=True) | {"alg": "PS256"}
    (public,) = jose.parse_jwks({"keys": [jwk]})
    assert not public.key.verify(b"signed", private.sign(b"signed", padding.PKCS1v15(), hashes.SHA256()))


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
def test_a_key_has_2048_bits_or_more(alg: str) -> None:
    """ "A key of size 2048 bits or larger MUST be used with this algorithm." RFC 7518 §3.3, §3.5."""
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    jwk = jwt.get_algorithm_by_name(alg).to_jwk(small.public_key(), as_dict=True) | {"alg": alg}
    with pytest.raises(ValueError, match="2048"):
        jose.parse_jwks({"keys": [jwk]})
