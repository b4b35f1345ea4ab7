"""The staff directory in the console: a list that can be searched and sorted, and a panel on each user's page."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import staff_directory

from credenza import ConsolePage, ConsolePanel, ConsoleView, Link, Listing, console_get, hookimpl

templates = Path(__file__).parent / "templates"  # reached by the plugin's name


@dataclass(kw_only=True)
class DirectoryPage(ConsoleView):
    template: ClassVar[str] = "staff-console:directory.html"
    listing: Listing
    rows: list[tuple[str, list[str]]]


@dataclass(kw_only=True)
class GroupsPanel(ConsoleView):
    template: ClassVar[str] = "staff-console:groups.html"
    groups: list[str]


@console_get("/console/staff", "users:read")
async def directory(visit):
    listing = Listing.of(visit, ("name",))
    people = sorted(staff_directory.DIRECTORY.items(), reverse=listing.descending)
    found = [(name, groups) for name, groups in people if listing.finds(name, *groups)]
    return DirectoryPage(
        title="Staff directory",
        lead="Who is in which group.",
        listing=replace(listing, total=len(found)),
        rows=found[listing.offset :][: listing.size],
        fragment="table",
    )


async def find_people(visit, words):
    wanted = words.lower().split()
    called = [name for name in sorted(staff_directory.DIRECTORY) if all(word in name for word in wanted)]
    return [Link(name, f"/console/staff?q={name}", "users") for name in called]


async def groups(visit, user):
    found = staff_directory.DIRECTORY.get(user.username)
    return GroupsPanel(title="Groups", groups=found) if found else None


@hookimpl(optionalhook=True)
def console_pages():
    return ConsolePage("Staff", "/console/staff", (directory,), icon="users", find=find_people)


@hookimpl(optionalhook=True)
def console_panels():
    return ConsolePanel("Staff directory", "user", "users:read", groups)
