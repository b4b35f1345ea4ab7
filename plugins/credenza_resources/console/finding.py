"""APIs and roles in the console's search."""

from __future__ import annotations

from credenza import ConsoleVisit, Link

from .. import store
from . import roles
from .api_resources import address_of

MOST = 6


async def find_resources(visit: ConsoleVisit, words: str) -> list[Link]:
    """By name, by identifier, or by the name of one of its permissions."""
    found = await store.search_resources(words, limit=MOST)
    return [Link(f"{name} · {identifier}", address_of(identifier), "database") for identifier, name in found]


async def find_roles(visit: ConsoleVisit, words: str) -> list[Link]:
    return [Link(name, f"{roles.HERE}/{role}", "shield") for role, name in await store.search_roles(words, limit=MOST)]
