"""Codes, tokens and what is in them. RFC 6749 §1.4-1.5, RFC 9068, OpenID Connect Core §2."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from . import base64url

# A prefix for each kind, so that a scanner knows a leaked one, and no kind is ever taken for another.
PREFIXES = {
    "code": "cz_code_",
    "access_token": "cz_at_",
    "refresh_token": "cz_rt_",
    "client_secret": "cz_cs_",
    "session": "cz_ses_",
    "browser": "cz_br_",
    "interaction": "cz_in_",
    "invitation": "cz_inv_",
    "confirmation": "cz_cnf_",
    "upstream_state": "cz_us_",
    "registration": "cz_rat_",
    "pushed_request": "cz_par_",
    "device_code": "cz_dc_",
}
TOKEN = re.compile(r"cz_[a-z]+_[A-Za-z0-9_-]{50}")


# What only the server says in a token: the protocol's own claims, how the user signed in, whose key it is bound to.
OWN_CLAIMS = frozenset(
    {
        *("iss", "sub", "aud", "client_id", "azp", "iat", "nbf", "exp", "jti", "scope", "nonce", "sid"),
        *("auth_time", "acr", "amr", "at_hash", "c_hash", "s_hash", "cnf", "act", "may_act", "events"),
    }
)


def from_plugins(claims: Mapping[str, Any]) -> dict[str, Any]:
    """What plugins add to a token: nothing that only the server says, also where the server does not say it."""
    return {name: value for name, value in claims.items() if name not in OWN_CLAIMS}


def new_token(kind: str) -> str:
    """A prefix, 256 random bits and a checksum, all URL-safe. RFC 6749 §10.10 asks for at least 128 bits.

    `kind` is one of ours ("invitation", "confirmation" …); for another secret take `secrets.token_urlsafe(32)`.
    """
    body = PREFIXES[kind] + secrets.token_urlsafe(32)
    return body + _checksum(body)


def is_token(text: str, kind: str) -> bool:
    """Whether the text has the form of such a token; spares the database a look-up for anything else."""
    return text.startswith(PREFIXES[kind]) and TOKEN.fullmatch(text) is not None and _checksum(text[:-7]) == text[-7:]


def _checksum(body: str) -> str:
    return "_" + base64url.encode(zlib.crc32(body.encode()).to_bytes(4, "big"))


def digest(token: str) -> str:
    """What is stored of a token: SHA-256, hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_id() -> str:
    """An identifier that is no secret: 120 random bits, lower-case hexadecimal."""
    return secrets.token_hex(15)


def access_token_claims(
    *,
    issuer: str,
    audience: str,
    subject: str,
    client_id: str,
    scope: str,
    issued_at: int,
    expires_at: int,
    jti: str,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """The claims of a JWT access token; what a plugin adds (`extra`) never replaces one of them.

    RFC 9068 §2.2, §2.2.3.
    """
    return {
        **extra,
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "client_id": client_id,
        "iat": issued_at,
        "exp": expires_at,
        "jti": jti,
        "scope": scope,
    }


def id_token_claims(
    *,
    issuer: str,
    client_id: str,
    subject: str,
    issued_at: int,
    expires_at: int,
    auth_time: int | None,
    nonce: str | None,
    acr: str,
    amr: Sequence[str],
    session_id: str | None,
    access_token: str,
    alg: str,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """The claims of an ID token, to be signed with `alg`; `extra` are those about the user.

    OpenID Connect Core §2, §3.1.3.6.
    """
    claims: dict[str, Any] = {
        **extra,
        "iss": issuer,
        "sub": subject,
        "aud": client_id,
        "iat": issued_at,
        "exp": expires_at,
        "at_hash": at_hash(access_token, alg),
    }
    optional = {"auth_time": auth_time, "nonce": nonce, "acr": acr or None, "amr": list(amr) or None, "sid": session_id}
    return claims | {name: value for name, value in optional.items() if value is not None}


def at_hash(access_token: str, alg: str) -> str:
    """The left half of the access token's hash; Ed25519 goes with SHA-512, the others with SHA-256. Core §3.1.3.6."""
    hashed = (hashlib.sha512 if alg == "EdDSA" else hashlib.sha256)(access_token.encode()).digest()
    return base64url.encode(hashed[: len(hashed) // 2])
