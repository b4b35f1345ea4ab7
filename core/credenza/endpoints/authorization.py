"""The authorization endpoint, and the way of one sign-in through it. RFC 6749 §3.1, OpenID Connect Core §3.1.2.

`authorize` parses; `proceed` asks the first prompt that is still required, and issues the code when none is; what the
user answers comes back through `resume`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from litestar import get, route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from ..events import AuthorizationRefused, CodeIssued
from ..objects import Prompt, Waiting
from ..permissions import check_enabled
from ..prompts.consent import final_decision, record_automatic
from ..prompts.login import wanted_subject
from ..protocol.authorization_request import PUSHED, AuthorizationRequest, client_id_of
from ..protocol.authorization_response import AuthorizationResponse, failure, success
from ..protocol.clients import Client
from ..protocol.errors import InvalidRequest, LoginRequired, ProtocolError, UnsafeRequest
from ..protocol.parameters import Parameters
from ..protocol.redirect_uris import check_redirect_uri, host_of
from ..protocol.scopes import join_scope
from ..protocol.tokens import digest, is_token, new_id, new_token
from ..server import AuthorizationServer
from ..store import sessions
from ..store.engine import database
from ..store.grants import AuthorizationCode, Details, Grant, insert_code
from ..store.pushed_requests import open_pushed_request, spend_pushed_request
from ..store.sessions import Interaction
from ..web.errors import error_page, new_error_id
from ..web.pages import FormPage, FormPostPage, Page
from ..web.rendering import render
from ..web.requests import AnyRequest, address_of, check_csrf, form_parameters, query_parameters, server_of
from ..web.responses import AnyResponse, redirect_response
from ..web.sessions import (
    browser_cookie,
    csrf_cookie,
    find_session,
    has_session_cookie,
    set_browser_cookie,
    set_session_cookie,
)


@route("/authorize", http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200, name="authorization")
async def authorize(request: AnyRequest) -> AnyResponse:
    server = server_of(request)
    try:
        parameters = await form_parameters(request) if request.method == "POST" else query_parameters(request)
    except InvalidRequest as error:
        raise UnsafeRequest("invalid_request", error.description) from error
    parameters, pushed = await opened(server, parameters)
    client, redirect_uri = await trusted(server, parameters)
    # Until here an error is a page; from here on it is a redirect.
    try:
        authorization_request = AuthorizationRequest.parse(parameters, client, redirect_uri)
        if client.par_required and not pushed:
            raise InvalidRequest("This client must push its authorization requests.")
        await check_enabled(server, client, authorization_request.asked)
        waiting = await _waiting(request, server, authorization_request, client)
        await wanted_subject(waiting)
        if request.method == "POST" and not has_session_cookie(request):
            # A form posted by another site arrives without our cookies; a GET brings them.
            return redirect_response(server.settings, f"{server.issuer}/authorize?{urlencode(parameters.pairs())}")
        waiting.pushed = pushed
        return await proceed(request, waiting, None)
    except ProtocolError as error:
        return await refuse(request, server, client, redirect_uri, parameters, error)


async def opened(server: AuthorizationServer, parameters: Parameters) -> tuple[Parameters, str]:
    """What the client pushed, instead of everything beside `request_uri`, and what it is stored under. RFC 9126 §4."""
    reference = parameters.get("request_uri", "")
    if not reference.startswith(PUSHED):
        return parameters, ""
    client_id = client_id_of(parameters)
    token = reference.removeprefix(PUSHED)
    found = await open_pushed_request(digest(token), server.now()) if is_token(token, "pushed_request") else None
    if found is None or found.client_id != client_id:
        raise UnsafeRequest(
            "invalid_request_uri", "This request was used before, or is too old. Start again.", client_id=client_id
        )
    return Parameters.parse(found.parameters.encode()), found.digest


async def trusted(server: AuthorizationServer, parameters: Parameters) -> tuple[Client, str]:
    """A client we know, and a redirect URI registered for it; otherwise UnsafeRequest. RFC 6749 §4.1.2.1."""
    client_id = client_id_of(parameters)
    client = await server.find_client(client_id)
    if client is None:
        raise UnsafeRequest(
            "invalid_client",
            "No application with this client_id is registered here.",
            facts=[("client_id", client_id)],
            client_id=client_id,
        )
    if not client.enabled:
        raise UnsafeRequest("invalid_client", "This application has been disabled.", client_id=client_id)
    openid = "openid" in parameters.get("scope", "").split(" ")
    redirect_uri = check_redirect_uri(
        parameters.get("redirect_uri"),
        client.redirect_uris,
        native=client.type.native,
        openid=openid,
        client_id=client_id,
    )
    return client, redirect_uri


async def _waiting(
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
        return redirect_response(waiting.server.settings, _address(waiting.server, token, prompt.name))
    assert waiting.request is not None
    return await begin_interaction(
        request, waiting.server, parameters=waiting.request.parameters, first=prompt.name, pushed=waiting.pushed
    )


async def first_required(waiting: Waiting, state: dict[str, Any]) -> Prompt | None:
    """`state` holds what each prompt has noted; `waiting.state` is the part of the prompt that is asked."""
    for prompt in waiting.server.prompts.values():
        if waiting.request is None and not prompt.own_pages:
            continue
        waiting.state = state.setdefault(prompt.name, {})
        if await prompt.required(waiting):
            return prompt
    return None


async def begin_interaction(
    request: AnyRequest,
    server: AuthorizationServer,
    *,
    parameters: Parameters | None = None,
    return_to: str = "",
    first: str = "login",
    pushed: str = "",
) -> AnyResponse:
    """Keep the request until its user has answered, bound to this browser, and lead to the first page."""
    token, now = new_token("interaction"), server.now()
    cookie = browser_cookie(request) or new_token("browser")
    interaction = Interaction(
        digest=digest(token),
        browser=digest(cookie),
        parameters=urlencode(parameters.pairs()) if parameters is not None else "",
        return_to=return_to,
        created_at=now,
        expires_at=now + server.settings.interaction_lifetime,
        state={"pushed": pushed} if pushed else {},
    )
    await sessions.insert_interaction(interaction, most=server.settings.interactions_at_most)
    response = redirect_response(server.settings, _address(server, token, first))
    set_browser_cookie(response, server.settings, cookie)
    return response


def _address(server: AuthorizationServer, token: str, prompt: str) -> str:
    return f"{server.issuer}/interaction/{token}/{prompt}"


@get("/interaction/{token:str}", name="resume")
async def resume(request: AnyRequest, token: FromPath[str]) -> AnyResponse:
    """Where the user comes back to after each answer."""
    return await _continue(request, token)


async def _continue(request: AnyRequest, token: str) -> AnyResponse:
    interaction = await _find(request, token)
    if interaction is None:
        return await _gone(request)
    waiting = await _reopen(request, interaction)
    return await _guarded(request, waiting, interaction, proceed(request, waiting, interaction, token))


@route("/interaction/{token:str}/switch", http_method=[HttpMethod.GET], status_code=200, name="switch account")
async def switch_account(request: AnyRequest, token: FromPath[str]) -> AnyResponse:
    """ "Not you?": the same request, with the sign-in page first."""
    interaction = await _find(request, token)
    if interaction is None:
        return await _gone(request)
    interaction.state = {"login": {"switch": True}, "pushed": interaction.state.get("pushed", "")}
    await sessions.update_interaction(interaction)
    return redirect_response(server_of(request).settings, _address(server_of(request), token, "login"))


@route(
    "/interaction/{token:str}/{name:str}", http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200, name="prompt"
)
async def prompt(request: AnyRequest, token: FromPath[str], name: FromPath[str]) -> AnyResponse:
    """Show a prompt's page, or take its answer; any other prompt than the one that is due leads back to that one."""
    interaction = await _find(request, token)
    if interaction is None:
        return await _gone(request)
    waiting = await _reopen(request, interaction)
    return await _guarded(request, waiting, interaction, _prompt(request, waiting, interaction, token, name))


