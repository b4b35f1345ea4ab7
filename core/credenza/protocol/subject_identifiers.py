"""Subject identifiers: one name for a user everywhere, or another one for each sector. OpenID Connect Core §8.

A session that has one name everywhere would tell whom two names belong to, so its name goes the same way.
"""

from __future__ import annotations

import hmac
import re
from urllib.parse import urlsplit

from .clients import Client
from .redirect_uris import host_of

SUBJECT_TYPES = ("public", "pairwise")
FORM = re.compile(r"u[0-9a-f]{30}|p[0-9a-f]{40}")  # of both; a client_id never looks like one


def sector_of(client: Client) -> str:
    """The host that stands for the client; raises ValueError when its redirect URIs have several. Core §8.1.

    A loopback address and a private scheme are nobody's in particular: such a client stands for itself.
    """
    declared = client.metadata.get("sector_identifier_uri")
    if not declared and not any(uri.startswith("https://") for uri in client.redirect_uris):
        return f"of client {client.id}"
    hosts = {_host(uri) for uri in ([declared] if declared else client.redirect_uris)}
    if len(hosts) != 1:
        raise ValueError("sector_identifier_uri: pairwise subjects need it, unless all redirect URIs have one host.")
    return hosts.pop()


def pairwise(key: bytes, client: Client, user_id: str) -> str:
    """Cannot be turned back, and tells nothing about the same user elsewhere. Core §8.1."""
    return "p" + _name(key, client, user_id)


def pairwise_session(key: bytes, client: Client, session_id: str) -> str:
    """The `sid` of a session for the clients of one sector."""
    return "s" + _name(key, client, f"session {session_id}")


def _name(key: bytes, client: Client, what: str) -> str:
    """A client without a sector of its own, which should not be there, is one for itself."""
    try:
        sector = f"sector {sector_of(client)}"
    except ValueError:
        sector = f"client {client.id}"
    return hmac.new(key, f"{sector}\0{what}".encode(), "sha256").hexdigest()[:40]


def _host(uri: str) -> str:
    host = host_of(uri)
    return host if host.endswith(":") else urlsplit(uri).hostname or host
