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


Choices = tuple[tuple[str, str, tuple[Choice, ...]], ...]


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
    visit: ConsoleVisit, known: Mapping[Permission, Scope], before: Mapping[Permission, bool]
) -> dict[Permission, bool] | None:
    """What is ticked in the form; None when one of them does not exist. Whether one is required stays as it was."""
    by_key = {permission.key: permission for permission in known}
    ticked = visit.form.all_values("permission")
    if not by_key.keys() >= set(ticked):
        return None
    return {by_key[key]: before.get(by_key[key], True) for key in ticked}


def keys_of(ceiling: Mapping[Permission, bool]) -> list[str]:
    """For the audit log."""
    return sorted(permission.key for permission in ceiling)
