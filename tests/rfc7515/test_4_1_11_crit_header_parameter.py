"""Extensions that a signer insists on. RFC 7515 §4.1.11."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from credenza.protocol import jose

PRIVATE = ec.generate_private_key(ec.SECP256R1())


def verified(**header: Any) -> dict[str, Any]:
    jwk = jwt.get_algorithm_by_name("ES256").to_jwk(PRIVATE.public_key(), as_dict=True)
    token = jwt.encode({"sub": "ada"}, PRIVATE, algorithm="ES256", headers={"typ": "JWT", **header})
    return jose.verify(token, jose.parse_jwks({"keys": [jwk]}), types=("jwt",))


@pytest.mark.parametrize("header", [{"crit": ["exp"], "exp": 1}, {"crit": ["x"]}, {"crit": []}, {"crit": "x"}])
def test_what_is_critical_and_not_understood_makes_it_invalid(header: dict[str, Any]) -> None:
    """ "If any of the listed extension Header Parameters are not understood and supported by the recipient, then the
    JWS is invalid." RFC 7515 §4.1.11.
    """
    with pytest.raises(jose.InvalidJWT, match="crit"):
        verified(**header)


def test_what_is_not_critical_is_ignored() -> None:
    """Other Header Parameters "MUST be ignored when not understood" (§4)."""
    assert verified(x="y") == {"sub": "ada"}
