"""One organization in the console: its view, its tabs, and the roles of the template to tick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import ConsoleView, ConsoleVisit, Link, identifier_of, segment_of

from .. import store, template

LIST = "/console/organizations"
ONE = LIST + "/{organization:str}"
TEMPLATES = Path(__file__).parent.parent / "templates"
TABS = (("Settings", ""), ("Members", "/members"), ("Invitations", "/invitations"), ("Branding", "/branding"))
GONE = "One of these roles does not exist any more."

RoleChoices = tuple[tuple[str, str, str, bool], ...]


@dataclass(kw_only=True)
class OrganizationView(ConsoleView):
    """A view of one organization. `address` is where all of them begin."""

    folder: ClassVar[Path | None] = TEMPLATES
    organization: dict[str, Any]

    @property
    def address(self) -> str:
        return address_of(self.organization["id"])

    def __post_init__(self) -> None:
        self.path = (Link("Organizations", LIST), *self.path)


def address_of(organization: str) -> str:
    return f"{LIST}/{segment_of(organization)}"


def tabs(row: dict[str, Any], current: str) -> tuple[Link, ...]:
    return tuple(Link(title, address_of(row["id"]) + path, current=title == current) for title, path in TABS)


def back_to(row: dict[str, Any]) -> tuple[Link, ...]:
    return (Link(row["name"], address_of(row["id"])),)


async def find(segment: str) -> dict[str, Any]:
    """Raises NotFoundException."""
    row = await store.find_organization(identifier_of(segment))
    if row is None:
        raise NotFoundException
    return row


async def role_choices() -> RoleChoices:
    """Roles of the template: ids, names, descriptions, and whether they are chosen."""
    return tuple(
        (role["id"], name, role["description"], False) for name, role in (await template.template_roles()).items()
    )


def chosen_in(choices: RoleChoices, roles: set[str]) -> RoleChoices:
    return tuple((role, name, description, role in roles) for role, name, description, _ in choices)


def wanted_roles(visit: ConsoleVisit, choices: RoleChoices) -> dict[str, str] | None:
    """Ids to names of the roles that are ticked; None when one of them does not exist."""
    known = {role: name for role, name, _, _ in choices}
    ticked = visit.form.all_values("role")
    return {role: known[role] for role in ticked} if known.keys() >= set(ticked) else None
