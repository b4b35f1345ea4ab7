"""Who authorized an application, for what, and when it was last used in their name."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from credenza import (
    ConsoleVisit,
    Listing,
    Moment,
    choices_of,
    consents,
    console_get,
    context_title,
    errors,
    users,
)

from .application import ONE, ApplicationView, find, tabs


@dataclass(frozen=True, slots=True)
class Row:
    user_id: str
    name: str
    account: str
    context: str
    automatic: bool
    granted: tuple[str, ...]
    declined: tuple[str, ...]
    since: Moment | None
    last_used: Moment | None


@dataclass(kw_only=True)
class PeoplePage(ApplicationView):
    template: ClassVar[str] = "applications/people.html"
    fragment: str = "table"
    listing: Listing
    rows: tuple[Row, ...]


@console_get(ONE + "/users", "applications:read")
async def list_people(visit: ConsoleVisit, application: str) -> PeoplePage:
    client = await find(visit, application)
    listing = Listing.of(visit)
    found = await consents.list_consents(
        client_id=client.id, search=listing.search, offset=listing.offset, limit=listing.size + 1
    )
    people = await users.list_users_by_id([consent.user_id for consent in found])
    words = await in_words(visit, [consent.context for consent in found])
    rows = [
        Row(
            user_id=consent.user_id,
            name=people[consent.user_id].display_name,
            account=people[consent.user_id].email or people[consent.user_id].username,
            context=words[consent.context],
            automatic=consent.automatic,
            granted=tuple(sorted(permission.scope for permission in consent.granted)),
            declined=tuple(sorted(permission.scope for permission in consent.declined)),
            since=visit.moment(consent.granted_at),
            last_used=visit.moment(consent.last_used_at),
        )
        for consent in found[: listing.size]
        if consent.user_id in people
    ]
    listing = await listing.counted(
        found, lambda: consents.count_consents(client.id, search=listing.search), most=users.MANY
    )
    return PeoplePage(
        title=client.name,
        lead=client.description,
        tabs=tabs(client, "Users"),
        client=client,
        listing=listing,
        rows=tuple(rows),
    )


async def in_words(visit: ConsoleVisit, contexts: Iterable[str]) -> dict[str, str]:
    """The contexts of consents (organizations, say) as their sources call them, or as they are kept.

    Once a source fails, which the log says, nobody waits for it again.
    """
    words = {context: ", ".join(choices_of(context).values()) for context in contexts}
    with suppress(errors.ServerError):
        for context in words:
            words[context] = await context_title(visit.server, context) or words[context]
    return words
