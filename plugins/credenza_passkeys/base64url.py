"""Bytes as text for URLs and JSON, without padding. RFC 4648 §5."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
