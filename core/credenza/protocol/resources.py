"""Resource indicators, and the ways to write one. RFC 8707 §2, RFC 3986 §6.2.2-6.2.3."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from .errors import InvalidTarget
from .parameters import Parameters
from .redirect_uris import USUAL_PORTS


def parse_resources(parameters: Parameters) -> tuple[str, ...]:
    """Absolute URIs without a fragment. RFC 8707 §2."""
    resources = parameters.all("resource")
    for resource in resources:
        try:
            parts = urlsplit(resource)
        except ValueError as error:
            raise InvalidTarget("resource is not a URI.") from error
        if not parts.scheme or not (parts.netloc or parts.path) or "#" in resource or len(resource) > 1000:
            raise InvalidTarget("resource must be an absolute URI without a fragment.")
    if len(resources) > 20:
        raise InvalidTarget("Too many resources.")
    return resources


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
