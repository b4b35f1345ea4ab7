"""The last requests of an application: what went well, what did not, and the error that a developer reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from credenza import Client, ConsoleVisit, Listing, LogoutDelivery, Moment, console_get, list_logout_deliveries

from ..audit_log import EventRow, list_rows, wanted
from .application import ONE, ApplicationView, find, tabs


@dataclass(frozen=True, slots=True)
class Told:
    """A sign-out that the application is told of; `outcome` in words, `failed` when it is not told yet."""

    at: Moment | None
    outcome: str
    error: str
    failed: bool


@dataclass(kw_only=True)
class ActivityPage(ApplicationView):
    template: ClassVar[str] = "applications/activity.html"
    fragment: str = "table"
    listing: Listing
    rows: tuple[EventRow, ...]
    older: str
    told: tuple[Told, ...]


@console_get(ONE + "/activity", "applications:read")
async def list_activity(visit: ConsoleVisit, application: str) -> ActivityPage:
    client = await find(visit, application)
    listing = Listing.of(visit, filters=("name",))
    chosen = await wanted(listing.filters, listing.search) | {"client": client.id}
    rows, older = await list_rows(visit, listing, chosen)
    return ActivityPage(
        title=client.name,
        lead=client.description,
        tabs=tabs(client, "Activity"),
        client=client,
        listing=listing,
        rows=rows,
        older=older,
        told=tuple(await _told(visit, client)),
    )


async def _told(visit: ConsoleVisit, client: Client) -> list[Told]:
    """The last notifications of back-channel logout."""
    now = visit.server.now()
    return [
        Told(Moment(d.created_at, now), _outcome(d, now), "" if d.delivered_at else d.error, d.delivered_at is None)
        for d in await list_logout_deliveries(client.id, limit=10)
    ]


def _outcome(delivery: LogoutDelivery, now: int) -> str:
    if delivery.delivered_at is not None:
        return "Delivered" if delivery.attempts == 1 else f"Delivered with attempt {delivery.attempts}"
    if delivery.given_up:
        return f"Given up after {delivery.attempts} attempts"
    return f"Will be tried again in {max(0, delivery.next_at - now)} seconds" if delivery.attempts else "On its way"
