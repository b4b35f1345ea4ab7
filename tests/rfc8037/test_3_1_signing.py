"""EdDSA with Ed25519, which the library does not have. RFC 8037 §3.1, with the values of its Appendix A."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import pytest

from credenza.protocol import jose

JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
SIGNED = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
SIGNATURE = urlsafe_b64decode(
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg=="
)


def test_the_signature_of_the_example_is_right() -> None:
    """The public key "11qYAYKx…", the signing input and the signature of RFC 8037 Appendix A.4 and A.5."""
    (key,) = jose.parse_jwks({"keys": [JWK]})
    assert key.alg == "EdDSA"
    assert key.key.verify(SIGNED, SIGNATURE)
    assert not key.key.verify(SIGNED + b"x", SIGNATURE)


def test_what_we_sign_others_verify_and_the_key_is_written_as_theirs() -> None:
    """A public key has "kty", "crv" and "x"; the private "d" MUST NOT be there. RFC 8037 §2."""
    key = jose.load_signing_key(jose.generate_private_key("EdDSA"), "EdDSA")
    assert (key.public_jwk["kty"], key.public_jwk["crv"], "d" in key.public_jwk) == ("OKP", "Ed25519", False)
    (theirs,) = jose.parse_jwks({"keys": [dict(key.public_jwk)]})
    assert theirs.key.verify(SIGNED, key.key.sign(SIGNED))


def test_its_thumbprint_is_that_of_the_example() -> None:
    """RFC 8037 Appendix A.3, by RFC 7638 §3."""
    assert jose.thumbprint_of(JWK) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("crv", ["Ed448", "X25519", "P-256"])
def test_no_other_curve(crv: str) -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        jose.parse_jwks({"keys": [JWK | {"crv": crv}]})
