"""Search over pages, applications and users: the palette (Ctrl-K), and a page of its own without script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from credenza import ConsoleView, ConsoleVisit, Link, audit, clients, console_get, users

from .applications.common import address_of_client

HERE = "/console/search"
MOST = 6
ACTIONS = (  # what one comes for, and what it takes
    (Link("Create application", "/console/applications/create", "plus"), "applications:write"),
    (Link("Create third-party app", "/console/applications/create/third-party-app", "plus"), "applications:write"),
    (Link("Create user", "/console/users/create", "user-plus"), "users:write"),
    (Link("Rotate signing keys", "/console/signing-keys/rotate", "rotate-cw"), "keys:write"),
    (Link("Add an administrator", "/console/administrators/add", "user-cog"), "administrators:write"),
)
ERROR_ID = re.compile(r"[0-9A-Za-z_-]{6,40}")


@dataclass(kw_only=True)
class SearchPage(ConsoleView):
    """`groups` are titles with links; each link's icon says what it is. Pages of the menu are in the frame."""

    template: ClassVar[str] = "search/search.html"
    folder: ClassVar[Path | None] = Path(__file__).parent / "templates"
    fragment: str = "found"
    words: str
    groups: tuple[tuple[str, tuple[Link, ...]], ...]

    @property
    def found(self) -> list[tuple[str, list[Link]]]:
        pages = [link for _, links in self.frame.menu for link in links if self.words.lower() in link.title.lower()]
        return [(title, list(links)) for title, links in [("Pages", pages), *self.groups] if links]


@console_get(HERE, "overview:read")
async def search(visit: ConsoleVisit) -> SearchPage:
    words = visit.query.get("q", "").strip()[:200]
    groups: list[tuple[str, tuple[Link, ...]]] = []
    wanted = words.lower().split()
    offered = (link for link, permission in ACTIONS if words and visit.may(permission))
    groups.append(("Actions", tuple(link for link in offered if all(word in link.title.lower() for word in wanted))))
    if visit.may("audit:read") and ERROR_ID.fullmatch(words) and await audit.list_events(error_id=words, limit=1):
        found_events = Link(f"What happened at {words}", f"/console/audit-log?error={words}", "scroll-text")
        groups.append(("Error id", (found_events,)))
    if words and visit.may("applications:read"):
        rows = await clients.list_clients(search=words, limit=MOST)
        groups.append(("Applications", tuple(Link(r["name"], address_of_client(r["id"]), "app-window") for r in rows)))
    if words and visit.may("users:read"):
        found = await users.list_users(search=words, limit=MOST)
        groups.append(("Users", tuple(Link(u.email or u.username, f"/console/users/{u.id}", "user") for u in found)))
    return SearchPage(title="Search", words=words, groups=tuple(groups))


ROUTES = (search,)
