"""The staff directory in the console: a page of its own, and a panel on each user's page."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import staff_directory

from credenza import ConsolePage, ConsolePanel, ConsoleView, console_get, hookimpl

templates = Path(__file__).parent / "templates"  # reached by the plugin's name


@dataclass(kw_only=True)
class DirectoryPage(ConsoleView):
    template: ClassVar[str] = "staff-console:directory.html"
    people: dict[str, list[str]]


@dataclass(kw_only=True)
class GroupsPanel(ConsoleView):
    template: ClassVar[str] = "staff-console:groups.html"
    groups: list[str]


@console_get("/console/staff", "users:read")
async def directory(visit):
    return DirectoryPage(title="Staff directory", lead="Who is in which group.", people=staff_directory.DIRECTORY)


async def groups(visit, user):
    found = staff_directory.DIRECTORY.get(user.username)
    return GroupsPanel(title="Groups", groups=found) if found else None


@hookimpl(optionalhook=True)
def console_pages():
    return ConsolePage("Staff", "/console/staff", (directory,), icon="users")


@hookimpl(optionalhook=True)
def console_panels():
    return ConsolePanel("Staff directory", "user", "users:read", groups)
