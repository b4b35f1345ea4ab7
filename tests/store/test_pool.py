"""Connections are kept, none is lost, and pages leave some of them to programs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg  # type: ignore[import-untyped]  # asyncpg has no types
import pytest

from credenza.store.engine import DatabaseBusy, urgent
from credenza.store.pool import Pool
from credenza.store.postgresql import SafePostgresEngine


@pytest.mark.postgresql
def test_pages_cannot_take_the_last_connections(postgresql_url: str) -> None:
    async def main() -> None:
        engine = SafePostgresEngine(postgresql_url, pool_size=7, deadline=0.5)
        await engine.start()
        try:
            async with engine.connection(), engine.connection():
                with pytest.raises(DatabaseBusy):
                    async with engine.connection():
                        pass
                urgent.set(True)
                async with engine.connection(), engine.connection(), engine.connection():
                    pass
                urgent.set(False)
            async with engine.connection(), engine.connection():
                pass  # what was given back, or never had, can be taken
        finally:
            await engine.stop()

    asyncio.run(main())


def pool_test(postgresql_url: str, main: Callable[[Pool], Awaitable[None]], *, size: int = 2) -> None:
    async def all_of_it() -> None:
        pool = Pool(lambda: asyncpg.connect(postgresql_url), size=size, for_pages=1)
        try:
            await main(pool)
        finally:
            await pool.close(0.5)

    asyncio.run(all_of_it())


@pytest.mark.postgresql
def test_the_connection_used_last_is_the_next(postgresql_url: str) -> None:
    async def main(pool: Pool) -> None:
        first, second = await pool.acquire(5, for_page=False), await pool.acquire(5, for_page=False)
        pool.release(second, for_page=False)
        pool.release(first, for_page=False)
        assert await pool.acquire(5, for_page=True) is first
        pool.release(first, for_page=True)

    pool_test(postgresql_url, main)


@pytest.mark.postgresql
@pytest.mark.parametrize("broken", ["closed while it was kept", "given back closed", "left in a transaction"])
def test_a_connection_that_is_not_as_it_was_is_replaced(postgresql_url: str, broken: str) -> None:
    async def main(pool: Pool) -> None:
        connection = await pool.acquire(5, for_page=True)
        if broken == "left in a transaction":
            await connection.execute("BEGIN")
        if broken == "given back closed":
            await connection.close()
        pool.release(connection, for_page=True)
        if broken == "closed while it was kept":
            await connection.close()
        other = await pool.acquire(5, for_page=True)
        assert other is not connection
        assert connection.is_closed()
        assert await other.fetchval("SELECT 1") == 1
        pool.release(other, for_page=True)

    pool_test(postgresql_url, main, size=1)


@pytest.mark.postgresql
def test_who_gave_up_waiting_leaves_the_place_to_others(postgresql_url: str) -> None:
    async def main(pool: Pool) -> None:
        held = await pool.acquire(5, for_page=True)
        waiting = [asyncio.create_task(pool.acquire(5, for_page=for_page)) for for_page in (True, False)]
        late = asyncio.create_task(pool.acquire(5, for_page=True))
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        pool.release(held, for_page=True)
        assert await late is held
        pool.release(held, for_page=True)
        held = await pool.acquire(5, for_page=False)
        with pytest.raises(DatabaseBusy):
            await pool.acquire(0.1, for_page=False)
        pool.release(held, for_page=False)

    pool_test(postgresql_url, main, size=1)


@pytest.mark.postgresql
def test_a_server_that_cannot_be_reached_takes_no_place(postgresql_url: str) -> None:
    async def main(pool: Pool) -> None:
        real = pool._new
        pool._new = unreachable
        for _ in range(3):
            with pytest.raises(OSError, match="gone"):
                await pool.acquire(5, for_page=True)
        pool._new = real
        pool.release(await pool.acquire(5, for_page=True), for_page=True)

    async def unreachable() -> None:
        raise OSError("gone")

    pool_test(postgresql_url, main, size=1)


@pytest.mark.postgresql
def test_what_nobody_used_for_long_is_closed(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(pool: Pool) -> None:
        first, second = await pool.acquire(5, for_page=False), await pool.acquire(5, for_page=False)
        pool.release(first, for_page=False)
        pool._close_unused()
        assert not first.is_closed()
        monkeypatch.setattr("credenza.store.pool.UNUSED", -1.0)
        pool._close_unused()
        pool.release(second, for_page=False)
        assert first.is_closed()
        assert not second.is_closed()

    pool_test(postgresql_url, main)


@pytest.mark.postgresql
def test_closing_waits_for_those_in_use_but_not_for_ever(postgresql_url: str) -> None:
    async def main(pool: Pool) -> None:
        held = await pool.acquire(5, for_page=False)
        await pool.close(0.1)
        assert held.is_closed()
        pool.release(held, for_page=False)

    pool_test(postgresql_url, main)
