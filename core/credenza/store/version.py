"""One number that grows with every change to the configuration, so that all caches know when to reload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from piccolo.columns import BigInt, Integer
from piccolo.table import Table

Value = TypeVar("Value")


class Version(Table, tablename="credenza_version"):
    id = Integer(primary_key=True)
    value = BigInt(default=0)


async def current_version() -> int:
    rows = await Version.raw("SELECT value FROM credenza_version WHERE id = 1")
    return int(rows[0]["value"]) if rows else 0


async def bump_version() -> None:
    """Call it in the transaction of the change, so that nobody caches the state before it."""
    # In words: PostgreSQL calls a bare `value` ambiguous here, and Piccolo writes no other.
    await Version.raw(
        "INSERT INTO credenza_version (id, value) VALUES (1, 1) "
        "ON CONFLICT (id) DO UPDATE SET value = credenza_version.value + 1"
    )


class Cache(Generic[Value]):
    """Read-through: what was loaded stays until the version moves. Loading again is always right, only slower."""

    def __init__(self, most: int = 20_000) -> None:
        self._values: dict[str, Value] = {}
        self._version = -1
        self._most = most

    async def get(self, key: str, load: Callable[[], Awaitable[Value]]) -> Value:
        version = await current_version()
        if version != self._version or len(self._values) > self._most:
            self._values, self._version = {}, version
        if key in self._values:
            return self._values[key]
        value = await load()
        # The version was read before the value, so a change in between is seen by the next caller.
        if self._version == version:
            self._values[key] = value
        return value

    def clear(self) -> None:
        self._version = -1
