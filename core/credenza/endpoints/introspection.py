"""Token introspection, as JSON or as a signed JWT. RFC 7662, RFC 9701."""

from __future__ import annotations

from typing import Any

from litestar import Response

from ..grants.inspecting import Inspected, inspect
from ..grants.issuing import added_claims, authorized
from ..languages import accepted
from ..protocol import jose
from ..protocol.clients import Client
from ..protocol.errors import InvalidClient, InvalidRequest, ProtocolError
from ..protocol.tokens import digest, is_token
from ..server import AuthorizationServer
from ..store.grants import Grant
from ..store.refresh_tokens import find_refresh_token
from ..store.users import User
from ..web.client_authentication import authenticate_client
from ..web.endpoints import endpoint
from ..web.refusals import record_refusal
from ..web.requests import AnyRequest, form_parameters, server_of
from ..web.responses import NO_STORE, AnyResponse, error_response, json_response

JWT_TYPE = "application/token-introspection+jwt"
INACTIVE = {"active": False}


@endpoint("/introspect", methods=("POST",), name="introspection")
async def introspect(request: AnyRequest) -> AnyResponse:
    """ "To prevent token scanning attacks" only clients with credentials are answered. RFC 7662 §2.1, §2.3."""
    server, client_id = server_of(request), ""
    try:
        parameters = await form_parameters(request)
        parameters.check_no_repeats()
        client = await authenticate_client(request, parameters)
        client_id = client.id
        if not client.confidential:
            raise InvalidClient("Only a client with credentials may introspect.")
        if "token" not in parameters:
            raise InvalidRequest("token is missing.")
        answer = await _introspect(server, client, parameters["token"])
        if wants_jwt(request):
            return await signed(server, client, answer)
        return json_response(answer, headers={"Vary": "Accept"})
    except ProtocolError as error:
        await record_refusal(request, error, client_id)
        return error_response(error)


def wants_jwt(request: AnyRequest) -> bool:
    """ "The resource server … uses the Accept HTTP header". RFC 9701 §4."""
    accept = request.headers.get("accept", "").lower()
    return JWT_TYPE in accept and JWT_TYPE in accepted(accept)


async def signed(server: AuthorizationServer, client: Client, answer: dict[str, Any]) -> AnyResponse:
    """`sub` and `exp` stand inside only, so that it can never pass for an access token. RFC 9701 §5."""
    keys = await server.keys()
    claims = {"iss": server.issuer, "aud": client.id, "iat": server.now(), "token_introspection": answer}
    token = jose.sign(claims, keys.active[client.answer_alg("introspection")], typ="token-introspection+jwt")
    return Response(token.encode(), media_type=JWT_TYPE, headers={**NO_STORE, "Vary": "Accept"})


async def _introspect(server: AuthorizationServer, client: Client, value: str) -> dict[str, Any]:
    """ "active": false and nothing else for whatever is not good, or not this client's business. RFC 7662 §2.2.

    `cnf` names the key of a token that is bound to one: RFC 9449 §6.2.
    """
    if is_token(value, "refresh_token"):
        return await _refresh_token(server, client, value)
    inspected = await inspect(server, value)
    if inspected is None or not _concerns(client, inspected):
        return INACTIVE
    token = inspected.token
    if token.scope and not inspected.permissions:  # all that it was issued for is gone: nobody would get it now
        return INACTIVE
    answer: dict[str, Any] = {
        "active": True,
        "iss": server.issuer,
        "client_id": token.client_id,
        "token_type": "DPoP" if token.jkt else "Bearer",
        "scope": inspected.scope,
        "sub": token.client_id,
        "exp": token.expires_at,
        "iat": token.created_at,
        "aud": token.audience or server.issuer,
    }
    if token.audience:  # as in the token itself: a scope that counts in one organization must not pass for a plain one
        subject, choices = inspected.subject, inspected.decision.choices
        answer = await added_claims(server, subject, inspected.permissions, token.audience, choices) | answer
    if token.jkt:
        answer["cnf"] = {"jkt": token.jkt}
    return answer | (_about(server, inspected.client, inspected.user, token.grant) if inspected.user else {})


def _about(server: AuthorizationServer, client: Client, user: User, grant: Grant | None) -> dict[str, Any]:
    """The user, by the name in the token itself, and how they signed in. RFC 7662 §2.2, RFC 9470 §6.2."""
    subject = server.subject_for(client, user.id)
    known = {"sub": subject} | ({"username": user.username} if subject == user.id else {})
    details = grant.details if grant is not None else None
    return known | ({"auth_time": details.auth_time, "acr": details.acr} if details is not None and details.acr else {})


def _concerns(client: Client, inspected: Inspected) -> bool:
    """The client that the token was issued to, or a resource server that it is meant for."""
    audience = inspected.token.audience
    return inspected.token.client_id == client.id or (
        audience != "" and audience in client.metadata.get("resources", ())
    )


async def _refresh_token(server: AuthorizationServer, client: Client, value: str) -> dict[str, Any]:
    token, now = await find_refresh_token(digest(value)), server.now()
    if token is None or token.grant.client_id != client.id or token.grant.revoked_at is not None:
        return INACTIVE
    if token.spent_at is not None or token.expires_at <= now or token.idle_expires_at <= now:
        return INACTIVE
    try:
        state = await authorized(server, client, token.grant)
    except ProtocolError:
        return INACTIVE
    if not state.decision.offline:
        return INACTIVE
    scope = " ".join(dict.fromkeys(p.scope for p in state.decision.granted if p.scope in token.grant.details.scopes))
    return {
        "active": True,
        "iss": server.issuer,
        "client_id": client.id,
        "token_type": "refresh_token",
        "scope": scope,
        "sub": server.subject_for(client, token.grant.user_id),
        "exp": min(token.expires_at, token.idle_expires_at),
        "iat": token.created_at,
    }
