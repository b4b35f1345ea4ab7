"""Organizations, and what their template has, in the console's search."""

from __future__ import annotations

from credenza import ConsoleVisit, Link

from .. import store, template
from .organization import address_of
from .template import HERE, address_of_permission
from .template_roles import ROLES

MOST = 6


async def find_organizations(visit: ConsoleVisit, words: str) -> list[Link]:
    """By name, or by the id that tokens have."""
    found = await store.search_organizations(words, limit=MOST)
    return [Link(name, address_of(organization), "building") for organization, name in found]


async def find_in_template(visit: ConsoleVisit, words: str) -> list[Link]:
    """Roles and permissions; whoever may only read has no page for a single permission, and comes to the template."""
    editor = visit.may("organizations:write")
    roles = await template.search_template_roles(words, limit=MOST)
    permissions = await template.search_template_permissions(words, limit=MOST)
    return [
        *(Link(name, f"{ROLES}/{role}", "list-checks") for role, name in roles),
        *(Link(name, address_of_permission(name) if editor else HERE, "key-round") for name in permissions),
    ]
