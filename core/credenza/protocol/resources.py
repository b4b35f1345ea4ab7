"""The ways to write one resource indicator. RFC 8707 §2, RFC 3986 §6.2.2-6.2.3."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from .redirect_uris import USUAL_PORTS


def spellings(resource: str) -> tuple[str, ...]:
    """As it was sent, and as it may be registered: scheme and host in lower case, without the usual port, and with a
    slash at the end more or less.

    MCP clients make the indicator from the address that somebody typed, and each its own way.
    """
    parts = urlsplit(resource)
    scheme, host = parts.scheme.lower(), parts.netloc.lower()
    if scheme not in USUAL_PORTS or not host or "@" in host or "?" in resource:
        return (resource,)
    plain = f"{scheme}://{host.removesuffix(f':{USUAL_PORTS[scheme]}')}{parts.path}"
    return tuple(dict.fromkeys((resource, plain, plain.removesuffix("/") if plain.endswith("/") else plain + "/")))


def as_known(resource: str, known: Collection[str]) -> str:
    """The one of these that is meant; what is sent when it is none."""
    return next((spelling for spelling in spellings(resource) if spelling in known), resource)
