"""Caches and the version of the configuration: nothing is served that was never committed, or is no longer true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from credenza.store import clients
from credenza.store.engine import database
from credenza.store.version import Cache, bump_version
from credenza.testing import Credenza


class RolledBack(Exception):
    pass


@asynccontextmanager
async def rolled_back() -> AsyncIterator[None]:
    with suppress(RolledBack):
        async with database().transaction():
            yield
            raise RolledBack


async def served_and_stored(credenza: Credenza) -> tuple[bool, bool]:
    """Whether `app` is enabled: as a request would see it in a moment, and as it stands in the database."""
    server = credenza.server
    server.engine.version = (-1.0, 0)  # what was read a moment ago is forgotten
    served, stored = await server.find_client("app"), await clients.find_client("app", server.client_types)
    assert served is not None
    assert stored is not None
    return served.enabled, stored.enabled


async def disable(credenza: Credenza) -> None:
    server = credenza.server
    client = await clients.find_client("app", server.client_types)
    assert client is not None
    await clients.update_client(replace(client, enabled=False), server.now())


def test_what_was_read_under_a_version_that_was_rolled_back_is_not_kept(credenza: Credenza) -> None:
    """The number is given again to the next change, which another worker may make."""

    async def run() -> tuple[bool, bool]:
        await credenza.server.find_client("app")
        async with rolled_back():
            await bump_version()
            await credenza.server.find_client("app")
        await disable(credenza)
        return await served_and_stored(credenza)

    assert credenza.run(run) == (False, False)


def test_what_was_changed_and_rolled_back_is_not_kept(credenza: Credenza) -> None:
    async def run() -> tuple[bool, bool]:
        async with rolled_back():
            c = clients.ClientRow
            await c.update({c.enabled: False}).where(c.id == "app")
            client = await credenza.server.find_client("app")
            assert client is not None
            assert not client.enabled
        return await served_and_stored(credenza)

    assert credenza.run(run) == (True, True)


def test_what_was_read_before_a_change_in_one_transaction_is_not_kept(credenza: Credenza) -> None:
    """Some take the version as a lock first, and change something afterwards."""

    async def run() -> tuple[bool, bool]:
        async with database().transaction():
            await bump_version()
            await credenza.server.find_client("app")
            c = clients.ClientRow
            await c.update({c.enabled: False}).where(c.id == "app")
        return await served_and_stored(credenza)

    assert credenza.run(run) == (False, False)


def test_what_was_read_in_a_transaction_is_kept_after_it(credenza: Credenza) -> None:
    cache: Cache[int] = Cache()
    loaded: list[int] = []

    async def load() -> int:
        loaded.append(len(loaded))
        return loaded[-1]

    async def run() -> None:
        async with database().transaction():
            await cache.get("key", load)
        await cache.get("key", load)
        async with database().transaction():
            await cache.get("key", load)

    credenza.run(run)
    assert loaded == [0]
