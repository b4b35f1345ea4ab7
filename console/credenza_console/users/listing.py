"""The list of users."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from credenza import ConsoleView, ConsoleVisit, Link, Listing, Moment, User, console_get, users

from .user import LIST, TEMPLATES

STATES = (
    ("", "Any state"),
    ("active", "Active"),
    ("invited", "Invited"),
    ("suspended", "Suspended"),
    ("administrator", "Administrators"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """`state` is "Active", "Suspended", or "Invited" for who has no password yet."""

    id: str
    name: str
    username: str
    email: str
    state: str
    administrator: bool
    created: Moment | None
    last_sign_in: Moment | None


@dataclass(kw_only=True)
class UserList(ConsoleView):
    template: ClassVar[str] = "users/list.html"
    folder: ClassVar[Path | None] = TEMPLATES
    fragment: str = "table"
    listing: Listing
    rows: tuple[Row, ...]
    filters: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (("state", "State", STATES),)


@console_get(LIST, "users:read")
async def list_users(visit: ConsoleVisit) -> UserList:
    listing = Listing.of(visit, ("username", "created_at", "last_sign_in_at"), filters=("state",))
    state = listing.filters.get("state", "")
    found = await users.list_users(
        search=listing.search,
        state=state,
        order=listing.order,
        descending=listing.descending,
        offset=listing.offset,
        limit=listing.size + 1,
    )
    listing = await listing.counted(
        found, lambda: users.count_users(search=listing.search, state=state), most=users.MANY
    )
    return UserList(
        title="Users",
        lead="Everybody who has an account here.",
        listing=listing,
        rows=tuple(row_of(visit, user) for user in found[: listing.size]),
    )


def row_of(visit: ConsoleVisit, user: User) -> Row:
    return Row(
        id=user.id,
        name=user.display_name,
        username=user.username,
        email=user.email or "",
        state="Suspended" if user.suspended else "Active" if user.password_hash else "Invited",
        administrator=bool(user.administrator),
        created=visit.moment(user.created_at),
        last_sign_in=visit.moment(user.last_sign_in_at),
    )


async def find(visit: ConsoleVisit, words: str) -> list[Link]:
    """For the search."""
    found = await users.list_users(search=words, limit=6)
    return [Link(user.email or user.username, f"/console/users/{user.id}", "user") for user in found]
