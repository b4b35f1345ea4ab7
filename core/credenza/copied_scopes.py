"""Scopes that a client names because they stand in our metadata, not because it knows them. RFC 6749 §3.3.

MCP clients do so when the resource that they were led to does not say which scopes it has.
"""

from __future__ import annotations

from .permissions import ceiling_of, check_enabled, requested
from .protocol.authorization_request import AuthorizationRequest, default_scopes
from .protocol.clients import Client
from .server import AuthorizationServer


async def check_scopes(
    server: AuthorizationServer, client: Client, request: AuthorizationRequest
) -> AuthorizationRequest:
    """The request as the client can have it; raises InvalidScope or InvalidTarget.

    Nobody has told a client that registered itself what is enabled on it. Where it names a resource, the rest of its
    copy is ignored, and a copy without any scope of that resource means what is enabled there.
    """
    if client.self_registered and request.resources:
        known = await requested(server, request.asked)
        ceiling = ceiling_of(server, client, known) or {}
        beyond = {p.scope for p in known if p not in ceiling and server.scope_providers[p.source].refuses}
        scopes = [scope for scope in request.scopes if scope not in beyond]
        if {p.scope for p in known if not p.resource}.issuperset(request.scopes):
            scopes += default_scopes(client, request.resources)
        request = request.with_scopes(tuple(dict.fromkeys(scopes)))
    await check_enabled(server, client, request.asked)
    return request
