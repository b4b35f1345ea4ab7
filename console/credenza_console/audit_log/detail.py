"""One event, with everything that is known about it; of a change, what was before and what is after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from litestar.exceptions import NotFoundException

from credenza import AuditEvent, ConsoleView, ConsoleVisit, Link, Moment, audit, clients, console_get, users

from ..applications.application import address_of_client
from .data import Detail, details_of, shown
from .listing import HERE, ITSELF, TEMPLATES, by_itself, in_words


@dataclass(frozen=True, slots=True)
class Change:
    """One member of what was changed; None where it was not there."""

    name: str
    before: str | None
    after: str | None


@dataclass(kw_only=True)
class EventPage(ConsoleView):
    """`facts` are a label, a value and an address or nothing; `more` leads to events like this one."""

    template: ClassVar[str] = "audit_log/event.html"
    folder: ClassVar[Path | None] = TEMPLATES
    at: Moment | None
    failed: bool
    result: str
    facts: tuple[tuple[str, str, str], ...]
    changes: tuple[Change, ...]
    details: tuple[Detail, ...]
    more: tuple[Link, ...]


@console_get(HERE + "/{event:str}", "audit:read")
async def show_event(visit: ConsoleVisit, event: str) -> EventPage:
    found = await audit.find_event(event)
    if found is None:
        raise NotFoundException
    changed = found.name == "ObjectChanged"
    data = {name: value for name, value in found.data.items() if not (changed and name in ("before", "after"))}
    (details,) = await details_of(visit, data)
    return EventPage(
        title=in_words(found),
        path=(Link("Audit log", HERE),),
        at=visit.moment(found.at),
        failed=found.result not in ("success", ""),
        result=found.result,
        facts=await _facts(visit, found),
        changes=changes(found.data.get("before") or {}, found.data.get("after") or {}) if changed else (),
        details=details,
        more=tuple(_more(found)),
    )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    names = dict.fromkeys([*before, *after])
    return tuple(
        Change(
            name.replace("_", " "),
            shown(before[name]) if name in before else None,
            shown(after[name]) if name in after else None,
        )
        for name in names
    )


async def _facts(visit: ConsoleVisit, event: AuditEvent) -> tuple[tuple[str, str, str], ...]:
    people = await users.list_users_by_id([event.actor, event.user])
    may = visit.may("users:read")
    names = await clients.names_of_clients([event.client])
    name = names.get(event.client, "")

    def person(user_id: str) -> tuple[str, str]:
        known = people.get(user_id)
        if known is None:
            return user_id, ""
        return f"{known.display_name} ({known.handle})", f"/console/users/{known.id}" if may else ""

    facts = [
        ("Who did it", *((ITSELF, "") if by_itself(event) else person(event.actor))),
        ("About", *person(event.user)),
        ("Application", name, address_of_client(event.client)),
        ("Client ID", event.client, ""),
        ("Target", event.target, ""),
        ("From", event.address, ""),
        ("Error id", event.error_id, ""),
        ("Event", event.name, ""),
        ("Event id", event.id, ""),
    ]
    return tuple(fact for fact in facts if fact[1])


def _more(event: AuditEvent) -> list[Link]:
    found = [
        ("Everything with this error id", "error", event.error_id),
        ("Everything that they did", "actor", event.actor),
        ("Everything about this user", "user", event.user),
        ("Everything of this application", "client", event.client),
        ("Every event of this kind", "name", event.name),
    ]
    return [Link(title, f"{HERE}?{urlencode({name: value})}") for title, name, value in found if value]
