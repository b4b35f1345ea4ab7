"""Dynamic client registration. RFC 7591 §3, OpenID Connect Registration §3."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from hmac import compare_digest
from typing import Any

from litestar import Response, post, route
from litestar.enums import HttpMethod

from credenza import (
    AnyRequest,
    AnyResponse,
    AuthorizationServer,
    Client,
    Limiter,
    ObjectChanged,
    ProtocolError,
    Refused,
    Rule,
    UnusableImage,
    address_of,
    clients,
    digest_secret,
    enabled_permissions,
    error_response,
    errors,
    fetch,
    fetch_document,
    json_response,
    neighbourhood,
    new_id,
    new_token,
    parse_json,
    read_body,
    server_of,
    store_image,
    transaction,
)

from .hosts import check_host, host_of_client
from .metadata import Policy, describe, parse_client, with_provenance
from .store import Registered, find_repeat, insert_registration, make_room, owner_of_logo

POLICY = Policy(
    "dynamic registration",
    ("private_key_jwt", "client_secret_basic", "client_secret_post", "none"),
    "client_secret_basic",
)
MAX_BODY = 64 * 1024
MAX_LOGO = 512 * 1024
LOGO_TIMEOUT = 3.0  # seconds; a client is registered without the logo of a slow host
# Browser applications register from wherever they are; nothing here is answered to a cookie.
CORS = {"Access-Control-Allow-Origin": "*"}
WRONG_TOKENS = Rule("wrong initial access token by address", burst=10, seconds=600)


@post("/register", status_code=201, name="registration")
async def register(request: AnyRequest) -> AnyResponse:
    """201 and the client, or an error as JSON. RFC 7591 §3.2."""
    server = server_of(request)
    try:
        await check_admitted(request)
        client = await parse_client(server, await read_metadata(request), new_id(), POLICY)
        await check_host(client)
        client = with_provenance(client, POLICY, server.now())
        if (repeat := await _repeat(request, client)) is not None:
            return json_response(await answer(server, repeat), status=201, headers=CORS)
        await count(request)
        await check_sector(server, client)
        client = await with_logo(server, client)
        return json_response(await _save(request, client), status=201, headers=CORS)
    except ProtocolError as error:
        return error_response(error, headers=CORS)


@route("/register", http_method=[HttpMethod.OPTIONS], status_code=200, include_in_schema=False)
async def preflight() -> AnyResponse:
    headers = {
        **CORS,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": "600",
    }
    return Response(b"", status_code=204, headers=headers, media_type="text/plain")


async def check_admitted(request: AnyRequest) -> None:
    """In the mode "token", whoever brings the initial access token. RFC 7591 §3. Raises InvalidToken."""
    settings = server_of(request).settings
    if settings.registration != "token":
        return
    limiter: Limiter = request.app.state.limiter
    token = bearer_token(request)
    right = compare_digest(token.encode(), settings.registration_token.encode())
    if not await limiter.may_know(right, (WRONG_TOKENS, neighbourhood(address_of(request)))):
        raise errors.TooManyTries("Too many wrong tokens. Try again later.")
    if not right:
        raise errors.InvalidToken("Registration needs the initial access token.", sent=token != "")


def bearer_token(request: AnyRequest) -> str:
    """From the header and from nowhere else; empty when there is none. RFC 6750 §2.1."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def read_metadata(request: AnyRequest) -> dict[str, Any]:
    """The JSON object in the body; raises InvalidClientMetadata. RFC 7591 §3.1."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise errors.InvalidClientMetadata("The body must be application/json.")
    try:
        document = parse_json(await read_body(request, MAX_BODY))
    except errors.InvalidRequest as error:
        raise errors.InvalidClientMetadata(error.description) from error
    except ValueError as error:
        raise errors.InvalidClientMetadata("The body is not JSON.", detail=str(error)) from error
    if not isinstance(document, dict):
        raise errors.InvalidClientMetadata("The body must be a JSON object.")
    return document


async def _repeat(request: AnyRequest, client: Client) -> Client | None:
    """The public client that the same metadata from the same address made a few minutes ago.

    Some clients register anew at each connection. Only the first answer brings the right to change the client.
    """
    server = server_of(request)
    if client.confidential or server.settings.registration != "open":
        return None
    found = await find_repeat(declared(client), neighbourhood(address_of(request)), server.now())
    before = await server.find_client(found) if found is not None else None
    return before if before is not None and before.enabled and declared(before) == declared(client) else None


def declared(client: Client) -> str:
    return hashlib.sha256(json.dumps(describe(client), sort_keys=True).encode()).hexdigest()


async def count(request: AnyRequest) -> None:
    """So many new clients, and changes of them, an hour from one address, for those who needed no token.

    Each is kept in the audit log, and makes us fetch what it names. Raises TooManyTries.
    """
    settings = server_of(request).settings
    limiter: Limiter = request.app.state.limiter
    rule = Rule("registrations by address", burst=settings.registration_limit_per_hour, seconds=3600)
    if settings.registration == "open" and not await limiter.allow((rule, neighbourhood(address_of(request)))):
        raise errors.TooManyTries("Too many registrations from this address. Try again later.")


async def check_sector(server: AuthorizationServer, client: Client) -> None:
    """ "The values registered in redirect_uris MUST be included in the elements of the array."

    OpenID Connect Registration §5.
    """
    uri = client.metadata.get("sector_identifier_uri")
    if not uri:
        return
    try:
        listed = (await fetch_document(server.settings, uri)).content
    except Refused as error:
        raise errors.InvalidClientMetadata("sector_identifier_uri cannot be read.", detail=str(error)) from error
    if not isinstance(listed, list) or not all(redirect_uri in listed for redirect_uri in client.redirect_uris):
        raise errors.InvalidClientMetadata("sector_identifier_uri does not list every redirect URI.")


async def with_logo(server: AuthorizationServer, client: Client) -> Client:
    """A copy of the logo on our own origin, if it can be had: no page of ours loads anything from elsewhere."""
    uri = client.metadata.get("logo_uri")
    if not uri or client.branding.logo:
        return client
    try:
        async with asyncio.timeout(LOGO_TIMEOUT):
            status, _, content = await fetch(server.settings, uri, limit=MAX_LOGO, accept="image/*")
        owner = owner_of_logo(client.id)
        logo = await store_image(content, server.now(), owner=owner) if status == 200 else ""
    except (Refused, UnusableImage, TimeoutError):
        return client
    return replace(client, branding=replace(client.branding, logo=logo))


async def _save(request: AnyRequest, client: Client) -> dict[str, Any]:
    server, now = server_of(request), server_of(request).now()
    address = address_of(request)
    token = new_token("registration")
    async with transaction():
        await make_room(now)
        await clients.insert_client(client, now)
        secret = await new_secret(client, now)
        await insert_registration(
            Registered(
                client.id,
                host_of_client(client),
                token,
                "" if client.confidential else declared(client),
                neighbourhood(address),
            ),
            now,
        )
        await tell(server, client, "registered", address, after=describe(client))
    return await answer(server, client, token=token, secret=secret)


async def new_secret(client: Client, now: int) -> str:
    """A secret for a client that authenticates with one; empty for the others."""
    if not client.auth_method.startswith("client_secret"):
        return ""
    secret = new_token("client_secret")
    await clients.insert_secret(client.id, name="Registration", digest=digest_secret(secret), hint=secret[-4:], now=now)
    return secret


async def tell(
    server: AuthorizationServer,
    client: Client,
    action: str,
    address: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """For the audit log; the actor is the client itself."""
    await server.emit(
        ObjectChanged(
            actor=client.id,
            client=client.id,
            target=client.name,
            address=address,
            kind="application",
            action=action,
            before=before or {},
            after=after or {},
        )
    )


async def answer(server: AuthorizationServer, client: Client, *, token: str = "", secret: str = "") -> dict[str, Any]:
    """The client information response: everything that was registered. RFC 7591 §3.2.1, RFC 7592 §3.

    Of the scopes those that it may ask for by now: administrators may enable others later, or fewer.
    """
    information = {"client_id": client.id, "client_id_issued_at": client.created_at, **describe(client)}
    if asked := information.pop("scope", "").split():
        limited = await server.find_client(client.id) or client
        enabled = {permission.scope for permission in await enabled_permissions(server, limited)}
        information |= {"scope": " ".join(kept)} if (kept := [scope for scope in asked if scope in enabled]) else {}
    if secret:
        information |= {"client_secret": secret, "client_secret_expires_at": 0}
    if token:
        address = f"{server.issuer}/register/{client.id}"
        information |= {"registration_access_token": token, "registration_client_uri": address}
    return information
