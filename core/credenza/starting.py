"""From the start of a process to its first answer: database, migrations, keys. While they are away it waits, aloud.

A worker that ended because its database restarts at the same moment would take its supervisor with it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType

from .encryption import Undecryptable
from .server import AuthorizationServer
from .store.engine import SLOWEST, StoreUnavailable

logger = logging.getLogger("credenza")

EVERY = 1.0  # seconds between two tries
OnUp = Callable[[AuthorizationServer], Awaitable[None]]


@asynccontextmanager
async def started(server: AuthorizationServer, *, migrate: bool, on_up: OnUp | None = None) -> AsyncIterator[None]:
    """Try to start, and go on trying beside the block; stop at its end. `on_up` is awaited once we can serve."""
    waiting: asyncio.Task[None] | None = None
    try:
        try:
            await _start(server, migrate, on_up)
        except StoreUnavailable as error:
            logger.error("the database cannot be reached yet (%s); trying again every second", error)
            waiting = asyncio.create_task(_insist(server, migrate, on_up))
        with stopping_gently(server):
            yield
    finally:
        if waiting is not None:
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        server.up = False
        await server.stop()


async def _start(server: AuthorizationServer, migrate: bool, on_up: OnUp | None) -> None:
    await server.start()
    try:
        if migrate:
            await server.migrate()
        with suppress(Undecryptable):  # readiness tells, and nothing that needs it works
            await server.read_lasting_secret()
        if on_up is not None:
            await on_up(server)
    except StoreUnavailable:
        await server.engine.stop()
        raise
    server.engine.slowest = SLOWEST
    server.up = True


async def _insist(server: AuthorizationServer, migrate: bool, on_up: OnUp | None) -> None:
    while not server.up:
        await asyncio.sleep(EVERY)
        try:
            await _start(server, migrate, on_up)
        except StoreUnavailable:
            continue
        except Exception:
            logger.exception("the server cannot start, and will try again")
    logger.warning("the database answers; serving")


@contextmanager
def stopping_gently(server: AuthorizationServer) -> Iterator[None]:
    """On SIGTERM turn readiness red first, so that a load balancer sends nobody else; only then let uvicorn stop."""
    if threading.current_thread() is not threading.main_thread():
        yield  # a test: signals are the main thread's
        return
    loop, theirs = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        server.stopping = True
        if callable(theirs):
            if server.settings.shutdown_delay:
                loop.call_soon_threadsafe(loop.call_later, server.settings.shutdown_delay, theirs, number, frame)
            else:
                theirs(number, frame)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, theirs)
