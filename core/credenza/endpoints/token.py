"""The token endpoint. RFC 6749 §3.2."""

from __future__ import annotations

from ..events import TokenRefused
from ..objects import TokenRequest
from ..protocol.errors import InvalidClient, InvalidRequest, ProtocolError, UnauthorizedClient, UnsupportedGrantType
from ..web.client_authentication import authenticate_client
from ..web.cors import cors_headers, preflight
from ..web.dpop import proof_key
from ..web.endpoints import endpoint
from ..web.refusals import write_down
from ..web.requests import AnyRequest, address_of, form_parameters, server_of
from ..web.responses import AnyResponse, error_response, json_response


@endpoint("/token", methods=("POST",), name="token", preflight=preflight)
async def token(request: AnyRequest) -> AnyResponse:
    server = server_of(request)
    headers = await cors_headers(request)
    grant_type = client_id = ""
    try:
        parameters = await form_parameters(request)
        parameters.check_no_repeats()
        client = await authenticate_client(request, parameters)
        grant_type, client_id = parameters.get("grant_type", ""), client.id
        if not grant_type:
            raise InvalidRequest("grant_type is missing.")
        if grant_type not in server.grant_types:
            raise UnsupportedGrantType("There is no such grant type here.")
        if grant_type not in client.grant_types:
            raise UnauthorizedClient("This client may not use this grant type.")
        grant = server.grant_types[grant_type]
        jkt = await proof_key(request, client)
        if client.dpop_required and not jkt:
            raise InvalidRequest("This client must send a DPoP proof.")
        asked = TokenRequest(client, parameters, address_of(request), jkt)
        return json_response(await grant.token_response(server, asked), headers=headers)
    except ProtocolError as error:
        if isinstance(error, InvalidClient):
            client_id = error.client_id
        await _record(request, error, grant_type, client_id)
        return error_response(error, headers=headers)


async def _record(request: AnyRequest, error: ProtocolError, grant_type: str, client_id: str) -> None:
    """Refusals of a client we know are kept for its Activity tab."""
    if client_id:
        event = TokenRefused(
            client=client_id,
            address=address_of(request),
            grant_type=grant_type[:100],
            error=error.code,
            reason=error.detail or error.description,
        )
        await write_down(request, event)
