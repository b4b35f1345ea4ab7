"""Administrators and their roles. The last one who may do everything stays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from credenza import (
    ADMINISTRATOR_ROLES,
    AdministratorRole,
    ConsoleDone,
    ConsoleForm,
    ConsolePage,
    ConsoleView,
    ConsoleVisit,
    LastAdministrator,
    Link,
    Moment,
    User,
    changed_meanwhile,
    console_get,
    console_post,
    end_all_sessions,
    end_most_sessions,
    hold_administrators,
    is_raised,
    state_of,
    unchanged,
    users,
)

from .users.user import LAST, find

HERE = "/console/administrators"
TEMPLATES = Path(__file__).parent / "templates"
UP = Link("Administrators", HERE)


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    name: str
    account: str
    role: str
    suspended: bool
    last_sign_in: Moment | None


@dataclass(kw_only=True)
class AdministratorList(ConsoleView):
    template: ClassVar[str] = "administrators/list.html"
    folder: ClassVar[Path | None] = TEMPLATES
    rows: tuple[Row, ...]


@dataclass(kw_only=True)
class RolePage(ConsoleForm):
    """`user` is empty while somebody new is named in the form."""

    template: ClassVar[str] = "administrators/role.html"
    folder: ClassVar[Path | None] = TEMPLATES
    action: str
    user: User | None = None
    roles: tuple[AdministratorRole, ...] = tuple(ADMINISTRATOR_ROLES.values())


@console_get(HERE, "administrators:read")
async def list_administrators(visit: ConsoleVisit) -> AdministratorList:
    rows = [
        Row(
            user.id,
            user.display_name,
            user.handle,
            ADMINISTRATOR_ROLES[user.administrator].title
            if user.administrator in ADMINISTRATOR_ROLES
            else f"{user.administrator} (unknown)",
            user.suspended,
            visit.moment(user.last_sign_in_at),
        )
        for user in await users.list_administrators()
    ]
    return AdministratorList(title="Administrators", lead="Who may use this console, and for what.", rows=tuple(rows))


@console_get(HERE + "/add", "administrators:write")
async def show_add(visit: ConsoleVisit) -> RolePage:
    return _add_page()


@console_post(HERE + "/add", "administrators:write")
async def add(visit: ConsoleVisit) -> ConsoleDone | RolePage:
    identifier, role = visit.form.get("identifier", "").strip(), visit.form.get("role", "")
    user = await users.find_user_by_identifier(identifier)
    errors = {}
    if user is None:
        errors["identifier"] = "Nobody has this username or email address. Create the user first."
    elif not user.answers_to(identifier):
        errors["identifier"] = (
            f"Nobody has confirmed this email address. If you mean {user.username}, enter that username."
        )
    elif user.administrator:
        errors["identifier"] = f"{user.username} is an administrator already. Change their role on their own page."
    if role not in ADMINISTRATOR_ROLES:
        errors["role"] = "Choose a role."
    if errors or user is None:
        return _add_page().refused(errors, identifier=identifier, role=role)
    return await _save(visit, user, role) or _add_page().refused({"": LAST}, identifier=identifier, role=role)


@console_get(HERE + "/{user:str}", "administrators:read")
async def show_role(visit: ConsoleVisit, user: str) -> RolePage:
    return _page(await find(user))


@console_post(HERE + "/{user:str}", "administrators:write")
async def save_role(visit: ConsoleVisit, user: str) -> ConsoleDone | RolePage:
    found = await find(user)
    role = visit.form.get("role", "")
    errors = {} if role in (*ADMINISTRATOR_ROLES, "none") else {"role": "Choose a role."}
    if errors := changed_meanwhile(visit.form, found.administrator, beside=errors):
        return _page(found).refused(errors, role=role)
    role = "" if role == "none" else role
    return await _save(visit, found, role) or _page(found).refused({"role": LAST}, role=role)


async def _save(visit: ConsoleVisit, user: User, role: str) -> ConsoleDone | None:
    """None when this is the last full administrator, who stays."""
    if is_raised(user.administrator, role):
        await end_most_sessions(visit.server, user.id)
    try:
        async with unchanged(user, partial(users.hold_user, user.id)):
            if role != "full":
                await hold_administrators(user)
            changed = replace(user, administrator=role, updated_at=visit.server.now())
            await users.edit_user(changed, ("administrator", "updated_at"))
            if is_raised(user.administrator, role):
                await end_all_sessions(visit.server, user.id)
            await visit.changed(
                "administrator",
                "updated",
                user.username,
                user=user.id,
                before={"role": user.administrator},
                after={"role": role},
            )
    except LastAdministrator:
        return None
    words = f"has the role {ADMINISTRATOR_ROLES[role].title}" if role else "is no administrator any more"
    return ConsoleDone(HERE if user.id != visit.user.id or role == "full" else "/console", f"{user.username} {words}.")


def _add_page() -> RolePage:
    return RolePage(title="Add an administrator", path=(UP,), action=f"{HERE}/add", values={"role": "read-only"})


def _page(user: User) -> RolePage:
    return RolePage(
        title=user.display_name,
        lead=user.handle,
        path=(UP,),
        action=f"{HERE}/{user.id}",
        user=user,
        seen=state_of(user.administrator),
        values={"role": user.administrator or "none"},
    )


PAGE = ConsolePage(
    "Administrators",
    HERE,
    (list_administrators, show_add, add, show_role, save_role),
    icon="user-cog",
    section="System",
    order=200,
)
