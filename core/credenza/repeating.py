"""What a server does again and again, beside its requests: cleaning, telling applications, rotating its keys."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from .server import AuthorizationServer
from .store.engine import StoreUnavailable, database

logger = logging.getLogger("credenza")


@asynccontextmanager
async def repeated(
    server: AuthorizationServer, work: Callable[[AuthorizationServer], Awaitable[None]], *, every: float, name: str
) -> AsyncIterator[None]:
    """Await `work` every so many seconds until the context ends; what goes wrong is logged under the name."""
    task = asyncio.create_task(_repeat(server, work, every, name))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _repeat(
    server: AuthorizationServer, work: Callable[[AuthorizationServer], Awaitable[None]], every: float, name: str
) -> None:
    while True:
        await asyncio.sleep(every)
        if database() is not server.engine:
            continue  # of several servers in one process, as in tests, another one has the tables
        try:
            await work(server)
        except StoreUnavailable as error:
            logger.warning("%s waits: %s", name, error)
        except Exception:
            logger.exception("%s failed", name)