async def _prompt(
    request: AnyRequest, waiting: Waiting, interaction: Interaction, token: str, name: str
) -> AnyResponse:
    server = waiting.server
    due = await first_required(waiting, interaction.state)
    if due is None or due.name != name:
        return redirect_response(server.settings, f"{server.issuer}/interaction/{token}")
    waiting.action = f"/interaction/{token}/{name}"
    cookie = csrf_cookie(request, waiting.session)
    waiting.csrf_token = server.keyring.csrf_token(cookie)
    if request.method == "POST":
        form = await form_parameters(request)
        check_csrf(request, form, cookie)
        page = await due.submit(waiting, form)
        default_status = 422
    else:
        page = await due.show(waiting)
        default_status = 200
    await sessions.update_interaction(interaction)
    response = await _answer(request, waiting, page, token, default_status)
    if waiting.new_cookie:
        set_session_cookie(response, server.settings, waiting.new_cookie)
    return response


async def _answer(request: AnyRequest, waiting: Waiting, page: Page | None, token: str, status: int) -> AnyResponse:
    if page is None:
        return redirect_response(waiting.server.settings, f"{waiting.server.issuer}/interaction/{token}")
    if isinstance(page, FormPage):
        status = page.status if page.status != 200 else status if page.message else 200
    form_action = _form_action(waiting.request.redirect_uri) if waiting.request is not None else ""
    return await render(request, page, client=waiting.client, status=status, form_action=form_action)


