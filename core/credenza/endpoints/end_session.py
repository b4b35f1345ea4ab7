"""RP-initiated logout. OpenID Connect RP-Initiated Logout 1.0, Front-Channel Logout 1.0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from litestar import route
from litestar.enums import HttpMethod

from ..events import SignOutRefused, UserSignedOut
from ..logout import end_sessions, frontchannel_address
from ..prompts.subject import read_hint, session_name_for, subject_for
from ..protocol.clients import Client
from ..protocol.errors import InvalidClient, InvalidRequest, UnsafeRequest
from ..protocol.parameters import Parameters
from ..protocol.redirect_uris import host_of, mismatch
from ..protocol.words import Words
from ..server import AuthorizationServer
from ..store import sessions
from ..store.engine import database
from ..store.sessions import Session
from ..store.users import User
from ..web.errors import SIGN_OUT, unsafe_request_page
from ..web.pages import InterstitialPage, SignedOutPage, SignOutPage
from ..web.rendering import render
from ..web.requests import (
    AnyRequest,
    address_of,
    check_same_origin,
    form_parameters,
    has_csrf_token,
    query_parameters,
    server_of,
    wish_languages,
)
from ..web.responses import AnyResponse, policy_source, redirect_response
from ..web.sessions import clear_session_cookie, csrf_cookie, find_session, has_session_cookie


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """What could be verified of a logout request. `location` is where to go afterwards, if it may be gone to.

    `subject` and `session_id` are the names that the client knows.
    """

    client: Client | None
    subject: str
    session_id: str
    location: str
    hinted: bool


ASKED = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")


@route(
    "/logout",
    http_method=[HttpMethod.GET, HttpMethod.POST],
    status_code=200,
    name="end_session",
    opt={"head": False},  # with a hint GET signs out
)
async def end_session(request: AnyRequest) -> AnyResponse:
    server = server_of(request)
    found, stale = await find_session(request), False
    try:
        parameters = await form_parameters(request) if request.method == "POST" else query_parameters(request)
        wish_languages(request, parameters.get("ui_locales", ""))
        answered = request.method == "POST" and "decision" in parameters
        if answered and found is not None and not _is_ours(request, parameters, found[0]):
            answered, stale = False, True
        parameters.check_no_repeats()
        logout = await parse_logout(server, parameters)
    except (InvalidRequest, InvalidClient, UnsafeRequest) as error:
        if not isinstance(error, UnsafeRequest):
            error = UnsafeRequest(error.code, error.text, detail=error.detail)
        return await unsafe_request_page(request, error, kind=SignOutRefused, links=(SIGN_OUT,) if found else ())
    if request.method == "POST" and not answered and not has_session_cookie(request):
        # A form posted by another site arrives without our cookies; a GET brings them.
        return redirect_response(server.settings, f"{server.issuer}/logout?{urlencode(parameters.pairs())}")
    if found is None:
        return await _signed_out_before(request, logout)
    session, user = found
    if answered:
        return await _answered(request, logout, session, user, parameters)
    theirs = subject_for(server, logout.client, user.id), session_name_for(server, logout.client, session.id)
    if logout.hinted and (logout.subject, logout.session_id or theirs[1]) == theirs:
        return await _end(request, logout, session, user)
    return await _ask(request, session, user, logout, parameters, status=403 if stale else 200)


def _is_ours(request: AnyRequest, form: Parameters, session: Session) -> bool:
    """Whether a page of this session posted the form. One from before its cookie changed is asked about once more.

    Raises Forbidden for one that was posted from elsewhere.
    """
    check_same_origin(request)
    return has_csrf_token(request, form, csrf_cookie(request, session))


async def parse_logout(server: AuthorizationServer, parameters: Parameters) -> LogoutRequest:
    """A hint must be ours, and the address registered; what does not fit leads nowhere. RP-Initiated Logout §2-3."""
    hint = parameters.get("id_token_hint")
    subject = session_id = audience = ""
    if hint is not None:
        claims = await read_hint(server, hint)
        subject, session_id, audience = (
            str(claims.get("sub", "")),
            str(claims.get("sid", "")),
            str(claims.get("aud", "")),
        )
    client_id = parameters.get("client_id", audience)
    if hint is not None and client_id != audience:
        raise InvalidRequest(Words("client_id is not the one of the id_token_hint."))
    client = await server.find_client(client_id) if client_id else None
    address = parameters.get("post_logout_redirect_uri", "")
    if hint is None:
        address = ""  # anybody could have made this request, so the user is asked, and then sent nowhere
    if address and (client is None or not client.enabled or address not in client.post_logout_redirect_uris):
        registered = client.post_logout_redirect_uris if client is not None and client.enabled else ()
        raise UnsafeRequest(
            "invalid_request",
            Words("post_logout_redirect_uri is not registered for this application."),
            facts=mismatch(address, registered, after_logout=True),
            client_id=client.id if client is not None else "",
        )
    state = {"state": parameters["state"]} if "state" in parameters else {}
    location = f"{address}{'&' if '?' in address else '?'}{urlencode(state)}" if address and state else address
    return LogoutRequest(client, subject, session_id, location, hint is not None)


async def _signed_out_before(request: AnyRequest, logout: LogoutRequest) -> AnyResponse:
    """Anybody may have made this link, so it goes by itself only to an application that somebody vouches for.

    RFC 9700 §4.11.2.
    """
    client = logout.client
    if not logout.location or client is None or not client.unverified:
        return await _signed_out(request, logout)
    page = InterstitialPage(
        title=Words("Leaving"),
        application=client.name,
        redirect_host=host_of(logout.location),
        location=logout.location,
    )
    return await render(request, page)


async def _signed_out(request: AnyRequest, logout: LogoutRequest, frames: Sequence[str] = ()) -> AnyResponse:
    """Where the application asked to go, at once unless other applications have to be told in frames first."""
    if logout.location and not frames:
        return redirect_response(server_of(request).settings, logout.location)
    page = SignedOutPage(title=Words("Signed out"), frames=tuple(frames), location=logout.location)
    origins = " ".join(sorted({policy_source(frame) for frame in frames}))
    return await render(request, page, client=logout.client, frame_src=origins)


async def _ask(
    request: AnyRequest, session: Session, user: User, logout: LogoutRequest, parameters: Parameters, status: int
) -> AnyResponse:
    """A request that anybody could have made signs nobody out. RP-Initiated Logout §2.

    One that has a hint of ours, of an earlier session perhaps, leads back to its application once the user has said so.
    """
    client = logout.client
    token = server_of(request).keyring.csrf_token(csrf_cookie(request, session))
    page = SignOutPage(
        title=Words("Sign out"),
        action="/logout",
        csrf_token=token,
        account=user.email or user.username,
        application=client.display_name if client is not None else "",
        asked=tuple((name, parameters[name]) for name in ASKED if name in parameters) if logout.location else (),
    )
    back = policy_source(logout.location) if logout.location else ""  # browsers hold the answer's redirect to it too
    return await render(request, page, client=client, form_action=back, status=status)


async def _answered(
    request: AnyRequest, logout: LogoutRequest, session: Session, user: User, form: Parameters
) -> AnyResponse:
    if form["decision"] != "sign-out":
        return redirect_response(server_of(request).settings, f"{server_of(request).issuer}/")
    return await _end(request, logout, session, user)


async def _end(request: AnyRequest, logout: LogoutRequest, session: Session, user: User) -> AnyResponse:
    """End the session, and with it every token that was not issued for offline access."""
    server = server_of(request)
    async with database().transaction():
        await sessions.delete_session(session.digest)
        involved = await end_sessions(server, user.id, [session.id])
        await server.emit(UserSignedOut(actor=user.id, user=user.id, address=address_of(request), session=session.id))
    addresses = (frontchannel_address(server, client, session.id) for client in involved)
    response = await _signed_out(request, logout, [address for address in addresses if address])
    clear_session_cookie(response, server.settings)
    return response
