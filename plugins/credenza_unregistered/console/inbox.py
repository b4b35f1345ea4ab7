"""The inbox: applications that nobody here created, by host, and what was decided about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsoleView,
    ConsoleVisit,
    Link,
    Listing,
    Moment,
    changed_meanwhile,
    console_get,
    console_post,
    state_of,
    unchanged,
)

from .. import ceiling as shared
from ..hosts import ALLOWED, BLOCKED, list_decisions
from ..store import HostRow, list_waiting, summarize
from .addresses import HERE, TEMPLATES, UP, address_of_host, called
from .ceilings import GONE, Ceiling, Choices, catalogue, choices, chosen_ceiling, keys_of, ticked

TABS = (
    ("Waiting", HERE),
    ("Allowed", HERE + "/allowed"),
    ("Blocked", HERE + "/blocked"),
    ("Default permissions", HERE + "/permissions"),
)
LEAD = "Applications that registered themselves, or that are known by their web address."


@dataclass(frozen=True, slots=True)
class Row:
    host: str
    address: str
    count: int
    names: tuple[str, ...]
    first: Moment | None
    used: Moment | None
    decided: Moment | None = None


@dataclass(kw_only=True)
class Inbox(ConsoleView):
    """`open` says whether the server takes such applications at all."""

    template: ClassVar[str] = "unknown_applications/inbox.html"
    folder: ClassVar[Path | None] = TEMPLATES
    fragment: str = "table"
    listing: Listing
    rows: tuple[Row, ...]
    which: str
    open: bool


@dataclass(kw_only=True)
class CeilingPage(ConsoleForm):
    template: ClassVar[str] = "unknown_applications/permissions.html"
    folder: ClassVar[Path | None] = TEMPLATES
    groups: Choices


def tabs(current: str) -> tuple[Link, ...]:
    return tuple(Link(title, path, current=title == current) for title, path in TABS)


@console_get(HERE, "applications:read")
async def show_waiting(visit: ConsoleVisit) -> Inbox:
    listing = Listing.of(visit)
    found, total = await list_waiting(search=listing.search, offset=listing.offset, limit=listing.size)
    return _inbox(visit, "Waiting", replace(listing, total=total), tuple(row_of(visit, row) for row in found))


@console_get(HERE + "/allowed", "applications:read")
async def show_allowed(visit: ConsoleVisit) -> Inbox:
    return await _decided(visit, "Allowed", ALLOWED)


@console_get(HERE + "/blocked", "applications:read")
async def show_blocked(visit: ConsoleVisit) -> Inbox:
    return await _decided(visit, "Blocked", BLOCKED)


async def _decided(visit: ConsoleVisit, which: str, decision: str) -> Inbox:
    listing = Listing.of(visit)
    made = sorted(
        (d for d in (await list_decisions()).values() if d.decision == decision and listing.finds(d.host)),
        key=lambda d: -d.decided_at,
    )
    shown = made[listing.offset : listing.offset + listing.size]
    found = await summarize([d.host for d in shown])
    rows = [
        replace(
            row_of(visit, found.get(d.host, HostRow(d.host, 0, (), 0, None))),
            decided=visit.moment(d.decided_at),
        )
        for d in shown
    ]
    return _inbox(visit, which, replace(listing, total=len(made)), tuple(rows))


def _inbox(visit: ConsoleVisit, which: str, listing: Listing, rows: tuple[Row, ...]) -> Inbox:
    settings = visit.server.settings
    return Inbox(
        title="Unknown applications",
        lead=LEAD,
        tabs=tabs(which),
        listing=listing,
        rows=rows,
        which=which,
        open=settings.client_id_metadata_documents or settings.registration != "off",
    )


def row_of(visit: ConsoleVisit, row: HostRow) -> Row:
    return Row(
        host=called(row.host),
        address=address_of_host(row.host),
        count=row.count,
        names=row.names,
        first=visit.moment(row.first_at),
        used=visit.moment(row.used_at),
    )


@console_get(HERE + "/permissions", "applications:read")
async def show_permissions(visit: ConsoleVisit) -> CeilingPage:
    known, stored = await catalogue(visit), await shared.find_ceiling()
    return _ceiling_page(choices(visit, known, stored), stored)


@console_post(HERE + "/permissions", "applications:write")
async def save_permissions(visit: ConsoleVisit) -> ConsoleDone | CeilingPage:
    known, before = await catalogue(visit), await shared.find_ceiling()
    wanted = chosen_ceiling(visit, known, before)
    errors = changed_meanwhile(visit.form, keys_of(before), beside=GONE if wanted is None else {})
    if wanted is None or errors:
        return _ceiling_page(choices(visit, known, ticked(visit, known)), before).refused(errors)
    if wanted != before:
        async with unchanged(before, shared.find_ceiling):
            await shared.save_ceiling(wanted)
            await visit.changed(
                "permissions",
                "updated",
                "unknown applications",
                before={"permissions": keys_of(before)},
                after={"permissions": keys_of(wanted)},
            )
    return ConsoleDone(f"{HERE}/permissions", "Saved.")


def _ceiling_page(groups: Choices, stored: Ceiling) -> CeilingPage:
    seen = state_of(keys_of(stored))
    return CeilingPage(title=UP.title, lead=LEAD, tabs=tabs("Default permissions"), seen=seen, groups=groups)
