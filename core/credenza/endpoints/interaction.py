"""The user's part of an authorization request: one prompt after the other, bound to the browser that began it.

After each answer `resume` calls `proceed`, which asks the next question or issues the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import NoneType
from typing import Any

from litestar import get, route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from ..objects import Authentication, SignInWishes, Waiting
from ..permissions import branding_of
from ..prompts.login import begin_sign_in
from ..protocol.authorization_request import AuthorizationRequest
from ..protocol.errors import AccessDenied, InvalidRequest, ProtocolError, TemporarilyUnavailable
from ..protocol.parameters import Parameters
from ..protocol.tokens import digest, is_token
from ..protocol.words import Words
from ..store import sessions
from ..store.device_authorizations import DENIED, answer_device
from ..store.sessions import Interaction
from ..store.users import User, find_user_signing_in
from ..web.errors import crowded_page
from ..web.known_browsers import known_accounts, remember_account
from ..web.pages import FormPage, Page
from ..web.rendering import render
from ..web.requests import (
    AnyRequest,
    check_csrf,
    check_same_origin,
    form_parameters,
    has_csrf_token,
    server_of,
    wish_languages,
)
from ..web.responses import AnyResponse, policy_source, redirect_response
from ..web.sessions import (
    browser_cookie,
    csrf_cookie,
    set_session_cookie,
)
from .authorization import (
    begin_interaction,
    check_pushed,
    first_required,
    interaction_address,
    new_waiting,
    proceed,
    trusted,
)
from .authorization_answer import device_page, gone, refuse

# Facts about the request itself: they outlast a change of account, answers to prompts do not.
KEPT = ("pushed", "device_digest", "user_code")
# What sign-in has noted is not about the user who was there before, but about the one who is to come.
SIGN_IN = ("begun", "login")


@get("/interaction/{token:str}", name="resume", opt={"head": False})
async def resume(request: AnyRequest, token: FromPath[str]) -> AnyResponse:
    """Where the user comes back to after each answer."""
    return await _continue(request, token)


async def _continue(request: AnyRequest, token: str) -> AnyResponse:
    interaction = await _find(request, token)
    if interaction is None:
        return await gone(request)
    waiting = await _reopen(request, interaction, token)
    return await _guarded(request, waiting, interaction, proceed(request, waiting, interaction, token))


@get("/interaction/{token:str}/switch", name="switch account", opt={"head": False})
async def switch_account(request: AnyRequest, token: FromPath[str]) -> AnyResponse:
    """ "Not you?": the same request, with the sign-in page first."""
    interaction = await _find(request, token)
    if interaction is None:
        return await gone(request)
    await _as_somebody_else(interaction)
    return redirect_response(server_of(request).settings, interaction_address(server_of(request), token, "login"))


@route(
    "/interaction/{token:str}/{name:str}",
    http_method=[HttpMethod.GET, HttpMethod.POST],
    status_code=200,
    name="prompt",
    opt={"head": False},
)
async def prompt(request: AnyRequest, token: FromPath[str], name: FromPath[str]) -> AnyResponse:
    """Show a prompt's page, or take its answer; when another prompt is due, lead to that one."""
    if request.method == "GET":
        return await _asked(request, token, name)
    form, server = await form_parameters(request), server_of(request)
    async with AsyncExitStack() as place:
        try:
            if name in server.prompts:
                await place.enter_async_context(server.prompts[name].place(server, form))
        except TemporarilyUnavailable as error:
            return await crowded_page(request, error.text)
        return await _asked(request, token, name, form)


async def _asked(request: AnyRequest, token: str, name: str, form: Parameters | None = None) -> AnyResponse:
    interaction = await _find(request, token)
    if interaction is None:
        return await gone(request)
    waiting = await _reopen(request, interaction, token)
    return await _guarded(request, waiting, interaction, _prompt(request, waiting, interaction, token, name, form))


