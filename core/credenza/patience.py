"""Awaiting within a time, where the clock is set only for what really waits, and work that gives way to the rest."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Coroutine, Generator
from contextlib import suppress
from types import CoroutineType, coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def give_way() -> None:
    """From here on this thread leaves the processors to all others. Nice is a thread's own on Linux, and for good."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19))


async def within(seconds: float | None, awaited: Awaitable[Answer]) -> Answer:
    """Its answer; raises TimeoutError when it waits longer than `seconds`, if there is such a limit.

    A coroutine is begun at once, and what ends without waiting needs no timer: setting one costs more than to look into
    a table that is in memory.
    """
    if not isinstance(awaited, CoroutineType):
        async with asyncio.timeout(seconds):
            return await awaited
    try:
        waits_for = awaited.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    async with asyncio.timeout(seconds):
        return await _rest(awaited, waits_for)  # type: ignore[no-any-return]


@coroutine
def _rest(begun: Coroutine[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    """The rest of a coroutine that waits for something, as `await` would go on with it. PEP 380."""
    while True:
        try:
            try:
                sent = yield waits_for
            except GeneratorExit:
                begun.close()
                raise
            except BaseException as error:  # noqa: BLE001  # a cancellation too is for the coroutine to see
                waits_for = begun.throw(error)
            else:
                waits_for = begun.send(sent)
        except StopIteration as done:
            return done.value
