"""Proof Key for Code Exchange, S256 only. RFC 7636."""

from __future__ import annotations

import hashlib
import re
from hmac import compare_digest

from . import base64url
from .errors import InvalidGrant, InvalidRequest

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def check_challenge(challenge: str | None, method: str | None, *, required: bool) -> None:
    """Accept an S256 challenge, or none at all where none is required. RFC 7636 §4.3, §4.4.1, RFC 9700 §2.1.1."""
    if challenge is None:
        if required:
            raise InvalidRequest("This client must send a code_challenge (PKCE, S256).")
        if method is not None:
            raise InvalidRequest("code_challenge_method was sent without a code_challenge.")
        return
    # An absent method means "plain", which would protect nothing.
    if method != "S256":
        raise InvalidRequest("code_challenge_method must be S256.")
    if not CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge must be 43 base64url characters without padding.")


def check_verifier(verifier: str | None, challenge: str | None) -> None:
    """Compare the verifier with the challenge of the authorization request. RFC 7636 §4.6, RFC 9700 §4.8.2."""
    if challenge is None:
        if verifier is not None:
            # Otherwise a challenge that an attacker stripped from the request would go unnoticed.
            raise InvalidGrant("A code_verifier was sent, but the authorization request had no code_challenge.")
        return
    if verifier is None:
        raise InvalidGrant("code_verifier is missing.")
    if not VERIFIER.fullmatch(verifier) or not compare_digest(s256(verifier), challenge):
        raise InvalidGrant("code_verifier does not match the code_challenge.")


def s256(verifier: str) -> str:
    """BASE64URL-ENCODE(SHA256(ASCII(code_verifier))). RFC 7636 §4.2."""
    return base64url.encode(hashlib.sha256(verifier.encode("ascii")).digest())
