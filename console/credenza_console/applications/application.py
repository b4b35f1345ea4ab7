"""One application in the console: its view, its tabs and its address."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    Client,
    ConsoleForm,
    ConsoleView,
    ConsoleVisit,
    Link,
    Permission,
    Reach,
    clients,
    count_reach,
    identifier_of,
    segment_of,
)

LISTS = {False: ("My apps", "/console/applications"), True: ("Third-party apps", "/console/applications/third-party")}
ONE = "/console/applications/{application:str}"
TABS = (
    ("Settings", ""),
    ("Permissions", "/permissions"),
    ("Branding", "/branding"),
    ("Users", "/users"),
    ("Activity", "/activity"),
    ("Integration kit", "/kit"),
)
OF_PEOPLE = ("Branding", "Users")
RESERVED = ("create", "third-party")  # words that stand where a client id may stand
TEMPLATES = Path(__file__).parent.parent / "templates"


def address_of_client(client_id: str) -> str:
    """A client id may be any printable ASCII, slashes and our own words too."""
    segment = segment_of(client_id)
    if segment in RESERVED:
        segment = f"~{ord(segment[0]):02X}{segment[1:]}"
    return f"/console/applications/{segment}"


async def find(visit: ConsoleVisit, segment: str) -> Client:
    """The client that the address names, as it is now; raises NotFoundException."""
    client = await clients.find_client(identifier_of(segment), visit.server.client_types)
    if client is None:
        raise NotFoundException
    return client


@dataclass(kw_only=True)
class ApplicationView(ConsoleView):
    """A view of one application. `address` is where all of them begin; `kind` says what sort of application it is."""

    folder: ClassVar[Path | None] = TEMPLATES
    client: Client

    @property
    def address(self) -> str:
        return address_of_client(self.client.id)

    @property
    def kind(self) -> str:
        return kind_of(self.client)

    def __post_init__(self) -> None:
        self.path = (Link(*LISTS[self.client.third_party]), *self.path)


@dataclass(kw_only=True)
class ApplicationForm(ApplicationView, ConsoleForm):
    """A view of one application with a form."""


def kind_of(client: Client) -> str:
    return f"{'Third-party' if client.third_party else 'My'} app · {client.type.title}"


def tabs(client: Client, current: str) -> tuple[Link, ...]:
    """Nobody signs in to an application that acts for itself, so nobody sees its branding or authorizes it."""
    address = address_of_client(client.id)
    shown = TABS if client.type.interactive else [tab for tab in TABS if tab[0] not in OF_PEOPLE]
    return tuple(Link(title, address + path, current=title == current) for title, path in shown)


def back_to(client: Client, title: str = "", path: str = "") -> tuple[Link, ...]:
    """The way up from a step inside of an application."""
    address = address_of_client(client.id)
    return (Link(client.name, address), *((Link(title, address + path),) if title else ()))


async def touched(visit: ConsoleVisit, client: Client, permission: Permission | None = None) -> Reach:
    """The blast radius of a change to the application, or to one of its permissions."""
    now = visit.server.now()
    if permission is None:
        return await count_reach(now, clients=[client.id])
    resource, scope = permission.resource, permission.scope
    return await count_reach(now, clients=[client.id], sources=[permission.source], resource=resource, scope=scope)
