"""One number that grows with every change to the configuration, so that all caches know when to reload."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from piccolo.columns import BigInt, Integer
from piccolo.table import Table

from .engine import Engine, Statement, database

FRESH = 0.005  # seconds: how long another process may go on with a configuration that has just changed
Value = TypeVar("Value")


class Version(Table, tablename="credenza_version"):
    id = Integer(primary_key=True)
    value = BigInt(default=0)


_CURRENT = Statement("SELECT value FROM credenza_version WHERE id = 1")
# In words: PostgreSQL calls a bare `value` ambiguous here, and Piccolo writes no other.
_BUMP = Statement(
    "INSERT INTO credenza_version (id, value) VALUES (1, 1) "
    "ON CONFLICT (id) DO UPDATE SET value = credenza_version.value + 1"
)
_TOUCH = Statement("UPDATE credenza_version SET value = value WHERE id = 1")


async def current_version() -> int:
    """Asked by every request several times, so what was read a moment ago counts. Own changes are seen at once."""
    engine = database()
    known = _fresh_version(engine)
    return await _version_anew(engine) if known is None else known


async def _version_anew(engine: Engine) -> int:
    now, epoch = time.monotonic(), engine.version_epoch
    value = await read_version()
    if epoch == engine.version_epoch and engine.open_transaction() is None:
        engine.version = (now, value)
    return value


def _fresh_version(engine: Engine) -> int | None:
    """What was read a moment ago; None in a transaction, which sees its own."""
    read_at, value = engine.version
    return value if time.monotonic() - read_at < FRESH and engine.open_transaction() is None else None


async def read_version() -> int:
    """As it is now, whatever was read a moment ago. Raises StoreUnavailable."""
    row = await _CURRENT.first()
    return int(row["value"]) if row else 0


async def touch_version() -> None:
    """A write that changes nothing, to see whether writes succeed. Raises StoreUnavailable."""
    await _TOUCH.all()


def is_fresh(version: int) -> bool:
    """Whether this is the version that was read a moment ago, so that nobody need be asked."""
    read_at, value = database().version
    return value == version and time.monotonic() - read_at < FRESH


async def bump_version() -> None:
    """Call it in the transaction of the change, so that nobody caches the state before it."""
    engine = database()
    await _BUMP.all()

    async def forget() -> None:
        engine.version_epoch += 1
        engine.version = (-1.0, 0)

    await engine.after_commit(forget)


class Cache(Generic[Value]):
    """Read-through: what was loaded stays until the version moves. Loading again is always right, only slower.

    What was loaded inside a transaction stays once that is committed, and not if it changed the version: a number that
    was rolled back is given again, to somebody else's change.
    """

    def __init__(self, most: int = 20_000) -> None:
        self._values: dict[Hashable, Value] = {}
        self._version = -1
        self._most = most

    async def get(self, key: Hashable, load: Callable[[], Awaitable[Value]]) -> Value:
        """What is kept under `key`; else what `load` returns, which is kept then."""
        engine = database()
        epoch = engine.version_epoch
        version = _fresh_version(engine)
        if version is None:
            version = await _version_anew(engine)
        if version == self._version and key in self._values:
            return self._values[key]
        if engine.open_transaction() is None:
            self._move_to(version)
            value = await load()
            # The version was read before the value, so a change in between is seen by the next caller.
            if self._version == version:
                self._values[key] = value
            return value
        value = await load()

        async def keep() -> None:
            if epoch == engine.version_epoch:
                self._move_to(version)
                self._values[key] = value

        await engine.after_commit(keep)
        return value

    def _move_to(self, version: int) -> None:
        if version != self._version or len(self._values) > self._most:
            self._values, self._version = {}, version

    def clear(self) -> None:
        """Load everything anew from now on."""
        self._version = -1
