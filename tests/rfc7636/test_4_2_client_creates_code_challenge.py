"""From the verifier to the challenge, in one way only. RFC 7636 §4.2."""

from __future__ import annotations

from credenza.protocol.pkce import s256
from credenza.testing import Credenza


def test_the_challenge_is_the_hash_in_base64url() -> None:
    """ "code_challenge = BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))", with the values of Appendix B."""
    assert s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_metadata_names_s256_and_nothing_else(credenza: Credenza) -> None:
    """ "S256" is Mandatory To Implement (MTI) on the server, and a client that can use it must."""
    document = credenza.request("GET", "/.well-known/oauth-authorization-server").json()
    assert document["code_challenge_methods_supported"] == ["S256"]
