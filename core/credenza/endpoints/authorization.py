"""The authorization endpoint, and the way of one sign-in through it. RFC 6749 §3.1, OpenID Connect Core §3.1.2.

`authorize` parses; `proceed` asks the first prompt that is still required, and issues the code when none is. The user's
answers come back through `resume` in interaction.py, which calls `proceed` again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..asked import check_asked
from ..objects import Prompt, Waiting
from ..prompts.consent_situation import remember_scopes
from ..prompts.subject import check_subject
from ..protocol.authorization_request import PUSHED, AuthorizationRequest, client_id_of
from ..protocol.clients import Client
from ..protocol.errors import InvalidClient, InvalidRequest, InvalidRequestObject, ProtocolError, UnsafeRequest
from ..protocol.parameters import Parameters
from ..protocol.redirect_uris import check_redirect_uri
from ..protocol.request_objects import parse_request_object
from ..protocol.tokens import digest, is_token, new_token
from ..protocol.words import Words
from ..server import AuthorizationServer
from ..store import sessions
from ..store.pushed_requests import open_pushed_request
from ..store.sealed import place_of
from ..store.sessions import Interaction, InteractionRow
from ..web.client_authentication import client_keys
from ..web.endpoints import endpoint
from ..web.limits import neighbourhood
from ..web.requests import AnyRequest, address_of, form_parameters, query_parameters, server_of, wish_languages
from ..web.responses import AnyResponse, redirect_response
from ..web.sessions import (
    browser_cookie,
    find_session,
    has_session_cookie,
    set_browser_cookie,
)
from .authorization_answer import finish, refuse

LARGEST = 32 * 1024  # bytes of a request that is kept
SITE = 48  # bits of an IPv6 prefix: no customer of a network is given more addresses than that. RFC 6177 §2


@endpoint("/authorize", methods=("GET", "POST"), name="authorization", people=True)
async def authorize(request: AnyRequest) -> AnyResponse:
    server = server_of(request)
    try:
        parameters = await form_parameters(request) if request.method == "POST" else query_parameters(request)
    except InvalidRequest as error:
        raise UnsafeRequest("invalid_request", error.text) from error
    sent = parameters
    parameters, pushed = await opened(server, parameters)
    wish_languages(request, parameters.get("ui_locales", ""))
    outer = parameters
    try:
        parameters = await unsealed(server, parameters)
    except ProtocolError as error:
        # The parameters outside of the request object are all that is left; `trusted` compares them with what is
        # registered before anybody is sent there.
        try:
            client, redirect_uri = await trusted(server, outer)
        except UnsafeRequest as unsafe:
            if unsafe.code != "invalid_request":
                raise
            # There is no redirect_uri outside, and there need not be one. RFC 9101 §5
            raise UnsafeRequest(error.code, error.text, client_id=outer["client_id"], detail=error.detail) from error
        return await refuse(request, server, client, redirect_uri, outer, error)
    wish_languages(request, parameters.get("ui_locales", ""))
    client, redirect_uri = await trusted(server, parameters)
    # Until here an error is a page; from here on it is a redirect.
    try:
        authorization_request = AuthorizationRequest.parse(parameters, client, redirect_uri)
        check_pushed(client, pushed)
        authorization_request, named = await check_asked(server, client, authorization_request)
        waiting = await new_waiting(request, server, authorization_request, client)
        remember_scopes(waiting, named)
        await check_subject(waiting)
        if request.method == "POST" and not has_session_cookie(request):
            # A form posted by another site arrives without our cookies; a GET brings them. What the client pushed
            # or signed stays as it was sent: taken apart, it would be a plain request that anybody could have made.
            return redirect_response(server.settings, f"{server.issuer}/authorize?{urlencode(sent.pairs())}")
        waiting.pushed = pushed
        return await proceed(request, waiting, None)
    except ProtocolError as error:
        return await refuse(request, server, client, redirect_uri, parameters, error)


async def opened(server: AuthorizationServer, parameters: Parameters) -> tuple[Parameters, str]:
    """The parameters that the client pushed, and what they are stored under; else those sent, and "". RFC 9126 §4."""
    reference = parameters.get("request_uri", "")
    if not reference.startswith(PUSHED):
        return parameters, ""
    client_id = client_id_of(parameters)
    if "request_uri" in parameters.repeated:
        raise UnsafeRequest("invalid_request", Words("Sent more than once: %(names)s.", names="request_uri"))
    token, found = reference.removeprefix(PUSHED), None
    if is_token(token, "pushed_request"):
        longest = server.settings.interaction_lifetime
        found = await open_pushed_request(digest(token), client_id, server.now(), longest=longest)
    if found is None:
        raise UnsafeRequest(
            "invalid_request_uri",
            Words("This request was used before, or is too old. Start again."),
            client_id=client_id,
        )
    return Parameters.parse(found.parameters.encode()), found.digest


async def unsealed(server: AuthorizationServer, parameters: Parameters) -> Parameters:
    """The parameters in a request object, which replace all others; without one, the parameters that were sent."""
    if "request" not in parameters:
        return parameters
    try:
        client = await server.find_client(client_id_of(parameters), fresh=True)
    except InvalidClient:
        client = None
    if client is None:
        return parameters  # `trusted` says what is wrong
    if not client.jwks and not client.jwks_uri:
        raise InvalidRequestObject("The application has no public keys here (jwks or jwks_uri) to check it with.")
    try:
        keys = await client_keys(server, client, parameters["request"], "request_object_signing_alg")
    except InvalidClient as error:
        raise InvalidRequestObject("The keys of the application cannot be read.", detail=error.detail) from error
    return parse_request_object(parameters, keys, client_id=client.id, issuer=server.issuer, now=server.now())


async def trusted(server: AuthorizationServer, parameters: Parameters, *, device: bool = False) -> tuple[Client, str]:
    """A client we know, and a redirect URI registered for it; otherwise UnsafeRequest. RFC 6749 §3.1.2.4, §4.1.2.1."""
    client_id = client_id_of(parameters)
    try:
        client = await server.find_client(client_id, fresh=True)
    except InvalidClient as error:
        facts = [("client_id", client_id)]
        raise UnsafeRequest("invalid_client", error.text, facts=facts, client_id=client_id) from error
    if client is None:
        raise UnsafeRequest(
            "invalid_client",
            Words("No application with this client_id is registered here."),
            facts=[("client_id", client_id)],
            client_id=client_id,
        )
    if not client.enabled:
        raise UnsafeRequest(
            "invalid_client",
            Words("%(application)s has been disabled here.", application=client.display_name),
            facts=[("client_id", client_id)],
            client_id=client_id,
        )
    if device:
        return client, ""
    sent = parameters.get("redirect_uri")
    if sent and sent == client.trial_uri and sent.startswith(f"{server.issuer}/"):
        return client, sent
    openid = "openid" in parameters.get("scope", "").split(" ")
    redirect_uri = check_redirect_uri(
        sent,
        client.redirect_uris,
        native=client.type.native,
        openid=openid,
        client_id=client_id,
    )
    return client, redirect_uri


def check_pushed(client: Client, pushed: str) -> None:
    """RFC 9126 §6."""
    if client.par_required and not pushed:
        raise InvalidRequest("This client must push its authorization requests.")


async def new_waiting(
    request: AnyRequest,
    server: AuthorizationServer,
    authorization_request: AuthorizationRequest | None,
    client: Client | None,
) -> Waiting:
    found = await find_session(request)
    session, user = found if found is not None else (None, None)
    return Waiting(
        server=server,
        request=authorization_request,
        client=client,
        session=session,
        user=user,
        address=address_of(request),
        user_agent=request.headers.get("user-agent", ""),
    )


async def proceed(
    request: AnyRequest, waiting: Waiting, interaction: Interaction | None, token: str = ""
) -> AnyResponse:
    """Ask the first prompt that is still required; when none is, issue the code."""
    prompt = await first_required(waiting, interaction.state if interaction is not None else {})
    if prompt is None:
        return await finish(request, waiting, interaction)
    if waiting.request is not None and "none" in waiting.request.prompts:
        raise prompt.error("prompt=none was sent, but the user must be asked.")
    if interaction is not None:
        return redirect_response(waiting.server.settings, interaction_address(waiting.server, token, prompt.name))
    assert waiting.request is not None
    return await begin_interaction(
        request,
        waiting.server,
        parameters=waiting.request.parameters,
        first=prompt.name,
        state={"pushed": waiting.pushed} if waiting.pushed else {},
    )


async def first_required(waiting: Waiting, state: dict[str, Any]) -> Prompt | None:
    """`state` holds the notes of every prompt; each finds its own in `waiting.state`."""
    for prompt in waiting.server.prompts.values():
        if waiting.request is None and not prompt.own_pages:
            continue
        waiting.state = state.setdefault(prompt.name, {})
        if await waiting.server.answer_of(prompt, prompt.required(waiting)):
            return prompt
    return None


async def begin_interaction(
    request: AnyRequest,
    server: AuthorizationServer,
    *,
    parameters: Parameters | None = None,
    return_to: str = "",
    first: str = "login",
    state: Mapping[str, Any] | None = None,
) -> AnyResponse:
    """Store the request until its user has answered, bound to this browser, and send the browser to the first page."""
    token, now = new_token("interaction"), server.now()
    cookie = browser_cookie(request) or new_token("browser")
    # An address to return to may contain the token of an invitation, so it is stored encrypted.
    place = place_of(InteractionRow.return_to, digest(token))
    interaction = Interaction(
        digest=digest(token),
        browser=digest(cookie),
        parameters=as_kept(parameters) if parameters is not None else "",
        return_to=server.keyring.encrypt(return_to.encode(), place=place) if return_to else "",
        created_at=now,
        expires_at=now + server.settings.interaction_lifetime,
        state=dict(state or {}),
        network=neighbourhood(address_of(request), prefix=SITE),
    )
    await sessions.insert_interaction(interaction, most=server.settings.interactions_at_most)
    response = redirect_response(server.settings, interaction_address(server, token, first))
    set_browser_cookie(response, server.settings, cookie)
    return response


def as_kept(parameters: Parameters) -> str:
    """Form-encoded, parameters for a plugin's prompt included; there is room for any honest `state` and `claims`."""
    text = urlencode(parameters.pairs())
    if len(text) > LARGEST:
        raise InvalidRequest("The request is too large.")
    return text


def interaction_address(server: AuthorizationServer, token: str, prompt: str) -> str:
    return f"{server.issuer}/interaction/{token}/{prompt}"
