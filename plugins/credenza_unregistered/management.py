"""A client's own record, read, replaced and deleted with the registration access token. RFC 7592 §2."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litestar import Response, delete, get, put
from litestar.params import FromPath

from credenza import (
    AnyRequest,
    AnyResponse,
    AuthorizationServer,
    Client,
    ProtocolError,
    address_of,
    clients,
    digest_secret,
    error_response,
    errors,
    json_response,
    keep_image,
    new_token,
    server_of,
    transaction,
)

from .hosts import check_host, host_of_client
from .metadata import addresses, check_whole, describe, parse_client, with_changes
from .registration import POLICY, answer, bearer_token, check_sector, count, new_secret, read_metadata, tell, with_logo
from .store import hold_enabled, may_manage, move_host, owner_of_logo, replace_token, spend_token

ONE = "/register/{client_id:str}"
DISABLED = "An administrator has disabled this client."
UNKNOWN = "The registration access token is not valid for this client."


class Disabled(errors.AccessDenied):
    """ "If the client does not have permission to read its record, the server MUST return an HTTP 403".

    RFC 7592 §2.1.
    """

    status = 403


async def _open(request: AnyRequest, client_id: str) -> tuple[Client, str]:
    """The client and its token; "no such client" and "wrong token" are one answer. Raises InvalidToken."""
    server, token = server_of(request), bearer_token(request)
    client = await clients.find_client(client_id, server.client_types) if await may_manage(client_id, token) else None
    if client is None:
        raise errors.InvalidToken(UNKNOWN, sent=token != "")
    if not client.enabled:
        raise Disabled(DISABLED)
    return client, token


@get(ONE, name="client configuration")
async def read(request: AnyRequest, client_id: FromPath[str]) -> AnyResponse:
    try:
        client, token = await _open(request, client_id)
        return json_response(await answer(server_of(request), client, token=token))
    except ProtocolError as error:
        return error_response(error)


@put(ONE, name="client configuration update")
async def update(request: AnyRequest, client_id: FromPath[str]) -> AnyResponse:
    """Replace everything that the client said about itself, and its token. What administrators set stays."""
    try:
        before, token = await _open(request, client_id)
        document = await read_metadata(request)
        _check_identity(before, document)
        declared = await _declared(request, before, document)
        return json_response(await _save(request, before, declared, token))
    except ProtocolError as error:
        return error_response(error)


def _check_identity(client: Client, document: dict[str, Any]) -> None:
    """The same client_id, and no secret of the client's own choice. RFC 7592 §2.2."""
    if document.get("client_id") != client.id:
        raise errors.InvalidClientMetadata("client_id must be the one that was issued.")
    secret = document.get("client_secret")
    if secret is not None and not (
        isinstance(secret, str) and digest_secret(secret) in {stored.digest for stored in client.secrets}
    ):
        raise errors.InvalidClientMetadata("client_secret must be the one that was issued.")


async def _declared(request: AnyRequest, before: Client, document: dict[str, Any]) -> Client:
    """What the client says of itself now, with whatever had to be fetched for it."""
    server = server_of(request)
    declared = await parse_client(server, document, before.id, POLICY)
    if declared.type.name != before.type.name:
        raise errors.InvalidClientMetadata("A client cannot become one of another type; register a new one.")
    await check_host(declared)
    await count(request)
    await check_sector(server, declared)
    return await with_new_logo(server, before, declared)


async def with_new_logo(server: AuthorizationServer, before: Client, declared: Client) -> Client:
    """Fetched only when its address is another one, or it could not be had before."""
    return declared if with_changes(before, declared).branding.logo else await with_logo(server, declared)


async def put_on(server: AuthorizationServer, before: Client, declared: Client) -> tuple[Client, Client]:
    """The client as it is at this moment, which is held, and as it becomes. Raises InvalidClientMetadata.

    What is said was fetched at leisure; an administrator who has changed something meanwhile has the last word. Of
    copies of its logos only the one that it has now stays.
    """
    current = await clients.find_client(before.id, server.client_types) or before
    client = with_changes(current, declared)
    if not client.branding.logo:
        client = replace(client, branding=replace(client.branding, logo=declared.branding.logo))
    check_whole(client, server)  # with what an administrator has set, too
    await keep_image(owner_of_logo(client.id), client.branding.logo)
    return current, doubted(current, client)


def doubted(before: Client, client: Client) -> Client:
    """Whoever vouched for a client did so for what it was."""
    if clients.fingerprint(client) == clients.fingerprint(before) and addresses(client) == addresses(before):
        return client
    return replace(client, metadata={**client.metadata, "unverified": True})


async def _save(request: AnyRequest, before: Client, declared: Client, token: str) -> dict[str, Any]:
    server, now = server_of(request), server_of(request).now()
    successor = new_token("registration")
    async with transaction():
        if not await hold_enabled(before.id, now):
            raise Disabled(DISABLED)
        if not await replace_token(before.id, token, successor):
            raise errors.InvalidToken(UNKNOWN)  # another update was quicker
        before, client = await put_on(server, before, declared)
        await clients.update_client(client, now)
        await move_host(client.id, host_of_client(client), doubted=client.unverified and not before.unverified)
        secret = await _secret_now(before, client, now)
        await tell(server, client, "updated", address_of(request), before=describe(before), after=describe(client))
    return await answer(server, client, token=successor, secret=secret)


async def _secret_now(before: Client, client: Client, now: int) -> str:
    """A new secret for a client that had none; one that it no longer authenticates with is not left behind."""
    if not client.auth_method.startswith("client_secret"):
        for stored in before.secrets:
            await clients.delete_secret(client.id, stored.id)
        return ""
    return await new_secret(client, now) if not before.secrets else ""


@delete(ONE, status_code=200, name="client configuration deletion")
async def remove(request: AnyRequest, client_id: FromPath[str]) -> AnyResponse:
    """The client, and with it its secrets, consents, codes and tokens. RFC 7592 §2.3."""
    server = server_of(request)
    try:
        client, token = await _open(request, client_id)
        async with transaction():
            if not await spend_token(client.id, token):
                raise errors.InvalidToken(UNKNOWN)
            await clients.delete_client(client.id)
            await tell(server, client, "deleted", address_of(request), before=describe(client))
    except ProtocolError as error:
        return error_response(error)
    return Response(b"", status_code=204, headers={"Cache-Control": "no-store"}, media_type="application/json")
