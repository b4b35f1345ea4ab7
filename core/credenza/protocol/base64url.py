"""Bytes as text that may stand in an address. RFC 4648 §5."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import b2a_base64

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def encode(data: bytes) -> str:
    """Without padding, as JOSE and PKCE want it. RFC 7515 §2."""
    return b2a_base64(data, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()


def decode(text: str) -> bytes:
    """With or without padding. Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