async def _prompt(
    request: AnyRequest, waiting: Waiting, interaction: Interaction, token: str, name: str, form: Parameters | None
) -> AnyResponse:
    server = waiting.server
    due = await first_required(waiting, interaction.state)
    if due is None or due.name != name:
        if form is not None and name in server.prompts:
            await _settled_elsewhere(request, waiting, interaction, name, form)
        return redirect_response(server.settings, f"{server.issuer}/interaction/{token}")
    waiting.action = f"/interaction/{token}/{name}"
    cookie = csrf_cookie(request, waiting.session)
    waiting.csrf_token = server.keyring.csrf_token(cookie)
    if form is not None:
        check_csrf(request, form, cookie)
        waiting.known = known_accounts(request)
        page = await server.answer_of(due, due.submit(waiting, form), Page, NoneType)
        default_status = 422
    else:
        page = await server.answer_of(due, due.show(waiting), Page)
        default_status = 200
    await sessions.update_interaction(interaction)
    response = await _answer(request, waiting, page, token, default_status)
    _keep_cookies(request, response, waiting)
    return response


async def _settled_elsewhere(
    request: AnyRequest, waiting: Waiting, interaction: Interaction, name: str, form: Parameters
) -> None:
    """An answer to what was settled before, perhaps in another tab: Cancel is Cancel still, and whoever signs in as
    somebody else is not taken for the one before. The form's token was perhaps for the session before.
    """
    check_same_origin(request)
    if form.get("decision") == "deny":
        raise AccessDenied("The user cancelled.")
    if name != "login":
        return
    if form.get("decision") == "continue" and has_csrf_token(request, form, csrf_cookie(request, waiting.session)):
        return  # pressed twice: the session is the one that the page was made for
    by_name = form.get("authenticator", "password") == "password"  # whose a passkey is, say, only looking at it tells
    meant = await find_user_signing_in(form.get("identifier", "")) if by_name else None
    if meant is None or meant.id != _who(waiting):
        await _as_somebody_else(interaction)


def _who(waiting: Waiting) -> str:
    """The id of the user who has signed in, or has proved the first factor; empty for nobody."""
    return str(waiting.begun.get("user", "")) or (waiting.user.id if waiting.user is not None else "")


async def _as_somebody_else(interaction: Interaction) -> None:
    """The same request, from its beginning."""
    interaction.state = {**_noted(interaction, KEPT), "login": {"switch": True}}
    await sessions.update_interaction(interaction)


async def _answer(request: AnyRequest, waiting: Waiting, page: Page | None, token: str, status: int) -> AnyResponse:
    if page is None:
        return redirect_response(waiting.server.settings, f"{waiting.server.issuer}/interaction/{token}")
    if isinstance(page, FormPage):
        status = page.status if page.status != 200 else status if page.message else 200
    redirect_uri = waiting.request.redirect_uri if waiting.request is not None else ""
    origin = policy_source(redirect_uri) if redirect_uri else ""
    context = await branding_of(waiting.server, _chosen(waiting)) if waiting.client is not None else None
    return await render(request, page, client=waiting.client, context=context, status=status, form_action=origin)


def _keep_cookies(request: AnyRequest, response: AnyResponse, waiting: Waiting) -> None:
    if waiting.new_cookie and waiting.user is not None:
        set_session_cookie(response, waiting.server.settings, waiting.new_cookie)
        remember_account(request, response, waiting.user.id)


def _chosen(waiting: Waiting) -> dict[str, str]:
    """What the user chose, or until then what the request itself names. It decides how the page looks, nothing else."""
    if waiting.choices or waiting.request is None:
        return waiting.choices
    asked = [p.question_parameter for p in waiting.server.scope_providers.values() if p.question_parameter]
    return {
        name: waiting.request.parameters[parameter]
        for parameter, name in asked
        if parameter in waiting.request.parameters
    }


async def complete_sign_in(request: AnyRequest, token: str, authentication: Authentication) -> AnyResponse:
    """Go on with a sign-in whose first factor was proved elsewhere, in the browser that began it."""
    interaction = await _find(request, token)
    if interaction is None:
        return await gone(request)
    waiting = await _reopen(request, interaction, token)
    return await _guarded(request, waiting, interaction, _complete(request, waiting, interaction, authentication))


async def _complete(
    request: AnyRequest, waiting: Waiting, interaction: Interaction, authentication: Authentication
) -> AnyResponse:
    server = waiting.server
    due = await first_required(waiting, interaction.state)
    another = _who(waiting) not in ("", authentication.user.id)  # signed in before, or in another tab
    if another or (due is not None and due.name == "login"):
        await begin_sign_in(waiting, authentication)
        await sessions.update_interaction(interaction)
    response = redirect_response(server.settings, f"{server.issuer}/interaction/{waiting.token}")
    _keep_cookies(request, response, waiting)
    return response


