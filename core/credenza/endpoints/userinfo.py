"""UserInfo: the claims of the user that an access token is about.

OpenID Connect Core §5.3, §5.3.3, RFC 6750, RFC 9449 §7.

It answers for any of the provider's own scopes, also without `openid`: plain OAuth applications ask for
`scope=profile email` and read JSON here. A token that has none of them is refused with insufficient_scope.
"""

from __future__ import annotations

from litestar import Response

from ..grants.inspecting import Inspected, inspect
from ..permissions import audience_of, claims
from ..protocol import jose
from ..protocol.errors import (
    InsufficientScope,
    InvalidDPoPProof,
    InvalidDPoPToken,
    InvalidRequest,
    InvalidToken,
    ProtocolError,
)
from ..protocol.parameters import Parameters
from ..server import AuthorizationServer
from ..web.cors import cors_headers, preflight
from ..web.dpop import proof_key
from ..web.endpoints import endpoint
from ..web.requests import AnyRequest, form_parameters, is_form, server_of
from ..web.responses import NO_STORE, AnyResponse, bearer_challenge, dpop_challenge, error_response, json_response


@endpoint("/userinfo", methods=("GET", "POST"), name="userinfo", preflight=preflight)
async def userinfo(request: AnyRequest) -> AnyResponse:
    server = server_of(request)
    headers = await cors_headers(request)
    if "Access-Control-Allow-Origin" in headers:
        headers["Access-Control-Expose-Headers"] = "WWW-Authenticate"
    as_dpop = False
    try:
        presented = await presented_token(request)
        if presented is None:
            headers |= {**NO_STORE, "WWW-Authenticate": bearer_challenge()}
            return Response(b"", status_code=401, media_type="text/plain", headers=headers)
        value, as_dpop = presented
        wrong = InvalidDPoPToken if as_dpop else InvalidToken
        inspected = await inspect(server, value)
        if inspected is None or inspected.user is None:
            raise wrong("The access token is not valid, or no longer.")
        await check_key(request, inspected, value, as_dpop)
        audience, choices = inspected.token.audience, inspected.decision.choices
        if audience and all(audience_of(server, p, choices) for p in inspected.permissions):
            raise wrong("The access token is for another resource.")
        if not inspected.permissions:
            raise InsufficientScope("The token has none of the scopes that UserInfo answers for.")
        return await _answer(server, inspected, headers)
    except (InvalidRequest, InsufficientScope) as error:
        challenge = dpop_challenge(error) if as_dpop else bearer_challenge(error)
        return error_response(error, headers={**headers, "WWW-Authenticate": challenge})
    except ProtocolError as error:
        return error_response(error, headers=headers)


async def _answer(server: AuthorizationServer, inspected: Inspected, headers: dict[str, str]) -> AnyResponse:
    """The claims as JSON, or as a JWT where the client registered for that. OpenID Connect Core §5.3.2."""
    assert inspected.user is not None
    assert inspected.token.grant is not None
    issued = set(inspected.permissions)
    names = inspected.token.grant.details.userinfo_claims
    decision = inspected.decision
    released = await claims(server, inspected.subject, decision.limited_to(issued), names)
    body = {**released, "sub": server.subject_for(inspected.client, inspected.user.id)}
    if inspected.client.userinfo_alg:
        keys = await server.keys()
        signed = {**body, "iss": server.issuer, "aud": inspected.client.id}
        token = jose.sign(signed, keys.active[inspected.client.userinfo_alg], typ="JWT")
        return Response(token.encode(), media_type="application/jwt", headers={**NO_STORE, **headers})
    return json_response(body, headers=headers)


async def presented_token(request: AnyRequest) -> tuple[str, bool] | None:
    """The token, and whether as DPoP: from the header or from a form body, from one place only, and never from the
    address. RFC 6750 §2, §2.1, §2.2, §2.3; the scheme in any letter case, RFC 9110 §11.1.
    """
    authorization = request.headers.get("authorization", "")
    scheme, _, in_header = authorization.partition(" ")
    in_body = None
    if request.method == "POST" and is_form(request):
        form: Parameters = await form_parameters(request)
        form.check_no_repeats()
        in_body = form.get("access_token")
    if authorization and scheme.lower() not in ("bearer", "dpop"):
        return None  # "attempted using an unsupported authentication method": there is no token that could be wrong
    if in_header and in_body:
        raise InvalidRequest("Send the access token in one place only.")
    value = in_header.strip() or in_body
    return (value, scheme.lower() == "dpop") if value else None


async def check_key(request: AnyRequest, inspected: Inspected, value: str, as_dpop: bool) -> None:
    """A bound token is worth something only with a proof of its key, and as DPoP. RFC 9449 §7.1-7.2."""
    if not inspected.token.jkt and not as_dpop:
        return
    try:
        jkt = await proof_key(request, inspected.client, access_token=value)
    except InvalidDPoPProof as error:
        raise InvalidDPoPToken(error.description, detail=error.detail, code=error.code) from error
    if not as_dpop or not jkt or jkt != inspected.token.jkt:
        raise InvalidDPoPToken("The access token is bound to a key; send it as DPoP, with a proof of that key.")
