"""Token revocation, of refresh tokens and access tokens. RFC 7009 §2."""

from __future__ import annotations

from ..events import TokenRevoked
from ..grants.inspecting import token_key
from ..protocol.errors import InvalidGrant, InvalidRequest, ProtocolError
from ..protocol.tokens import digest, is_token
from ..server import AuthorizationServer
from ..store.access_tokens import find_access_token
from ..store.engine import database
from ..store.refresh_tokens import find_refresh_token
from ..store.revocation import revoke_access_token, revoke_grant
from ..web.client_authentication import authenticate_client
from ..web.cors import cors_headers, preflight
from ..web.endpoints import endpoint
from ..web.refusals import record_refusal
from ..web.requests import AnyRequest, address_of, form_parameters, server_of
from ..web.responses import AnyResponse, error_response, json_response


@endpoint("/revoke", methods=("POST",), name="revocation", preflight=preflight)
async def revoke(request: AnyRequest) -> AnyResponse:
    """Never `unsupported_token_type`: every kind of token that we issue can be revoked. RFC 7009 §2.2.1."""
    server = server_of(request)
    headers, client_id = await cors_headers(request), ""
    try:
        parameters = await form_parameters(request)
        parameters.check_no_repeats()
        client = await authenticate_client(request, parameters)
        client_id = client.id
        if "token" not in parameters:
            raise InvalidRequest("token is missing.")
        # token_type_hint is only a hint; our tokens say themselves what they are. RFC 7009 §2.1
        await _revoke(server, client.id, parameters["token"], address_of(request))
    except ProtocolError as error:
        await record_refusal(request, error, client_id)
        return error_response(error, headers=headers)
    # "ignored by the client": but simple-oauth2 fails without JSON, and oidc-client-ts at any other type. RFC 7009 §2.2
    return json_response({}, headers=headers)


async def _revoke(server: AuthorizationServer, client_id: str, value: str, address: str) -> None:
    """A refresh token takes its whole family along, and the family's access tokens. Unknown tokens are no error.

    RFC 7009 §2.1, §2.2.
    """
    now = server.now()
    if is_token(value, "refresh_token"):
        refresh_token = await find_refresh_token(digest(value))
        if refresh_token is None:
            return
        _check_owner(refresh_token.grant.client_id, client_id)
        async with database().transaction():
            if await revoke_grant(refresh_token.grant.id, now):
                await server.emit(
                    TokenRevoked(
                        user=refresh_token.grant.user_id,
                        client=client_id,
                        address=address,
                        grant=refresh_token.grant.id,
                    )
                )
        return
    key = await token_key(server, value)
    token = await find_access_token(key, now) if key is not None else None
    if token is None:
        return
    _check_owner(token.client_id, client_id)
    async with database().transaction():
        if await revoke_access_token(token.digest, now):
            user, grant = (token.grant.user_id, token.grant.id) if token.grant else ("", "")
            await server.emit(TokenRevoked(user=user, client=client_id, address=address, grant=grant))


def _check_owner(owner: str, client_id: str) -> None:
    """ "the request is refused" when the token was issued to somebody else. RFC 7009 §2.1."""
    if owner != client_id:
        raise InvalidGrant("The token was not issued to this client.")
