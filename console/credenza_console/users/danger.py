"""A new password link, suspending and deleting a user: first what it touches, then the step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsoleVisit,
    LastAdministrator,
    User,
    clear_user,
    console_get,
    console_post,
    end_all_sessions,
    end_most_sessions,
    hold_administrators,
    how_long,
    invitation_mail,
    invite,
    link_lifetime,
    suspend_user,
    transaction,
    users,
)

from .user import LAST, LIST, ONE, StakeView, UserView, at_stake, back_to, find

OWN = "This is your own account. Ask another administrator."


@dataclass(kw_only=True)
class LinkPage(UserView, ConsoleForm):
    template: ClassVar[str] = "users/link.html"
    mail: bool = False
    """Whether the link can be mailed."""
    works: str
    """How long the link works."""


@dataclass(kw_only=True)
class SuspensionPage(StakeView, ConsoleForm):
    template: ClassVar[str] = "users/suspension.html"


@dataclass(kw_only=True)
class DeletePage(StakeView, ConsoleForm):
    template: ClassVar[str] = "users/delete.html"


@console_get(ONE + "/link", "users:write")
async def show_link(visit: ConsoleVisit, user: str) -> LinkPage:
    found = await find(user)
    mail = visit.server.mailer is not None and bool(found.email)
    works = how_long(link_lifetime(visit.server, found))
    return LinkPage(title="A link to choose a password", path=back_to(found), user=found, mail=mail, works=works)


@console_post(ONE + "/link", "users:write")
async def create_link(visit: ConsoleVisit, user: str) -> ConsoleDone:
    found = await find(user)
    mailer = visit.server.mailer if "send" in visit.form and found.email else None
    lifetime = link_lifetime(visit.server, found)
    async with transaction():
        link = await invite(visit.server, purpose="password", user_id=found.id, lifetime=lifetime)
        if mailer is not None:
            await visit.server.send_mail(await invitation_mail(visit.server, found, link))
        await visit.changed("password link", "created", found.username, user=found.id)
    if mailer is not None:
        return ConsoleDone(f"{LIST}/{found.id}", f"A link is on its way to {found.email}. Earlier ones no longer work.")
    return ConsoleDone(f"{LIST}/{found.id}", "The link was created. Earlier links no longer work.", {"link": link})


@console_get(ONE + "/suspension", "users:write")
async def show_suspension(visit: ConsoleVisit, user: str) -> SuspensionPage:
    return await _suspension_page(visit, await find(user))


@console_post(ONE + "/suspension", "users:write")
async def save_suspension(visit: ConsoleVisit, user: str) -> ConsoleDone | SuspensionPage:
    """Who is suspended is signed out everywhere, and no token of theirs works from then on."""
    found = await find(user)
    suspended = visit.form.get("suspended") == "on"
    if suspended and found.id == visit.user.id:
        return (await _suspension_page(visit, found)).refused({"": OWN})
    action = "suspended" if suspended else "reactivated"
    if suspended:
        await end_most_sessions(visit.server, found.id)
    try:
        await _suspend(visit, found, suspended, action)
    except LastAdministrator:
        return (await _suspension_page(visit, found)).refused({"": LAST})
    return ConsoleDone(f"{LIST}/{found.id}", f"{found.username} was {action}.")


async def _suspend(visit: ConsoleVisit, found: User, suspended: bool, action: str) -> None:
    async with transaction():
        before = await users.hold_user(found.id)
        if suspended:
            await suspend_user(visit.server, found)
        else:
            active = replace(found, suspended=False, updated_at=visit.server.now())
            await users.edit_user(active, ("suspended", "updated_at"))
        if before is not None and before.suspended != suspended:
            await visit.changed("user", action, found.username, user=found.id)


@console_get(ONE + "/delete", "users:write")
async def show_delete(visit: ConsoleVisit, user: str) -> DeletePage:
    return await _delete_page(visit, await find(user))


@console_post(ONE + "/delete", "users:write")
async def delete(visit: ConsoleVisit, user: str) -> ConsoleDone | DeletePage:
    found = await find(user)
    confirm = visit.form.get("confirm", "")
    page = await _delete_page(visit, found)
    if found.id == visit.user.id:
        return page.refused({"": OWN}, confirm=confirm)
    if not visit.confirms(found.username):
        return page.refused({"confirm": "That is not the username."}, confirm=confirm)
    await end_most_sessions(visit.server, found.id)
    try:
        await clear_user(found.id, lambda: _suspend(visit, found, True, "suspended"))
        async with transaction():
            await hold_administrators(found)
            await end_all_sessions(visit.server, found.id)
            if not await users.delete_user(found.id):
                raise NotFoundException  # by somebody else in this very moment
            await visit.changed("user", "deleted", found.username, user=found.id)
    except LastAdministrator:
        return page.refused({"": LAST}, confirm=confirm)
    return ConsoleDone(LIST, f"{found.username} was deleted.")


async def _suspension_page(visit: ConsoleVisit, user: User) -> SuspensionPage:
    title = f"{'Reactivate' if user.suspended else 'Suspend'} {user.display_name}"
    return SuspensionPage(title=title, path=back_to(user), user=user, **await at_stake(visit, user))


async def _delete_page(visit: ConsoleVisit, user: User) -> DeletePage:
    title = f"Delete {user.display_name}"
    return DeletePage(title=title, path=back_to(user), user=user, **await at_stake(visit, user))
