"""The list of events: newest first, filtered, paged by the id of the last one seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from credenza import (
    AuditEvent,
    ConsoleForm,
    ConsoleVisit,
    Event,
    Listing,
    Moment,
    audit,
    clients,
    console_get,
    users,
)

from ..applications.application import address_of_client
from .data import Detail, details_of

HERE = "/console/audit-log"
TEMPLATES = Path(__file__).parent.parent / "templates"
PAGE_SIZE = 50
MOST = 50  # applications that are looked at together
TOO_MANY = f"More than {MOST} applications have this in their name. Type more of it, or the client ID."
DAY = 86400
NAMES = {  # where the event's own name, with spaces, is not how one would say it
    "UserSignedIn": "Signed in",
    "UserSignedOut": "Signed out",
    "SignInFailed": "Sign-in failed",
    "ReuseDetected": "Code or token used twice",
    "ObjectChanged": "Configuration changed",
    "PasswordChangeRequired": "New password required",
    "FactorChanged": "Way to sign in changed",
    "EmailChanged": "Email address changed",
    "SigningKeyMoved": "Signing key changed",
}
DAYS = ("since", "until")
ITSELF = "The application"  # and not its name, which could be that of a person
FILTERS = ("name", "client", "actor", "user", "since", "until", "error", "failed")


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event in words; `details` are its data.

    `client_name` is empty where there is no such client (any more).
    """

    id: str
    at: Moment | None
    name: str
    words: str
    failed: bool
    actor: str
    actor_address: str
    client: str
    client_name: str
    client_address: str
    target: str
    address: str
    error_id: str
    details: tuple[Detail, ...]

    @property
    def own_address(self) -> str:
        return f"{HERE}/{self.id}"


@dataclass(kw_only=True)
class AuditLog(ConsoleForm):
    """`query` is the filters as they stand in the address."""

    template: ClassVar[str] = "audit_log/list.html"
    folder: ClassVar[Path | None] = TEMPLATES
    fragment: str = "table"
    listing: Listing
    rows: tuple[EventRow, ...]
    older: str
    names: tuple[tuple[str, str], ...]
    query: str


@console_get(HERE, "audit:read")
async def list_events(visit: ConsoleVisit) -> AuditLog:
    listing = Listing.of(visit, filters=FILTERS)
    chosen = await wanted(listing.filters, listing.search)
    errors = {name: "A day like 2026-11-30." for name in DAYS if day_of(listing.filters, name) is None}
    if len(chosen["clients"]) > MOST:
        errors["client"] = TOO_MANY
    rows, older = ((), "") if errors else await list_rows(visit, listing, chosen)
    return AuditLog(
        title="Audit log",
        lead="What happened, who did it, and from where. Nothing here can be changed.",
        listing=listing,
        rows=rows,
        older=older,
        names=tuple(sorted(((kind.__name__, words_of(kind.__name__)) for kind in Event.__subclasses__()), key=_words)),
        query=urlencode({name: value for name, value in {**listing.filters, "q": listing.search}.items() if value}),
        values=dict(listing.filters),
        errors=errors,
    )


def day_of(filters: Mapping[str, str], name: str) -> int | None:
    """The Unix time at which a day begins, 0 when none was given, None when it is not a day."""
    text = filters.get(name, "")
    if not text:
        return 0
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        return None


async def wanted(filters: Mapping[str, str], search: str = "") -> dict[str, Any]:
    """The filters as the store takes them; what was searched for is an error id.

    People are named by user name, email address or id, applications by name or id: of more than MOST, one more.
    """
    until = day_of(filters, "until")
    return {
        "clients": await _clients_of(filters.get("client", "")),
        "actor": await _id_of(filters.get("actor", "")),
        "user": await _id_of(filters.get("user", "")),
        "name": filters.get("name", ""),
        "error_id": search or filters.get("error", ""),
        "since": day_of(filters, "since") or 0,
        "until": until + DAY if until else 0,
        "failed": bool(filters.get("failed")),
    }


async def _clients_of(text: str) -> list[str]:
    """The ids of the applications that are meant: of the one with this id, even if there is none any more, or else of
    those with these words in their name, first of all those with no others."""
    if not text or await clients.names_of_clients([text]) or await audit.list_events(client=text, limit=1):
        return [text] if text else []
    found = await clients.list_clients(search=text, limit=MOST + 1)
    same = [row for row in found if row["name"].casefold() == text.casefold()]
    return [row["id"] for row in same or found] or [text]


async def _id_of(account: str) -> str:
    user = await users.find_user_by_identifier(account) if account else None
    return user.id if user is not None else account


async def list_rows(
    visit: ConsoleVisit, listing: Listing, chosen: Mapping[str, Any], *, limit: int = PAGE_SIZE
) -> tuple[tuple[EventRow, ...], str]:
    """The events that were `chosen`, as the store takes it, and the address of older ones."""
    events = await audit.list_events(**chosen, before=visit.query.get("before", "")[:60], limit=limit + 1)
    people = await users.list_users_by_id(list({event.actor or event.user for event in events}))
    names = await clients.names_of_clients(event.client for event in events)
    details = await details_of(visit, *(event.data for event in events[:limit]))
    rows = tuple(_row(visit, *each, people, names) for each in zip(events, details, strict=False))
    if len(events) <= limit:
        return rows, ""
    query = {**listing.filters, "q": listing.search, "before": rows[-1].id}
    return rows, f"{listing.address}?{urlencode({name: value for name, value in query.items() if value})}"


def _row(
    visit: ConsoleVisit,
    event: AuditEvent,
    details: tuple[Detail, ...],
    people: Mapping[str, Any],
    names: Mapping[str, str],
) -> EventRow:
    actor = event.actor or event.user
    known = people.get(actor)
    return EventRow(
        id=event.id,
        at=visit.moment(event.at),
        name=event.name,
        words=in_words(event),
        failed=event.result not in ("success", ""),
        actor=ITSELF if by_itself(event) else known.handle if known is not None else actor,
        actor_address=f"/console/users/{known.id}" if known is not None and visit.may("users:read") else "",
        client=event.client,
        client_name=names.get(event.client, ""),
        client_address=address_of_client(event.client) if event.client in names else "",
        target=event.target,
        address=event.address,
        error_id=event.error_id,
        details=details,
    )


def by_itself(event: AuditEvent) -> bool:
    """Whether the application did it, and no person."""
    return bool(event.client) and event.actor == event.client


def in_words(event: AuditEvent) -> str:
    """ "Token refused", "Application updated"."""
    if event.name == "ObjectChanged":
        words = f"{event.data.get('kind', 'object')} {event.data.get('action', 'changed')}".replace("_", " ")
        return words[:1].upper() + words[1:] if not words.startswith("api ") else f"API{words[3:]}"
    return words_of(event.name)


def words_of(name: str) -> str:
    return NAMES.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def _words(named: tuple[str, str]) -> str:
    return named[1]