async def sign_in_with_new(request: AnyRequest, token: str, username: str) -> AnyResponse:
    """Lead to the sign-in page after somebody chose a password: of what this browser had begun, else of a new one."""
    server, noted = server_of(request), {"switch": True, "saved": username}
    interaction = await _find(request, token)
    if interaction is None:
        return await begin_interaction(request, server, return_to="/", state={"login": noted})
    interaction.state["login"] = noted
    await sessions.update_interaction(interaction)
    return redirect_response(server.settings, interaction_address(server, token, "login"))


async def sign_in_wishes(request: AnyRequest, token: str) -> SignInWishes | None:
    """What is wanted of a sign-in that is proved elsewhere; None unless this browser began it and has not finished."""
    interaction = await _find(request, token)
    if interaction is None:
        return None
    waiting = await _reopen(request, interaction, token)
    another = bool(interaction.state.get("login", {}).get("switch"))
    if waiting.request is None:
        return SignInWishes(waiting.begun.get("max_age"), another)
    prompts = waiting.request.prompts
    max_age = 0 if "login" in prompts else waiting.request.max_age
    return SignInWishes(max_age, another or "select_account" in prompts, waiting.client)


async def follow_languages(request: AnyRequest, token: str) -> None:
    """Speak on a page beside a sign-in what its application asked for, to the browser that began it."""
    interaction = await _find(request, token)
    if interaction is not None:
        wish_languages(request, Parameters.parse(interaction.parameters.encode()).get("ui_locales", ""))


def way_on(token: str) -> str:
    """The path that goes on with a sign-in, whatever else was done meanwhile; the front door without one."""
    return f"/interaction/{token}" if is_token(token, "interaction") else "/"


async def _find(request: AnyRequest, token: str) -> Interaction | None:
    """The interaction, in the browser that began it: a link sent to somebody else leads nowhere."""
    if not is_token(token, "interaction"):
        return None
    interaction = await sessions.find_interaction(digest(token), server_of(request).now())
    if interaction is None or interaction.browser != digest(browser_cookie(request)):
        return None
    return interaction


async def _reopen(request: AnyRequest, interaction: Interaction, token: str) -> Waiting:
    waiting = await _parsed_again(request, interaction)
    waiting.token = token
    _begin_anew_for_another(interaction, waiting.user)
    waiting.begun = interaction.state.setdefault("begun", {})
    return waiting


def _begin_anew_for_another(interaction: Interaction, user: User | None) -> None:
    """What one user has answered is nobody else's, who may have signed in meanwhile, in another tab perhaps."""
    if user is None:
        return
    if interaction.state.get("whose", user.id) != user.id:
        interaction.state = _noted(interaction, (*KEPT, *SIGN_IN))
    interaction.state["whose"] = user.id


def _noted(interaction: Interaction, names: Sequence[str]) -> dict[str, Any]:
    return {name: interaction.state[name] for name in names if name in interaction.state}


async def _parsed_again(request: AnyRequest, interaction: Interaction) -> Waiting:
    """Parsed afresh, so that a redirect URI removed meanwhile, or a client disabled, counts."""
    server = server_of(request)
    if not interaction.parameters:
        return await new_waiting(request, server, None, None)
    parameters = Parameters.parse(interaction.parameters.encode())
    wish_languages(request, parameters.get("ui_locales", ""))
    device = interaction.state.get("device_digest", "")
    client, redirect_uri = await trusted(server, parameters, device=bool(device))
    parsed = AuthorizationRequest.parse(parameters, client, redirect_uri, device=bool(device))
    waiting = await new_waiting(request, server, parsed, client)
    waiting.pushed = interaction.state.get("pushed", "")
    if not device:
        check_pushed(client, waiting.pushed)
    waiting.device, waiting.user_code = device, interaction.state.get("user_code", "")
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
    if waiting.device:
        await answer_device(waiting.device, DENIED, None, waiting.server.now())
        return await device_page(
            request, Words("Not connected"), Words("Nothing was allowed. You can close this window.")
        )
    return await refuse(
        request,
        waiting.server,
        waiting.client,
        waiting.request.redirect_uri,
        waiting.request.parameters,
        error or InvalidRequest(Words("The request cannot be completed.")),
    )
