"""The browsers in which the user is signed in, and signing them out. OWASP ASVS V7.5.2."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from litestar import get, post
from litestar.exceptions import NotFoundException

from credenza import (
    AccountPage,
    AccountVisit,
    AnyRequest,
    AnyResponse,
    Moment,
    SessionEnded,
    Words,
    address_of,
    browser_in_words,
    end_sessions,
    end_some_sessions,
    is_handheld,
    sessions,
    transaction,
)

from .frame import TEMPLATES, done, posted, show, visit

HERE = "/account/sessions"


@dataclass(frozen=True, slots=True)
class SessionLine:
    """`id` is what the form posts; `current` is the browser that looks at the page."""

    id: str
    browser: str
    icon: str
    address: str
    since: Moment
    seen: Moment
    current: bool


@dataclass(kw_only=True)
class SessionsPage(AccountPage):
    """Where the user is signed in."""

    folder: ClassVar[Path | None] = TEMPLATES
    template: ClassVar[str] = "account/sessions.html"
    tab: ClassVar[str] = HERE
    sessions: tuple[SessionLine, ...]


@get(HERE, name="account sessions")
async def list_sessions(request: AnyRequest) -> AnyResponse:
    here = await visit(request)
    now = here.server.now()
    rested = now - here.server.settings.session_idle_lifetime
    alive = [s for s in await sessions.list_sessions(here.user.id, now) if s.last_seen_at > rested]
    lines = [
        SessionLine(
            id=session.id,
            browser=browser_in_words(session.user_agent),
            icon="smartphone" if is_handheld(session.user_agent) else "monitor",
            address=session.address,
            since=here.moment(session.created_at),
            # This very request is from there, whatever was last written down.
            seen=here.moment(now if session.id == here.session.id else session.last_seen_at),
            current=session.id == here.session.id,
        )
        for session in alive
    ]
    lines.sort(key=lambda line: not line.current)
    return await show(here, SessionsPage(title=Words("Sessions"), action=HERE, sessions=tuple(lines)))


@post(f"{HERE}/end", status_code=200, name="end account session")
async def end_session(request: AnyRequest) -> AnyResponse:
    here = await posted(request, HERE)
    ended = here.form.get("session", "")
    async with transaction():
        if not await sessions.delete_user_session(here.user.id, ended):
            raise NotFoundException
        await end_sessions(here.server, here.user.id, [ended])
        await _tell(here, [ended])
    return done(here, HERE, "session-ended")


@post(f"{HERE}/end-others", status_code=200, name="end other account sessions")
async def end_other_sessions(request: AnyRequest) -> AnyResponse:
    here = await posted(request, HERE)
    while await _end_some(here):
        await asyncio.sleep(0)
    return done(here, HERE, "sessions-ended")


async def _end_some(here: AccountVisit) -> bool:
    async with transaction():
        ended = await end_some_sessions(here.server, here.user.id, but=here.session.id)
        await _tell(here, ended)
    return bool(ended)


async def _tell(here: AccountVisit, ids: list[str]) -> None:
    for ended in ids:
        event = SessionEnded(actor=here.user.id, user=here.user.id, address=address_of(here.request), session=ended)
        await here.server.emit(event)
