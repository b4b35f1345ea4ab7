"""A sign-in that begins here, and not at the application. OpenID Connect Core §4."""

from __future__ import annotations

from urllib.parse import urlencode

from .clients import Client


def initiate_login_address(client: Client, issuer: str) -> str:
    """Where to send a browser, so that the application begins a sign-in with us; empty when it cannot. Core §4.

    The user is not named (`login_hint`): whoever is signed in here will be found out by the sign-in itself.
    """
    address = str(client.metadata.get("initiate_login_uri") or "")
    if not address or not client.enabled:
        return ""
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'iss': issuer})}"
