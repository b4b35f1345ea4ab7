"""Ceilings of unknown applications: what may be ticked, and what was."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from credenza import ConsoleVisit, Permission, Scope, permission_catalogue


@dataclass(frozen=True, slots=True)
class Choice:
    """A permission with its checkbox: `key` is its value."""

    key: str
    scope: str
    title: str
    description: str
    icon: str
    chosen: bool


Ceiling = Mapping[Permission, bool]
Choices = tuple[tuple[str, str, tuple[Choice, ...]], ...]
GONE = {"": "One of these permissions does not exist any more."}


async def catalogue(visit: ConsoleVisit) -> dict[Permission, Scope]:
    """Everything that may be enabled, from every source."""
    return {p: scope for p, scope in (await permission_catalogue(visit.server)).items() if not scope.always}


def choices(visit: ConsoleVisit, known: Mapping[Permission, Scope], chosen: Collection[Permission]) -> Choices:
    """Titles, identifiers of APIs, and their permissions."""
    groups: dict[tuple[str, str], list[Choice]] = {}
    for permission, scope in known.items():
        title = scope.group if permission.resource else visit.server.scope_providers[permission.source].title
        line = Choice(
            permission.key, permission.scope, scope.title, scope.description, scope.icon, permission in chosen
        )
        groups.setdefault((title, permission.resource), []).append(line)
    return tuple((title, resource, tuple(lines)) for (title, resource), lines in groups.items())


def chosen_ceiling(
    visit: ConsoleVisit, known: Mapping[Permission, Scope], before: Ceiling
) -> dict[Permission, bool] | None:
    """What is ticked in the form; None when one of them does not exist. Whether one is required stays as it was."""
    chosen = ticked(visit, known)
    if {permission.key for permission in chosen} != set(visit.form.all_values("permission")):
        return None
    return {permission: before.get(permission, True) for permission in chosen}


def ticked(visit: ConsoleVisit, known: Collection[Permission]) -> list[Permission]:
    """Those in the form that exist."""
    keys = set(visit.form.all_values("permission"))
    return [permission for permission in known if permission.key in keys]


def keys_of(ceiling: Ceiling) -> list[str]:
    """For the audit log."""
    return sorted(permission.key for permission in ceiling)
