"""Who holds a role: users, listed and searched, and services."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import ConsoleView, ConsoleVisit, Link, Listing, console_get, segment_of, users

from .. import store
from .api_resources import TEMPLATES
from .roles import ONE, UP, tabs


@dataclass(frozen=True, slots=True)
class Holder:
    id: str
    username: str
    email: str


@dataclass(kw_only=True)
class HolderList(ConsoleView):
    """`services` are applications that act for themselves and hold it."""

    template: ClassVar[str] = "roles/holders.html"
    folder: ClassVar[Path | None] = TEMPLATES
    fragment: str = "table"
    listing: Listing
    rows: tuple[Holder, ...]
    services: tuple[Link, ...]


@console_get(ONE + "/holders", "roles:read")
async def list_holders(visit: ConsoleVisit, role: str) -> HolderList:
    row = await store.find_role(role)
    if row is None:
        raise NotFoundException
    listing = Listing.of(visit, ("username",))
    found = await store.list_holders(
        role,
        search=listing.search,
        descending=listing.descending,
        offset=listing.offset,
        limit=listing.size + 1,
    )
    services = await store.list_services(role)
    return HolderList(
        title=row["name"],
        lead=row["description"],
        path=(UP,),
        tabs=tabs(role, "Holders"),
        listing=await listing.counted(
            found, lambda: store.count_role_holders(role, search=listing.search), most=users.MANY
        ),
        rows=tuple(Holder(user, name, email) for user, name, email in found[: listing.size]),
        services=tuple(Link(name, f"/console/applications/{segment_of(client)}") for client, name in services),
    )