def _form_action(redirect_uri: str) -> str:
    """The origin that the browser may be sent to after a form, in the words of a content security policy."""
    scheme = redirect_uri.partition(":")[0]
    return f"{scheme}://{host_of(redirect_uri)}" if scheme in ("http", "https") else f"{scheme}:"


async def _find(request: AnyRequest, token: str) -> Interaction | None:
    """The interaction, in the browser that began it: a link sent to somebody else leads nowhere."""
    if not is_token(token, "interaction"):
        return None
    interaction = await sessions.find_interaction(digest(token), server_of(request).now())
    if interaction is None or interaction.browser != digest(browser_cookie(request)):
        return None
    return interaction


async def _gone(request: AnyRequest) -> AnyResponse:
    return await error_page(
        request,
        "interaction_expired",
        "This sign-in was finished, took too long, or was begun in another browser. "
        "Go back to the application and start again.",
    )


async def _reopen(request: AnyRequest, interaction: Interaction) -> Waiting:
    """Parse the request again: what was changed meanwhile (a redirect URI removed, a client disabled) counts."""
    server = server_of(request)
    if not interaction.parameters:
        return await _waiting(request, server, None, None)
    parameters = Parameters.parse(interaction.parameters.encode())
    client, redirect_uri = await trusted(server, parameters)
    waiting = await _waiting(request, server, AuthorizationRequest.parse(parameters, client, redirect_uri), client)
    waiting.pushed = interaction.state.get("pushed", "")
    return waiting


async def _guarded(request: AnyRequest, waiting: Waiting, interaction: Interaction, answer: Any) -> AnyResponse:
    """A refusal ends the interaction, and the client is told."""
    try:
        response: AnyResponse = await answer
        return response
    except InvalidRequest:
        if waiting.request is None or request.method == "POST":
            raise
        return await _refuse_waiting(request, waiting, interaction)
    except ProtocolError as error:
        if waiting.request is None:
            raise
        return await _refuse_waiting(request, waiting, interaction, error)


