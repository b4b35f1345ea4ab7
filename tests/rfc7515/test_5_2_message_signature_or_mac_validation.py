"""What is no JWS, and what is a JWS with a wrong signature. RFC 7515 §5.2."""

from __future__ import annotations

import pytest

from credenza.protocol import jose

KEY = jose.load_signing_key(jose.generate_private_key("EdDSA"), "EdDSA")


def token() -> str:
    """One whose signature has a character of base64url that base64 does not have."""
    return next(
        signed
        for number in range(1000)
        if "-" in (signed := jose.sign({"number": number}, KEY, typ="JWT")).rpartition(".")[2]
    )


def refused(changed: str) -> str:
    with pytest.raises(jose.InvalidJWT) as caught:
        jose.verify(changed, [jose.verification_key(KEY)], types=("jwt",))
    return str(caught.value)


def test_with_nothing_changed_it_is_valid() -> None:
    assert "number" in jose.verify(token(), [jose.verification_key(KEY)], types=("jwt",))


@pytest.mark.parametrize("added", ["=", "==", "\n", " ", "!", "\r\n", "\0", "é"])
def test_no_other_characters_have_been_used(added: str) -> None:
    """ "Base64url-decode the encoded representation of the JWS Signature, following the restriction that no line
    breaks, whitespace, or other additional characters have been used." RFC 7515 §5.2.
    """
    assert refused(token() + added) == "not a compact JWS"


def test_the_alphabet_is_that_of_base64url() -> None:
    """RFC 4648 §5 has "-" and "_" where base64 has "+" and "/"."""
    head, _, signature = token().rpartition(".")
    assert refused(f"{head}.{signature.replace('-', '+').replace('_', '/')}") == "not a compact JWS"


def test_the_signature_is_over_header_and_payload() -> None:
    """ "If any of these steps fail, the signature or MAC cannot be validated." RFC 7515 §5.2."""
    one, other = token(), jose.sign({"number": -1}, KEY, typ="JWT")
    assert refused(one.rpartition(".")[0] + "." + other.rpartition(".")[2]) == "signature does not match"
    assert refused(one.rpartition(".")[0] + ".") == "signature does not match"
