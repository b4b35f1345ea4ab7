"""The token endpoint. RFC 6749 §3.2."""

from __future__ import annotations

from collections.abc import Mapping

from ..objects import TokenRequest
from ..plugins import blame, of_kind
from ..protocol.errors import InvalidRequest, ProtocolError, UnauthorizedClient, UnsupportedGrantType
from ..web.client_authentication import authenticate_client
from ..web.cors import cors_headers, preflight
from ..web.dpop import proof_key
from ..web.endpoints import endpoint
from ..web.refusals import record_refusal
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
        try:
            answer = of_kind(await grant.token_response(server, asked), Mapping)
        except Exception as error:
            blame(error, server.plugin_of(grant), f"grant type {grant_type!r}")
            raise
        return json_response(answer, headers=headers)
    except ProtocolError as error:
        await record_refusal(request, error, client_id, grant_type)
        return error_response(error, headers=headers)
