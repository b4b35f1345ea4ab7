"""The applications that the user authorized: what each may have, taking it back, and allowing it again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from credenza import (
    AccountPage,
    AccountVisit,
    AnyRequest,
    AnyResponse,
    Consent,
    ConsentGiven,
    ConsentRevoked,
    Outcome,
    Permission,
    Subject,
    Words,
    address_of,
    choices_of,
    consents,
    errors,
    initiate_login_address,
    query_parameters,
    revoke_consent,
    still_valid,
    transaction,
)

from .consents import HERE, Application, Line, Situation, data_of, line_of, list_of, look
from .frame import TEMPLATES, done, posted, show, visit

ONE = "/account/applications/{consent_id:str}"
PAGE_SIZE = 25


@dataclass(kw_only=True)
class ApplicationsPage(AccountPage):
    """`older` and `newer` are addresses of more of them, or empty."""

    folder: ClassVar[Path | None] = TEMPLATES
    template: ClassVar[str] = "account/applications.html"
    tab: ClassVar[str] = HERE
    applications: tuple[Application, ...]
    newer: str = ""
    older: str = ""


@dataclass(kw_only=True)
class ApplicationPage(AccountPage):
    """`offered` can be allowed again; `changeable` is false for our own applications, which are never asked for.

    `opens_at` is where the application begins a sign-in by itself, if it can.
    """

    folder: ClassVar[Path | None] = TEMPLATES
    template: ClassVar[str] = "account/application.html"
    tab: ClassVar[str] = HERE
    application: Application
    groups: tuple[tuple[str, tuple[Line, ...]], ...]
    offered: tuple[Line, ...]
    changeable: bool
    warning: str = ""
    opens_at: str = ""


@get(HERE, name="account")
async def list_applications(request: AnyRequest) -> AnyResponse:
    here = await visit(request)
    text = query_parameters(request).get("from", "")
    first = int(text) if text.isdecimal() and len(text) < 7 else 0
    found = await consents.list_consents(user_id=here.user.id, offset=first, limit=PAGE_SIZE + 1)
    page = ApplicationsPage(
        title=Words("Applications"),
        applications=tuple(await list_of(here, found[:PAGE_SIZE])),
        newer=_from(first - PAGE_SIZE) if first else "",
        older=_from(first + PAGE_SIZE) if len(found) > PAGE_SIZE else "",
    )
    return await show(here, page)


def _from(first: int) -> str:
    return f"{HERE}?from={first}" if first > 0 else HERE


@get(ONE, name="account application")
async def show_application(request: AnyRequest, consent_id: FromPath[str]) -> AnyResponse:
    here = await visit(request)
    return await show(here, await _page(here, await look(here, consent_id)))


@post(f"{ONE}/remove", status_code=200, name="remove account application")
async def remove_application(request: AnyRequest, consent_id: FromPath[str]) -> AnyResponse:
    here = await posted(request, HERE)
    own, address = here.user.id, address_of(request)
    if not await revoke_consent(here.server, own, consent_id, actor=own, address=address):
        raise NotFoundException
    return done(here, HERE, "removed")


@post(f"{ONE}/permissions/remove", status_code=200, name="remove account permission")
async def remove_permission(request: AnyRequest, consent_id: FromPath[str]) -> AnyResponse:
    """An optional permission is remembered as declined; a required one is forgotten, so that it is asked for again."""
    address = f"{HERE}/applications/{consent_id}"
    here = await posted(request, address)
    seen = await look(here, consent_id)
    permission = _named(here, seen.consent.granted)
    if permission is None or not seen.changeable:
        return await _stale(here, seen)
    now = here.server.now()
    async with transaction():
        if permission in seen.optional:
            changed = await consents.change_answer(here.user.id, consent_id, permission, granted=False, now=now)
        else:
            changed = await consents.revoke_permission(here.user.id, consent_id, permission)
        if changed:
            await here.server.emit(_revoked(here, seen.consent, permission))
    return done(here, address, "permission-removed")


@post(f"{ONE}/permissions/allow", status_code=200, name="allow account permission")
async def allow_permission(request: AnyRequest, consent_id: FromPath[str]) -> AnyResponse:
    """Only what the application asked for once and may still have: nothing can come in here that was never asked."""
    address = f"{HERE}/applications/{consent_id}"
    here = await posted(request, address)
    seen = await look(here, consent_id)
    permission = _named(here, seen.offered)
    if permission is None:
        return await _stale(here, seen)
    now = here.server.now()
    async with transaction():
        if await consents.change_answer(here.user.id, consent_id, permission, granted=True, now=now):
            event = ConsentGiven(
                actor=here.user.id,
                user=here.user.id,
                client=seen.consent.client_id,
                address=address_of(request),
                context=seen.consent.context,
                granted=(permission.key,),
                verdicts=((permission.key, Outcome.GRANTED),),
            )
            await here.server.emit(event)
    return done(here, address, "permission-allowed")


def _revoked(here: AccountVisit, consent: Consent, permission: Permission) -> ConsentRevoked:
    return ConsentRevoked(
        actor=here.user.id,
        user=here.user.id,
        client=consent.client_id,
        address=address_of(here.request),
        context=consent.context,
        permissions=(permission.key,),
    )


def _named(here: AccountVisit, permissions: Collection[Permission]) -> Permission | None:
    """The one that the form names, if it is among these."""
    wanted = here.form.get("permission", "")
    return next((permission for permission in permissions if permission.key == wanted), None)


async def _stale(here: AccountVisit, seen: Situation) -> AnyResponse:
    page = await _page(here, seen)
    page.message = Words("This has changed since the page was made. Here is how it stands now.")
    page.status = 422
    return await show(here, page)


async def _page(here: AccountVisit, seen: Situation) -> ApplicationPage:
    (application,) = await list_of(here, [seen.consent], seen)
    groups: dict[str, list[Line]] = {}
    for line in application.lines:
        groups.setdefault(line.group, []).append(line)
    offered = {permission: seen.scopes[permission] for permission in seen.offered}
    values = await data_of(here, offered, seen.consent.context)
    return ApplicationPage(
        title=application.name,
        action=application.address,
        application=application,
        groups=tuple((title, tuple(lines)) for title, lines in groups.items()),
        offered=tuple(line_of(scope, values) for scope in offered.values()),
        changeable=seen.changeable,
        warning=await _warning(here, seen, application),
        opens_at=_opens_at(here, seen),
    )


def _opens_at(here: AccountVisit, seen: Situation) -> str:
    """Where it signs the user in by itself; an application that nobody vouches for is not recommended."""
    if seen.client is None or seen.client.unverified:
        return ""
    return initiate_login_address(seen.client, here.server.issuer)


async def _warning(here: AccountVisit, seen: Situation, application: Application) -> str:
    """Why it gets nothing at all, whatever is listed."""
    if seen.client is None or not seen.client.enabled:
        return Words(
            "%(application)s is switched off here, so it gets nothing at present.", application=application.name
        )
    if application.over:
        return Words(
            "This no longer counts. %(application)s gets nothing until it has asked you again.",
            application=application.name,
        )
    try:
        valid = await still_valid(here.server, Subject(user=here.user), choices_of(seen.consent.context))
    except errors.ServerError:
        return ""
    if not valid:
        return Words(
            "This was for %(context)s, where you are not at present. %(application)s gets nothing.",
            context=application.context,
            application=application.name,
        )
    return ""
