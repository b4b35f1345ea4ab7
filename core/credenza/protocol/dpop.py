"""Demonstrating proof of possession: the proof, as a JWT in a header of its own. RFC 9449 §4.2."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import urlsplit

from . import base64url, jose
from .errors import InvalidDPoPProof
from .redirect_uris import USUAL_PORTS

OLDEST = 60  # seconds
AHEAD = jose.SKEW
JKT = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Proof:
    """A valid proof: the thumbprint of its key, and what makes it usable once."""

    jkt: str
    jti: str
    iat: int

    @property
    def forgotten_at(self) -> int:
        """When no proof with this `iat` is accepted any more, whatever the skew."""
        return self.iat + OLDEST + AHEAD + 1


def check_proof(
    headers: Sequence[str],
    *,
    method: str,
    url: str,
    now: int,
    access_token: str | None = None,
    algorithms: Sequence[str] = jose.ALGORITHMS,
) -> Proof:
    """The checks of RFC 9449 §4.3, but for the one-time use of `jti`. `url` is our address of the endpoint."""
    if len(headers) != 1 or "," in headers[0]:
        raise InvalidDPoPProof("Send exactly one DPoP header.")
    try:
        header = jose.read_header(headers[0])
        jwk = header.get("jwk")
        if not isinstance(jwk, dict):
            raise jose.InvalidJWT("its header has no jwk")
        if jose.algorithm(header["alg"]) not in algorithms:
            raise jose.InvalidJWT(f"alg must be one of {', '.join(algorithms)}")
        claims = jose.verify(headers[0], jose.parse_jwks({"keys": [jwk]}), types=("dpop+jwt",))
        jose.check_times({"exp": now + 1, **claims}, now)
    except (jose.InvalidJWT, ValueError) as error:
        # It brings its own key: whoever made it may know what is wrong.
        raise InvalidDPoPProof(f"The DPoP proof is not acceptable: {str(error).removesuffix('.')}.") from error
    jti, iat = claims.get("jti"), claims["iat"]
    if not isinstance(jti, str) or not 0 < len(jti) <= 512 or "\0" in jti:
        raise InvalidDPoPProof("jti of the DPoP proof must be a text of 1 to 512 characters.")
    if iat < now - OLDEST:
        raise InvalidDPoPProof(f"iat of the DPoP proof is more than {OLDEST} seconds ago.")
    if claims.get("htm") != method or not same_address(claims.get("htu"), url):
        raise InvalidDPoPProof(f"The DPoP proof is of another request: htm must be {method}, and htu {url}.")
    if access_token is not None:
        ath = claims.get("ath")
        if not isinstance(ath, str) or not compare_digest(ath.encode(), _hash(access_token).encode()):
            raise InvalidDPoPProof("ath of the DPoP proof is not the hash of the access token.")
    return Proof(jose.thumbprint_of(jwk), jti, int(iat))


def same_address(sent: object, url: str) -> bool:
    """Without query and fragment, after normalisation (RFC 3986 §6.2.2, §6.2.3). RFC 9449 §4.3."""
    if not isinstance(sent, str):
        return False
    try:
        theirs, ours = urlsplit(sent), urlsplit(url)
        ports = [part.port or USUAL_PORTS.get(part.scheme) for part in (theirs, ours)]
    except ValueError:
        return False
    return (
        (theirs.scheme, theirs.hostname, theirs.path or "/") == (ours.scheme, ours.hostname, ours.path or "/")
        and ports[0] == ports[1]
        and "@" not in theirs.netloc
    )


def _hash(access_token: str) -> str:
    return base64url.encode(hashlib.sha256(access_token.encode()).digest())
