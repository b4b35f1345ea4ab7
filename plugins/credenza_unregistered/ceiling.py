"""What every client that registered itself may ask for: one shared ceiling, which begins empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from credenza import Cache, Permission, provider

SETTING = "unregistered_ceiling"


class Ceiling:
    """The permissions of the provider setting; the value says whether a permission is required."""

    def __init__(self) -> None:
        self._cache: Cache[Mapping[Permission, bool]] = Cache()

    async def get(self) -> Mapping[Permission, bool]:
        return await self._cache.get(SETTING, find_ceiling)


async def find_ceiling() -> dict[Permission, bool]:
    stored = await provider.find_provider_setting(SETTING)
    return loaded(stored.get("permissions", []))


async def save_ceiling(ceiling: Mapping[Permission, bool]) -> None:
    await provider.save_provider_setting(SETTING, {"permissions": dumped(ceiling)})


def dumped(ceiling: Mapping[Permission, bool]) -> list[list[Any]]:
    """As it is kept in JSON."""
    return [[p.source, p.resource, p.scope, required] for p, required in sorted(ceiling.items())]


def loaded(rows: Iterable[Iterable[Any]]) -> dict[Permission, bool]:
    return {Permission(*parts): required for *parts, required in rows}


def without(ceiling: Mapping[Permission, bool], source: str, resource: str, scope: str) -> dict[Permission, bool]:
    """What is left of it when these are deleted; an empty `source` or `scope` is each."""

    def gone(p: Permission) -> bool:
        return p.resource == resource and source in ("", p.source) and scope in ("", p.scope)

    return {p: required for p, required in ceiling.items() if not gone(p)}


async def forget(source: str, resource: str, scope: str) -> None:
    before = await find_ceiling()
    if (left := without(before, source, resource, scope)) != before:
        await save_ceiling(left)
