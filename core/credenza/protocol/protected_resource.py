"""What an API says about itself, so that a client with nothing but its address finds us. RFC 9728.

The document has to come from the API's own host; we write it for whoever runs the API.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from .jose import ALGORITHMS

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def protected_resource_address(resource: str) -> str:
    """Where the document belongs; empty when the identifier is no address. RFC 9728 §3, §3.1."""
    parts = urlsplit(resource)
    if parts.scheme not in ("https", "http") or not parts.netloc:
        return ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{'' if parts.path == '/' else parts.path}{query}"


def protected_resource_metadata(resource: str, *, issuer: str, name: str, scopes: Sequence[str]) -> dict[str, Any]:
    """The members of the document; `scopes` are all that the API has. RFC 9728 §2."""
    return {
        "resource": resource,
        "resource_name": name,
        "authorization_servers": [issuer],
        "scopes_supported": list(scopes),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }


def protected_resource_challenge(resource: str) -> str:
    """The WWW-Authenticate header of an API's answer to a request without a token. RFC 9728 §5.1."""
    return f'Bearer resource_metadata="{protected_resource_address(resource)}"'
