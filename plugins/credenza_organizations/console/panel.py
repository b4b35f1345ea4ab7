"""Where a user is a member: a panel on their page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from credenza import ConsolePanel, ConsoleView, ConsoleVisit, User, segment_of

from .. import store
from .organization import TEMPLATES, address_of

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Place:
    """`address` is the organization's, `edit` that of the member's roles there."""

    name: str
    address: str
    edit: str
    roles: tuple[str, ...]
    suspended: bool


@dataclass(kw_only=True)
class OrganizationsPanel(ConsoleView):
    template: ClassVar[str] = "organizations/panel.html"
    folder: ClassVar[Path | None] = TEMPLATES
    places: tuple[Place, ...]
    more: int  # that are not shown


async def show_user_panel(visit: ConsoleVisit, user: User) -> OrganizationsPanel:
    active = [(found, False) for found in await store.memberships(user.id)]
    suspended = [(found, True) for found in await store.memberships(user.id, suspended=True)]
    everywhere = sorted(active + suspended, key=lambda pair: pair[0].name.lower())
    return OrganizationsPanel(
        title="Organizations",
        places=tuple(
            Place(
                found.name,
                address_of(found.id),
                f"{address_of(found.id)}/members/{segment_of(user.id)}",
                found.roles,
                is_suspended,
            )
            for found, is_suspended in everywhere[:SHOWN]
        ),
        more=len(everywhere[SHOWN:]),
    )


USER_PANEL = ConsolePanel("Organizations", "user", "organizations:read", show_user_panel, order=110)
