"""Search over the pages, and what each of them is about: the palette (Ctrl-K), and a page of its own without script."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from credenza import ConsolePage, ConsoleRoute, ConsoleView, ConsoleVisit, Link, audit, console_get

logger = logging.getLogger("credenza.plugins")

HERE = "/console/search"
MOST = 6  # of each kind
ACTIONS = (  # what one comes for, and what it takes
    (Link("Create application", "/console/applications/create", "plus"), "applications:write"),
    (Link("Create third-party app", "/console/applications/create/third-party-app", "plus"), "applications:write"),
    (Link("Create user", "/console/users/create", "user-plus"), "users:write"),
    (Link("Rotate signing keys", "/console/signing-keys/rotate", "rotate-cw"), "keys:write"),
    (Link("Add an administrator", "/console/administrators/add", "user-cog"), "administrators:write"),
)
ERROR_ID = re.compile(r"[0-9A-Za-z_-]{6,40}")

Group = tuple[str, Sequence[Link]]


@dataclass(kw_only=True)
class SearchPage(ConsoleView):
    """`groups` are titles with links; each link's icon says what it is. Pages of the menu are in the frame."""

    template: ClassVar[str] = "search/search.html"
    folder: ClassVar[Path | None] = Path(__file__).parent / "templates"
    fragment: str = "found"
    words: str
    groups: tuple[Group, ...]

    @property
    def found(self) -> list[Group]:
        pages = [link for _, links in self.frame.menu for link in links if self.words.lower() in link.title.lower()]
        return [(title, links) for title, links in [("Pages", pages), *self.groups] if links]


@dataclass(frozen=True, slots=True)
class Search:
    """`pages` are those whose things can be found, by the names of their plugins."""

    pages: Sequence[tuple[str, ConsolePage]]

    def routes(self) -> list[ConsoleRoute]:
        return [console_get(HERE, "overview:read")(self.search)]

    async def search(self, visit: ConsoleVisit) -> SearchPage:
        words = visit.query.get("q", "").strip()[:200]
        groups: list[Group] = []
        if words:
            groups = [_actions(visit, words), await _errors(visit, words)]
            groups += [await self._things(visit, plugin, page, words) for plugin, page in self.pages]
        return SearchPage(title="Search", words=words, groups=tuple(groups))

    async def _things(self, visit: ConsoleVisit, plugin: str, page: ConsolePage, words: str) -> Group:
        """In its own `try`: a plugin that fails is named in the log, and the others are still found."""
        permission = next(route.permission for route in page.routes if route.path == page.path)
        if page.find is None or not visit.may(permission):
            return page.title, ()
        try:
            async with asyncio.timeout(visit.server.settings.plugins_timeout):
                return page.title, (await page.find(visit, words))[:MOST]
        except Exception:
            logger.exception("plugin %r failed to search its page %r", plugin, page.title)
            return page.title, ()


def searching(pages: Sequence[tuple[str, ConsolePage]]) -> Search:
    ordered = sorted(pages, key=lambda item: (item[1].section != "Directory", item[1].order))
    return Search([(plugin, page) for plugin, page in ordered if page.find is not None])


def _actions(visit: ConsoleVisit, words: str) -> Group:
    wanted = words.lower().split()
    offered = (link for link, permission in ACTIONS if visit.may(permission))
    return "Actions", [link for link in offered if all(word in link.title.lower() for word in wanted)]


async def _errors(visit: ConsoleVisit, words: str) -> Group:
    found = visit.may("audit:read") and ERROR_ID.fullmatch(words) and await audit.list_events(error_id=words, limit=1)
    link = Link(f"What happened at {words}", f"/console/audit-log?error={words}", "scroll-text")
    return "Error id", [link] if found else []
