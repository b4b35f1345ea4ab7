"""Connections to PostgreSQL that are kept, each for one caller at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any

from .engine import DatabaseBusy

UNUSED = 300.0  # seconds after which a connection is closed: firewalls forget it
FAREWELL = 5.0  # seconds for telling the server to stop what it is doing
_leaving: dict[Any, asyncio.Task[None]] = {}  # connections that are never used again, on their way out


class Pool:
    """At most `size` connections at once, `for_pages` of them for what a person waits for; of one event loop.

    asyncpg's own pool asks nothing of the server either, and wraps each use in a proxy, a future and two timers: that
    costs as much processor time as the statement.
    """

    def __init__(self, new: Callable[[], Awaitable[Any]], *, size: int, for_pages: int) -> None:
        self.loop = asyncio.get_running_loop()
        self._new = new
        self._size = size
        self._free = asyncio.Semaphore(size)
        self._for_pages = asyncio.Semaphore(for_pages)
        self._idle: deque[tuple[Any, float]] = deque()  # and since when; what was used last is on the right
        self._in_use: set[Any] = set()
        self._timer = self.loop.call_later(UNUSED, self._close_unused)

    async def acquire(self, deadline: float, *, for_page: bool) -> Any:
        """The connection that was used last, or a new one. Raises DatabaseBusy after `deadline` seconds."""
        connection = None
        if not self._free.locked() and not (for_page and self._for_pages.locked()):
            connection = self._kept()
        if connection is None:
            return await in_time(self._wait(for_page), deadline)
        await self._free.acquire()  # neither of them waits
        if for_page:
            await self._for_pages.acquire()
        self._in_use.add(connection)
        return connection

    async def _wait(self, for_page: bool) -> Any:
        if for_page:
            await self._for_pages.acquire()
        try:
            await self._free.acquire()
            try:
                connection = self._kept() or await self._new()
            except BaseException:
                self._free.release()
                raise
        except BaseException:
            if for_page:
                self._for_pages.release()
            raise
        self._in_use.add(connection)
        return connection

    def _kept(self) -> Any | None:
        while self._idle:
            connection, _ = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def release(self, connection: Any, *, for_page: bool) -> None:
        """Waits for nothing, so that it cannot be cancelled; what was left in the middle of something is closed."""
        self._in_use.discard(connection)
        if not is_gone(connection):
            if connection.is_in_transaction():
                connection.terminate()
            else:
                self._idle.append((connection, self.loop.time()))
        self._free.release()
        if for_page:
            self._for_pages.release()

    def _close_unused(self) -> None:
        long_ago = self.loop.time() - UNUSED
        while self._idle and self._idle[0][1] < long_ago:
            self._idle.popleft()[0].terminate()
        self._timer = self.loop.call_later(UNUSED, self._close_unused)

    async def close(self, deadline: float) -> None:
        """Wait for those in use, but not longer than the deadline."""
        self._timer.cancel()
        try:
            async with asyncio.timeout(deadline):
                for _ in range(self._size):
                    await self._free.acquire()
                while self._idle:
                    await self._idle.pop()[0].close()
        except TimeoutError:
            for connection in (*self._in_use, *(connection for connection, _ in self._idle)):
                drop(connection)
        if leaving := [task for task in _leaving.values() if task.get_loop() is self.loop]:
            await asyncio.wait(leaving)


async def in_time(connection: Awaitable[Any], deadline: float) -> Any:
    """Raises DatabaseBusy."""
    try:
        async with asyncio.timeout(deadline):
            return await connection
    except TimeoutError as error:
        raise DatabaseBusy("No connection to the database was free in time.") from error


def drop(connection: Any) -> None:
    """Never use it again, and wait for nothing; the server rolls back what is not committed.

    What the server is still busy with for nobody is ended first: a connection that merely breaks off is noticed there
    when the statement is done, which holds its locks until then.
    """
    if not is_gone(connection):
        task = asyncio.get_running_loop().create_task(connection.close(timeout=FAREWELL), context=Context())
        _leaving[connection] = task
        task.add_done_callback(lambda done: _left(connection, done))


def _left(connection: Any, task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()  # the server is away: there was nothing to end
    connection.terminate()
    del _leaving[connection]


def is_gone(connection: Any) -> bool:
    return connection in _leaving or bool(connection.is_closed())
