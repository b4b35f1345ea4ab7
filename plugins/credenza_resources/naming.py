"""What an API and a permission may be called. RFC 8707 §2, RFC 6749 §3.3."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# What the provider itself understands; an API scope of the same name could be taken for it.
RESERVED = frozenset(
    {"openid", "offline_access", "profile", "email", "phone", "address", "roles", "custom_data", "identities"}
)

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")  # RFC 3986 §3.1
HOST_AND_PORT = re.compile(r"[A-Za-z0-9.-]+:[0-9]+(/|\?|$)")
DANGEROUS_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source"})


def check_identifier(identifier: str) -> None:
    """Raise ValueError, with a sentence, unless an API may be called this: an absolute URI. RFC 8707 §2."""
    if len(identifier) > 1000:
        raise ValueError("An identifier has at most 1,000 characters")
    if any(not 0x21 <= ord(c) <= 0x7E or c in '\\"<>^`{|}' for c in identifier):
        raise ValueError("An identifier has no spaces, quotes or backslashes, and no letters beyond ASCII")
    if "#" in identifier:
        raise ValueError("An identifier has no fragment: nothing after a #")
    scheme, _, rest = identifier.partition(":")
    if not SCHEME.fullmatch(scheme) or not rest or HOST_AND_PORT.match(identifier):
        raise ValueError("An identifier is an absolute URI, like https://orders.example.com")
    if scheme.lower() in DANGEROUS_SCHEMES:
        raise ValueError(f"An identifier cannot begin with {scheme}:, which runs or opens something where it is a link")
    if identifier.lower().startswith("urn:credenza:"):
        raise ValueError("urn:credenza: is for audiences of the provider's own, like organizations")
    if scheme.lower() in ("https", "http"):
        _check_web(identifier)


def _check_web(identifier: str) -> None:
    try:
        host = urlsplit(identifier).hostname
    except ValueError as error:
        raise ValueError("This is not a valid URI") from error
    if not host:
        raise ValueError("An identifier that begins with http has a host, like https://orders.example.com")


def check_permission_name(name: str) -> None:
    """Raise ValueError, with a sentence, unless an API may call a permission this. RFC 6749 §3.3."""
    if not 1 <= len(name) <= 255:
        raise ValueError("a permission's name has 1 to 255 characters")
    if any(not 0x21 <= ord(c) <= 0x7E or c in '"\\' for c in name):
        raise ValueError(f"{name!r}: a permission's name has no spaces, quotes, backslashes or letters beyond ASCII")
    if name in RESERVED or name.startswith("urn:credenza:"):
        raise ValueError(
            f"{name!r} is a scope of the provider itself; name the permission for the API, like orders:read"
        )
