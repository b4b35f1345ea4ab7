"""The audit log: who did what, when, from where. Newest first, paged by the id of the last one seen."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from credenza import (
    AuditEvent,
    ConsolePage,
    ConsoleView,
    ConsoleVisit,
    Event,
    Listing,
    Moment,
    audit,
    console_get,
    users,
)

from .applications.common import address_of_client

PAGE_SIZE = 50
FILTERS = ("name", "client", "user", "error")


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event in words; `details` are its data and its other members, as label and value pairs."""

    id: str
    at: Moment | None
    name: str
    words: str
    failed: bool
    actor: str
    actor_address: str
    client: str
    client_address: str
    target: str
    address: str
    error_id: str
    details: tuple[tuple[str, str], ...]


@dataclass(kw_only=True)
class AuditLog(ConsoleView):
    template: ClassVar[str] = "audit_log/list.html"
    folder: ClassVar[Path | None] = Path(__file__).parent / "templates"
    fragment: str = "table"
    listing: Listing
    rows: tuple[EventRow, ...]
    older: str
    names: tuple[str, ...]
    values: dict[str, str]


@console_get("/console/audit-log", "audit:read")
async def list_events(visit: ConsoleVisit) -> AuditLog:
    listing = Listing.of(visit, filters=FILTERS)
    rows, older = await list_rows(visit, listing)
    return AuditLog(
        title="Audit log",
        lead="What happened, who did it, and from where. Nothing here can be changed.",
        listing=listing,
        rows=rows,
        older=older,
        names=tuple(sorted(kind.__name__ for kind in Event.__subclasses__())),
        values=dict(listing.filters),
    )


async def list_rows(
    visit: ConsoleVisit, listing: Listing, *, client: str = "", failed: bool = False, limit: int = PAGE_SIZE
) -> tuple[tuple[EventRow, ...], str]:
    """The events that the filters leave, and the address of older ones. What was searched for is an error id."""
    wanted = listing.filters
    account = wanted.get("user", "")
    user = await users.find_user_by_identifier(account) if account else None
    events = await audit.list_events(
        client=client or wanted.get("client", ""),
        user=user.id if user is not None else account,
        name=wanted.get("name", ""),
        error_id=listing.search or wanted.get("error", ""),
        before=visit.query.get("before", "")[:60],
        failed=failed,
        limit=limit + 1,
    )
    people = await users.list_users_by_id(list({event.actor or event.user for event in events}))
    rows = tuple(_row(visit, event, people) for event in events[:limit])
    if len(events) <= limit:
        return rows, ""
    query = {**wanted, "q": listing.search, "before": rows[-1].id}
    return rows, f"{listing.address}?{urlencode({name: value for name, value in query.items() if value})}"


def _row(visit: ConsoleVisit, event: AuditEvent, people: dict[str, Any]) -> EventRow:
    actor = event.actor or event.user
    known = people.get(actor)
    data = {name: value for name, value in event.data.items() if value not in ("", None, [], {}, ())}
    return EventRow(
        id=event.id,
        at=visit.moment(event.at),
        name=event.name,
        words=in_words(event),
        failed=event.result not in ("success", ""),
        actor=(known.email or known.username) if known is not None else actor,
        actor_address=f"/console/users/{known.id}" if known is not None and visit.may("users:read") else "",
        client=event.client,
        client_address=address_of_client(event.client) if event.client else "",
        target=event.target,
        address=event.address,
        error_id=event.error_id,
        details=tuple((name.replace("_", " "), _shown(value)) for name, value in data.items()),
    )


def in_words(event: AuditEvent) -> str:
    """ "Token refused", "Application updated"."""
    if event.name == "ObjectChanged":
        words = f"{event.data.get('kind', 'object')} {event.data.get('action', 'changed')}"
        return words[:1].upper() + words[1:].replace("_", " ")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", event.name).capitalize()


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


PAGE = ConsolePage("Audit log", "/console/audit-log", (list_events,), icon="scroll-text", section="Policy", order=300)
