"""What an authorization request asks for: resources by their registered names, scopes that the client may ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .permissions import ceiling_of, check_enabled, is_known, requested
from .protocol.authorization_request import AuthorizationRequest, default_scopes
from .protocol.clients import Client
from .protocol.resources import spellings
from .protocol.scopes import Permission, Scope
from .server import AuthorizationServer


async def check_asked(
    server: AuthorizationServer, client: Client, request: AuthorizationRequest
) -> tuple[AuthorizationRequest, Mapping[Permission, Scope]]:
    """The request as it counts from here on, and what it names; raises InvalidScope or InvalidTarget.

    A source that takes its time is asked once more only when the request has become another one.
    """
    named = await requested(server, request.asked)
    renamed = await _with_our_names(server, client, request, named)
    if renamed is not request:
        named = await requested(server, renamed.asked)
    narrowed = _without_copies(server, client, renamed, named)
    if narrowed is not renamed:
        named = await requested(server, narrowed.asked)
    await check_enabled(server, client, narrowed.asked, named)
    return narrowed, named


async def _with_our_names(
    server: AuthorizationServer, client: Client, request: AuthorizationRequest, known: Mapping[Permission, Scope]
) -> AuthorizationRequest:
    """Resources as they are registered, however they were written, or the one that is meant. RFC 8707 §2."""
    if not request.resources:
        only = only_api(client, beyond(known, request.scopes))
        return request.with_resources((only,)) if only else request
    found = {p.resource for p in known}
    named = [resource if resource in found else await our_name(server, resource) for resource in request.resources]
    if tuple(named) == request.resources:
        return request
    request = request.with_resources(tuple(dict.fromkeys(named)))
    return request if request.scopes else request.with_scopes(default_scopes(client, request.resources))


def beyond(known: Mapping[Permission, Scope], scopes: Sequence[str]) -> list[str]:
    """The scopes that no source knows, at the resources that were named."""
    there = {permission.scope for permission in known}
    return [scope for scope in scopes if scope not in there]


def only_api(client: Client, scopes: Sequence[str]) -> str:
    """The API that these mean if none is named: the only one that has all of them that any API has for the client.

    Empty if it is not one. The server "SHOULD use" the scope "to infer the value of the default resource indicator".
    RFC 9068 §3.
    """
    if not scopes:
        return ""
    enabled: dict[str, set[str]] = {}
    for permission in client.ceiling or {}:
        if permission.resource and permission.scope in scopes:
            enabled.setdefault(permission.resource, set()).add(permission.scope)
    most = set().union(*enabled.values())
    found = [resource for resource, there in enabled.items() if there == most]
    return found[0] if len(found) == 1 else ""


async def our_name(server: AuthorizationServer, resource: str) -> str:
    """The resource as it is registered; as it was sent when nobody here knows it."""
    for spelling in spellings(resource):
        if await is_known(server, spelling):
            return spelling
    return resource


def _without_copies(
    server: AuthorizationServer, client: Client, request: AuthorizationRequest, known: Mapping[Permission, Scope]
) -> AuthorizationRequest:
    """Without the scopes that a client asks for only because our metadata lists them. RFC 6749 §3.3.

    MCP clients do so when the resource that they were led to does not say which scopes it has. Nobody has told a client
    that registered itself what is enabled on it: where it names a resource, the rest of its copy is ignored, and a copy
    without any scope of that resource means what is enabled there.
    """
    if not client.self_registered or not request.resources:
        return request
    ceiling = ceiling_of(server, client, known) or {}
    beyond = {p.scope for p in known if p not in ceiling and server.scope_providers[p.source].refuses}
    scopes = [scope for scope in request.scopes if scope not in beyond]
    if {p.scope for p in known if not p.resource}.issuperset(request.scopes):
        scopes += default_scopes(client, request.resources)
    scopes = list(dict.fromkeys(scopes))
    return request.with_scopes(tuple(scopes)) if tuple(scopes) != request.scopes else request
