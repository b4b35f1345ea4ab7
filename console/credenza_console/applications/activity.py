"""The last requests of an application: what went well, what did not, and the error that a developer reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from credenza import ConsoleVisit, Listing, console_get

from ..audit_log import EventRow, list_rows
from .common import ONE, ApplicationView, find, tabs


@dataclass(kw_only=True)
class ActivityPage(ApplicationView):
    template: ClassVar[str] = "applications/activity.html"
    fragment: str = "table"
    listing: Listing
    rows: tuple[EventRow, ...]
    older: str


@console_get(ONE + "/activity", "applications:read")
async def list_activity(visit: ConsoleVisit, application: str) -> ActivityPage:
    client = await find(visit, application)
    listing = Listing.of(visit, filters=("name",))
    rows, older = await list_rows(visit, listing, client=client.id)
    return ActivityPage(
        title=client.name,
        lead=client.description,
        tabs=tabs(client, "Activity"),
        client=client,
        listing=listing,
        rows=rows,
        older=older,
    )
