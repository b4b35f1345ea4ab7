"""One user: the profile, the browsers they are signed in with, and what they authorized."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    AlreadyExists,
    ConsoleDone,
    ConsoleForm,
    ConsoleVisit,
    EmailChanged,
    Listing,
    Moment,
    SessionEnded,
    ShownPanel,
    User,
    address_of,
    as_identifier,
    browser_in_words,
    changed_meanwhile,
    consents,
    console_get,
    console_post,
    email_mistake,
    end_sessions,
    end_some_sessions,
    how_long,
    link_lifetime,
    name_mistake,
    revoke_consent,
    sessions,
    state_of,
    transaction,
    unchanged,
    username_mistake,
    users,
)

from ..applications.application import address_of_client
from ..applications.people import in_words
from .creation import TAKEN, taken_mistake
from .user import ONE, UserView, find, tabs

NAMES = ("name", "given_name", "family_name")


@dataclass(kw_only=True)
class ProfilePage(UserView, ConsoleForm):
    template: ClassVar[str] = "users/profile.html"
    link: str = ""
    works: str
    created: Moment | None
    last_sign_in: Moment | None
    panels: tuple[ShownPanel, ...]


@dataclass(frozen=True, slots=True)
class SessionRow:
    id: str
    browser: str
    user_agent: str
    address: str
    since: Moment | None
    seen: Moment | None
    own: bool


@dataclass(kw_only=True)
class SessionsPage(UserView):
    template: ClassVar[str] = "users/sessions.html"
    rows: tuple[SessionRow, ...]


@dataclass(frozen=True, slots=True)
class ConsentRow:
    id: str
    client: str
    client_id: str
    client_address: str
    context: str
    automatic: bool
    granted: tuple[str, ...]
    since: Moment | None
    last_used: Moment | None


@dataclass(kw_only=True)
class ConsentsPage(UserView):
    template: ClassVar[str] = "users/consents.html"
    listing: Listing
    rows: tuple[ConsentRow, ...]


@console_get(ONE, "users:read")
async def show_user(visit: ConsoleVisit, user: str) -> ProfilePage:
    return await _page(visit, await find(user))


@console_post(ONE, "users:write")
async def save_user(visit: ConsoleVisit, user: str) -> ConsoleDone | ProfilePage:
    """Roles and passwords have forms of their own."""
    found = await find(user)
    typed = {name: visit.form.get(name, "").strip() for name in values_of(found)}
    errors = {name: message for name in NAMES if (message := name_mistake(typed[name], 200))}
    username = typed["username"]
    if username != found.username:  # which an older release may have kept in another form of Unicode
        username = as_identifier(username)
        if message := username_mistake(username):
            errors["username"] = message
    email = as_identifier(typed["email"])
    if message := email_mistake(email) or await taken_mistake(email, found.id):
        errors["email"] = message
    if len(typed["phone_number"]) > 50 or not typed["phone_number"].isprintable():
        errors["phone_number"] = "A phone number has at most 50 characters."
    if errors := changed_meanwhile(visit.form, values_of(found), beside=errors):
        return (await _page(visit, found)).refused(errors, **typed)
    profile = {**found.profile, **{name: typed[name] for name in NAMES}}
    changed = replace(
        found,
        username=username,
        email=email or None,
        email_verified=_verified(found, email, ticked=typed["email_verified"] == "on"),
        phone_number=typed["phone_number"],
        phone_number_verified=found.phone_number_verified and typed["phone_number"] == found.phone_number,
        profile={name: value for name, value in profile.items() if value != ""},
        updated_at=visit.server.now(),
    )
    before, after = difference(found, changed)
    try:
        if after:
            async with unchanged((found, ""), partial(_stored, found.id, email)):
                await users.edit_user(changed, (*after, "updated_at"))
                await visit.changed("user", "updated", found.username, user=found.id, before=before, after=after)
                await _tell_of_email(visit, found, changed)
    except AlreadyExists:
        return (await _page(visit, found)).refused({"username": TAKEN}, **typed)
    unsure = changed.email is not None and not changed.email_verified and typed["email_verified"] == "on"
    said = "Saved. Nobody has confirmed the new address yet." if unsure else "Saved."
    return ConsoleDone(f"/console/users/{found.id}", said)


def _verified(before: User, email: str, *, ticked: bool) -> bool:
    """The tick that was there before was about the address before: of another one it takes a tick of its own."""
    return ticked and bool(email) and (email == before.email or not before.email_verified)


async def _stored(user_id: str, email: str) -> tuple[User | None, str]:
    """The account, and what is wrong with its new address by now."""
    return await users.hold_user(user_id), await taken_mistake(email, user_id)


async def _tell_of_email(visit: ConsoleVisit, before: User, after: User) -> None:
    """Whoever reads mail at the address that the account had may be the one whose account it is."""
    was, now = before.email or "", after.email or ""
    if was != now:
        address = address_of(visit.request)
        await visit.server.emit(
            EmailChanged(actor=visit.user.id, user=before.id, address=address, before=was, after=now)
        )


def difference(before: User, after: User) -> tuple[dict[str, Any], dict[str, Any]]:
    names = ("username", "email", "email_verified", "phone_number", "phone_number_verified", "profile")
    differing = [name for name in names if getattr(before, name) != getattr(after, name)]
    return {name: getattr(before, name) for name in differing}, {name: getattr(after, name) for name in differing}


def values_of(user: User) -> dict[str, str]:
    """As the form shows them."""
    return {
        "username": user.username,
        **{name: str(user.profile.get(name, "")) for name in NAMES},
        "email": user.email or "",
        "email_verified": "on" if user.email_verified else "",
        "phone_number": user.phone_number,
    }


async def _page(visit: ConsoleVisit, user: User) -> ProfilePage:
    return ProfilePage(
        title=user.display_name,
        tabs=tabs(user, "Profile"),
        user=user,
        link=visit.secret.get("link", ""),
        works=how_long(link_lifetime(visit.server, user)),
        created=visit.moment(user.created_at),
        last_sign_in=visit.moment(user.last_sign_in_at),
        seen=state_of(values_of(user)),
        values=values_of(user),
        panels=tuple(await visit.panels("user", user)),
    )


@console_get(ONE + "/sessions", "users:read")
async def show_sessions(visit: ConsoleVisit, user: str) -> SessionsPage:
    found = await find(user)
    rows = [
        SessionRow(
            session.id,
            browser_in_words(session.user_agent),
            session.user_agent,
            session.address,
            visit.moment(session.created_at),
            visit.moment(session.last_seen_at),
            session.id == visit.session.id,
        )
        for session in await sessions.list_sessions(found.id, visit.server.now())
    ]
    return SessionsPage(title=found.display_name, tabs=tabs(found, "Sessions"), user=found, rows=tuple(rows))


@console_post(ONE + "/sessions", "users:write")
async def end_session(visit: ConsoleVisit, user: str) -> ConsoleDone:
    """One session, or with `session=all` every one of them, but the one that looks at this page."""
    found = await find(user)
    wanted, ended = visit.form.get("session", ""), 0
    if wanted == "all":
        while some := await _end_some(visit, found):
            ended += some
            await asyncio.sleep(0)
    else:
        ended = await _end_one(visit, found, wanted)
    count = f"{ended:,} session{'' if ended == 1 else 's'}"
    return ConsoleDone(f"/console/users/{found.id}/sessions", f"{count} ended.")


async def _end_some(visit: ConsoleVisit, user: User) -> int:
    async with transaction():
        ended = await end_some_sessions(visit.server, user.id, but=visit.session.id)
        await _tell(visit, user, ended)
    return len(ended)


async def _end_one(visit: ConsoleVisit, user: User, session: str) -> int:
    async with transaction():
        if not await sessions.delete_user_session(user.id, session):
            raise NotFoundException
        await end_sessions(visit.server, user.id, [session])
        await _tell(visit, user, [session])
    return 1


async def _tell(visit: ConsoleVisit, user: User, ended: list[str]) -> None:
    for session in ended:
        event = SessionEnded(actor=visit.user.id, user=user.id, address=address_of(visit.request), session=session)
        await visit.server.emit(event)


@console_get(ONE + "/consents", "users:read")
async def show_consents(visit: ConsoleVisit, user: str) -> ConsentsPage:
    found = await find(user)
    listing = Listing.of(visit)
    given = await consents.list_consents(user_id=found.id, offset=listing.offset, limit=listing.size)
    words = await in_words(visit, [consent.context for consent in given])
    rows = [
        ConsentRow(
            consent.id,
            client.display_name if client is not None else consent.client_id,
            consent.client_id,
            address_of_client(consent.client_id),
            words[consent.context],
            consent.automatic,
            tuple(sorted(permission.scope for permission in consent.granted)),
            visit.moment(consent.granted_at),
            visit.moment(consent.last_used_at),
        )
        for consent in given
        for client in [await visit.server.find_client(consent.client_id)]
    ]
    return ConsentsPage(
        title=found.display_name,
        tabs=tabs(found, "Consents"),
        user=found,
        listing=await listing.counted(given, lambda: consents.count_consents(user_id=found.id)),
        rows=tuple(rows),
    )


@console_post(ONE + "/consents", "users:write")
async def remove_consent(visit: ConsoleVisit, user: str) -> ConsoleDone:
    found = await find(user)
    consent_id, address = visit.form.get("consent", ""), address_of(visit.request)
    if not await revoke_consent(visit.server, found.id, consent_id, actor=visit.user.id, address=address):
        raise NotFoundException
    return ConsoleDone(f"/console/users/{found.id}/consents{Listing.of(visit).query}", "The consent was revoked.")
