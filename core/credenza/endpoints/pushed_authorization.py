"""The pushed authorization request endpoint. RFC 9126."""

from __future__ import annotations

from ..asked import check_asked
from ..protocol.authorization_request import PUSHED, AuthorizationRequest
from ..protocol.clients import Client
from ..protocol.errors import InvalidDPoPProof, InvalidRequest, ProtocolError, UnsafeRequest
from ..protocol.parameters import Parameters
from ..protocol.redirect_uris import check_redirect_uri
from ..protocol.tokens import digest, new_token
from ..store.pushed_requests import PushedRequest, insert_pushed_request
from ..web.client_authentication import authenticate_client, check_allowance
from ..web.cors import cors_headers, preflight
from ..web.dpop import proof_key
from ..web.endpoints import endpoint
from ..web.refusals import record_refused_authorization
from ..web.requests import AnyRequest, form_parameters, server_of
from ..web.responses import AnyResponse, error_response, json_response
from ..web.rules import Rule
from .authorization import as_kept, unsealed

LIFETIME = 90  # seconds
BY_ADDRESS = Rule("pushed requests of public clients by address", burst=120, seconds=60)
AUTHENTICATION = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


@endpoint("/par", methods=("POST",), name="pushed_authorization_request", preflight=preflight)
async def pushed_authorization(request: AnyRequest) -> AnyResponse:
    """201 and a reference to what was pushed, or an error as of the token endpoint.

    RFC 9126 §2.2, §2.3, §3.
    """
    server = server_of(request)
    headers = await cors_headers(request)
    client_id = ""
    try:
        parameters = await form_parameters(request)
        parameters.check_no_repeats()
        client = await authenticate_client(request, parameters)
        client_id = client.id
        unpacked = await unsealed(server, without_authentication(parameters, client))
        pushed = with_key(unpacked, await proof_key(request, client))
        parsed = AuthorizationRequest.parse(pushed, client, checked_redirect_uri(pushed, client))
        await check_asked(server, client, parsed)
        token, text = new_token("pushed_request"), as_kept(pushed)
        await check_allowance(request, client, BY_ADDRESS)
        await insert_pushed_request(PushedRequest(digest(token), client.id, text), server.now() + LIFETIME)
    except ProtocolError as error:
        await record_refused_authorization(request, error, client_id)
        return error_response(error, headers=headers)
    return json_response({"request_uri": PUSHED + token, "expires_in": LIFETIME}, status=201, headers=headers)


def without_authentication(parameters: Parameters, client: Client) -> Parameters:
    """The authorization request in it. "request_uri" has no place here. RFC 9126 §2.1."""
    if "request_uri" in parameters:
        raise InvalidRequest("request_uri cannot be pushed.")
    pairs = [(name, value) for name, value in parameters.pairs() if name not in AUTHENTICATION | {"client_id"}]
    return Parameters([("client_id", client.id), *pairs])


def with_key(parameters: Parameters, jkt: str) -> Parameters:
    """A proof sent here binds the code to its key, as `dpop_jkt` does; the two must agree. RFC 9449 §10.1."""
    if jkt and parameters.get("dpop_jkt", jkt) != jkt:
        raise InvalidDPoPProof("dpop_jkt is not the key of the DPoP proof.")
    return Parameters([*parameters.pairs(), ("dpop_jkt", jkt)]) if jkt and "dpop_jkt" not in parameters else parameters


def checked_redirect_uri(parameters: Parameters, client: Client) -> str:
    openid = "openid" in parameters.get("scope", "").split(" ")
    sent = parameters.get("redirect_uri")
    try:
        return check_redirect_uri(sent, client.redirect_uris, native=client.type.native, openid=openid or client.fapi)
    except UnsafeRequest as error:
        wrong = "missing" if sent is None else "not registered for this client, character for character"
        facts = "; ".join(f"{label}: {value}" for label, value in error.facts)
        raise InvalidRequest(f"redirect_uri is {wrong}.", detail=facts[:2000]) from error