async def _refuse_waiting(
    request: AnyRequest, waiting: Waiting, interaction: Interaction, error: ProtocolError | None = None
) -> AnyResponse:
    assert waiting.request is not None
    assert waiting.client is not None
    await sessions.spend_interaction(interaction.digest)
    return await refuse(
        request,
        waiting.server,
        waiting.client,
        waiting.request.redirect_uri,
        waiting.request.parameters,
        error or InvalidRequest("The request cannot be completed."),
    )


async def finish(request: AnyRequest, waiting: Waiting, interaction: Interaction | None) -> AnyResponse:
    """Nothing is left to ask: back to a page of ours, or to the client with a code."""
    server = waiting.server
    if waiting.request is None:
        assert interaction is not None
        await sessions.spend_interaction(interaction.digest)
        return redirect_response(server.settings, server.issuer + interaction.return_to)
    code = new_token("code")
    async with database().transaction():
        if interaction is not None and not await sessions.spend_interaction(interaction.digest):
            return await _gone(request)
        if waiting.pushed and not await spend_pushed_request(waiting.pushed):
            return await _gone(request)
        await issue_code(waiting, code)
    answer = success(
        waiting.request.redirect_uri,
        waiting.request.response_mode,
        code=code,
        state=waiting.request.state,
        issuer=server.issuer,
    )
    return await send(request, server, answer, waiting.client)


async def issue_code(waiting: Waiting, code: str) -> None:
    server, client, authorization_request = waiting.server, waiting.client, waiting.request
    assert client is not None
    assert authorization_request is not None
    assert waiting.user is not None
    assert waiting.session is not None
    if not await sessions.hold_session(waiting.session.digest):
        raise LoginRequired("The user has signed out meanwhile.")
    if not client.third_party:
        await record_automatic(waiting)
    decision = await final_decision(waiting)
    now = server.now()
    details = Details(
        scopes=authorization_request.scopes,
        resources=authorization_request.resources,
        userinfo_claims=tuple(sorted(authorization_request.claims.userinfo)),
        id_token_claims=tuple(sorted(authorization_request.claims.id_token)),
        choices=dict(waiting.choices),
        nonce=authorization_request.nonce,
        auth_time=waiting.session.authenticated_at,
        acr=waiting.session.acr,
        amr=waiting.session.amr,
        dpop_jkt=authorization_request.dpop_jkt,
    )
    grant = Grant(new_id(), waiting.user.id, client.id, waiting.session.id, details)
    sent_redirect_uri = authorization_request.parameters.get("redirect_uri", "")
    await insert_code(
        AuthorizationCode(
            digest(code),
            grant,
            sent_redirect_uri,
            authorization_request.code_challenge,
            now + server.settings.code_lifetime,
        ),
        now,
    )
    await server.emit(
        CodeIssued(
            actor=waiting.user.id,
            user=waiting.user.id,
            client=client.id,
            address=waiting.address,
            scope=join_scope(p.scope for p in decision.granted),
            grant=grant.id,
        )
    )


async def refuse(
    request: AnyRequest,
    server: AuthorizationServer,
    client: Client,
    redirect_uri: str,
    parameters: Mapping[str, str],
    error: ProtocolError,
) -> AnyResponse:
    """Tell the client, at a redirect URI that was checked."""
    assert isinstance(parameters, Parameters)
    await server.emit(
        AuthorizationRefused(
            client=client.id,
            address=address_of(request),
            error_id=new_error_id(),
            error=error.code,
            description=error.description or error.detail,
        )
    )
    return await send(request, server, failure(redirect_uri, parameters, error, issuer=server.issuer), client)


async def send(
    request: AnyRequest, server: AuthorizationServer, answer: AuthorizationResponse, client: Client | None
) -> AnyResponse:
    if answer.response_mode == "query":
        return redirect_response(server.settings, answer.location)
    page = FormPostPage(title="Continue", action=answer.redirect_uri, parameters=tuple(answer.parameters.items()))
    return await render(request, page, client=client, form_action=_form_action(answer.redirect_uri))
