"""Administrators' roles, which `User.administrator` names. The last one who may do everything stays."""

from __future__ import annotations

from dataclasses import dataclass

from .protocol.words import Words
from .store import users
from .store.users import User
from .store.version import bump_version


@dataclass(frozen=True, slots=True)
class AdministratorRole:
    """What an administrator may do, in words; the console decides by `name`."""

    name: str
    title: str
    description: str


ADMINISTRATOR_ROLES = {
    role.name: role
    for role in (
        AdministratorRole("full", "Full access", "Sees and changes everything, administrators included."),
        AdministratorRole("applications", "Applications only", "Sees and changes applications, and nothing else."),
        AdministratorRole("read-only", "Read-only", "Sees everything and changes nothing."),
    )
}
"""Every role, by its name."""


def is_raised(before: str, after: str) -> bool:
    """Whether the other role opens what was closed. Who gets it signs in again, so that a cookie which was copied
    before opens nothing new. OWASP ASVS V7.2.4.
    """
    return after not in ("", before) and before != "full"


async def missing_administrator() -> str:
    """What to do about it while the database has no administrator at all, whatever their role; else nothing.

    It may be said to anybody: the first one is made on the machine, or with a link that only the machine prints.
    """
    if await users.count_users(state="administrator"):
        return ""
    return Words("There is no administrator yet. Where this server runs, “credenza admin create” makes the first one.")


class LastAdministrator(Exception):
    """The change would leave nobody who may do everything."""


async def hold_administrators(user: User) -> None:
    """Call it in a transaction, before somebody is demoted, suspended or deleted. Raises LastAdministrator.

    Two parallel changes wait for each other here, so that they cannot both take away the last but one. The user is held
    before the version moves, as by whoever writes both: PostgreSQL stops one of two that wait crosswise.
    """
    now = await users.hold_user(user.id)
    await bump_version()
    if now is None or now.administrator != "full" or now.suspended:
        return
    if await users.count_administrators() <= 1:
        raise LastAdministrator
