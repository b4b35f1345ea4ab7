"""The browser's cookies: who is signed in, and which browser began an interaction. OWASP ASVS V7.

A session exists only after a sign-in; an id that a browser brings along is looked up and never adopted.
"""

from __future__ import annotations

from ..logout import end_sessions
from ..protocol.tokens import digest, is_token, new_id, new_token
from ..server import AuthorizationServer
from ..settings import Settings
from ..store import sessions
from ..store.sessions import Session
from ..store.users import User, touch_user
from .requests import AnyRequest, cookie_of, server_of
from .responses import AnyResponse, set_cookie


def session_cookie_name(settings: Settings) -> str:
    return "__Host-credenza_session" if settings.secure else "credenza_session"


def browser_cookie_name(settings: Settings) -> str:
    return "__Host-credenza_browser" if settings.secure else "credenza_browser"


async def find_session(request: AnyRequest) -> tuple[Session, User] | None:
    """The live session of this browser and its user, who is not suspended."""
    server = server_of(request)
    cookie = cookie_of(request, session_cookie_name(server.settings))
    if not is_token(cookie, "session"):
        return None
    now = server.now()
    found = await sessions.find_session(digest(cookie), now, idle=server.settings.session_idle_lifetime)
    if found is None or found[1].suspended:
        return None
    session, user = found
    if session.last_seen_at < now - 60:
        await sessions.touch_session(session.digest, now)
    return session, user


def has_session_cookie(request: AnyRequest) -> bool:
    return bool(cookie_of(request, session_cookie_name(server_of(request).settings)))


async def begin_session(
    server: AuthorizationServer,
    user: User,
    *,
    amr: tuple[str, ...],
    acr: str,
    address: str,
    user_agent: str,
    old: Session | None,
    authenticated_at: int | None = None,
) -> tuple[Session, str]:
    """A new session with a new id, whatever the browser had before; returns it with the value for its cookie.

    When the same user proves again that they are there, the session keeps its public name (`sid`), not its cookie,
    unless it has ended meanwhile. When somebody else does, the browser's old session ends, with what hangs on it.
    """
    cookie = new_token("session")
    now = server.now()
    there = old is not None and await sessions.delete_session(old.digest)
    going_on = old if old is not None and there and old.user_id == user.id else None
    session = Session(
        digest=digest(cookie),
        id=going_on.id if going_on is not None else new_id(),
        user_id=user.id,
        created_at=going_on.created_at if going_on is not None else now,
        authenticated_at=now if authenticated_at is None else authenticated_at,
        last_seen_at=now,
        expires_at=now + server.settings.session_lifetime,
        amr=amr,
        acr=acr,
        address=address,
        user_agent=user_agent[:300],
    )
    if old is not None and old.user_id != user.id:
        await end_sessions(server, old.user_id, [old.id])
    await sessions.insert_session(session)
    await touch_user(user.id, now)
    return session, cookie


class SessionGone(Exception):
    """The session that was to go on is not there any more: its user signed out, or somebody ended it."""


async def renew_session(
    server: AuthorizationServer,
    user: User,
    session: Session,
    *,
    amr: tuple[str, ...],
    acr: str,
    address: str,
    user_agent: str,
) -> tuple[Session, str]:
    """A new id for a session that goes on: a copy of the old cookie is worth nothing. OWASP ASVS V7.2.4.

    When the user signed in stays. Call it in the transaction of the change, which is undone when the session has ended
    meanwhile. Returns what `begin_session` does; raises SessionGone.
    """
    if not await sessions.hold_signed_in(session):
        raise SessionGone
    return await begin_session(
        server,
        user,
        amr=amr,
        acr=acr,
        address=address,
        user_agent=user_agent,
        old=session,
        authenticated_at=session.authenticated_at,
    )


def set_session_cookie(response: AnyResponse, settings: Settings, cookie: str) -> None:
    """`cookie` is what `begin_session` returned."""
    set_cookie(response, settings, session_cookie_name(settings), cookie, max_age=settings.session_lifetime)


def clear_session_cookie(response: AnyResponse, settings: Settings) -> None:
    set_cookie(response, settings, session_cookie_name(settings), "", max_age=0)


def browser_cookie(request: AnyRequest) -> str:
    """What this browser is known by before anybody signed in; empty when it has not been here."""
    cookie = cookie_of(request, browser_cookie_name(server_of(request).settings))
    return cookie if is_token(cookie, "browser") else ""


def set_browser_cookie(response: AnyResponse, settings: Settings, cookie: str) -> None:
    set_cookie(response, settings, browser_cookie_name(settings), cookie, max_age=365 * 24 * 3600)


def csrf_cookie(request: AnyRequest, session: Session | None) -> str:
    """What form tokens are bound to: the session if there is one, else the browser."""
    if session is not None:
        return cookie_of(request, session_cookie_name(server_of(request).settings))
    return browser_cookie(request)
