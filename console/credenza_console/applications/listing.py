"""My apps and third-party apps: searched, sorted, with when each was last used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from credenza import ConsoleView, ConsoleVisit, Link, Listing, Moment, clients, console_get

from .application import LISTS, TEMPLATES, address_of_client

ORDERS = ("name", "created_at", "last_used_at")
LEADS = {
    False: "Applications of your own company. People are not asked for their consent.",
    True: "Applications that somebody else wrote. They get what you enable and what each user authorizes.",
}


STATES = (("", "Any state"), ("active", "Active"), ("disabled", "Disabled"), ("unused", "Never used"))
Filters = tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    name: str
    type: str
    third_party: bool
    enabled: bool
    address: str
    created: Moment | None
    last_used: Moment | None


@dataclass(kw_only=True)
class ApplicationList(ConsoleView):
    template: ClassVar[str] = "applications/list.html"
    folder: ClassVar[Path | None] = TEMPLATES
    fragment: str = "table"
    third_party: bool
    listing: Listing
    rows: tuple[Row, ...]
    filters: Filters


@console_get("/console/applications", "applications:read")
async def list_own(visit: ConsoleVisit) -> ApplicationList:
    return await _list(visit, third_party=False)


@console_get("/console/applications/third-party", "applications:read")
async def list_third_party(visit: ConsoleVisit) -> ApplicationList:
    return await _list(visit, third_party=True)


async def _list(visit: ConsoleVisit, *, third_party: bool) -> ApplicationList:
    listing = Listing.of(visit, ORDERS, filters=("kind", "state"))
    chosen = {"kind": listing.filters.get("kind", ""), "state": listing.filters.get("state", "")}
    found = await clients.list_clients(
        third_party=third_party,
        search=listing.search,
        **chosen,
        order=listing.order,
        descending=listing.descending,
        offset=listing.offset,
        limit=listing.size,
    )
    total = await clients.count_clients(third_party=third_party, search=listing.search, **chosen)
    return ApplicationList(
        title="Applications",
        lead=LEADS[third_party],
        tabs=tuple(Link(title, path, current=party == third_party) for party, (title, path) in LISTS.items()),
        third_party=third_party,
        listing=replace(listing, total=total),
        rows=tuple(row_of(visit, row) for row in found),
        filters=(("kind", "Type", _kinds(visit, third_party)), ("state", "State", STATES)),
    )


def _kinds(visit: ConsoleVisit, third_party: bool) -> tuple[tuple[str, str], ...]:
    types = visit.server.client_types.values()
    return ("", "Any type"), *((t.name, t.title) for t in types if t.third_party or not third_party)


def row_of(visit: ConsoleVisit, row: Mapping[str, Any]) -> Row:
    types = visit.server.client_types
    return Row(
        id=row["id"],
        name=row["name"],
        type=types[row["type"]].title if row["type"] in types else f"{row['type']} (its plugin is missing)",
        third_party=row["third_party"],
        enabled=row["enabled"],
        address=address_of_client(row["id"]),
        created=visit.moment(row["created_at"]),
        last_used=visit.moment(row["last_used_at"]),
    )


async def find(visit: ConsoleVisit, words: str) -> list[Link]:
    """For the search."""
    rows = await clients.list_clients(search=words, limit=6)
    return [Link(row["name"], address_of_client(row["id"]), "app-window") for row in rows]
