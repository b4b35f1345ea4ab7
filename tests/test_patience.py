"""Awaiting within a time."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from credenza.patience import within

pytestmark = pytest.mark.anyio
SHORT, LONG = 0.01, 60


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def at_once() -> str:
    return "now"


async def in_steps(steps: int) -> int:
    for _ in range(steps):
        await asyncio.sleep(0)
    return steps


async def failing(after: int) -> None:
    await in_steps(after)
    raise LookupError


class Odd:
    """Something to await that is no coroutine."""

    def __await__(self) -> Generator[Any, Any, str]:
        yield from asyncio.sleep(0).__await__()
        return "odd"


async def test_an_answer_comes_through() -> None:
    assert await within(LONG, at_once()) == "now"
    assert await within(LONG, in_steps(5)) == 5
    assert await within(LONG, Odd()) == "odd"
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    future.set_result("kept")
    assert await within(LONG, future) == "kept"


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_an_exception_comes_through(after: int) -> None:
    with pytest.raises(LookupError):
        await within(LONG, failing(after))


async def test_who_waits_too_long_is_cancelled_and_may_clean_up() -> None:
    seen: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(LONG)
        finally:
            seen.append("cleaned")

    with pytest.raises(TimeoutError):
        await within(SHORT, slow())
    assert seen == ["cleaned"]


async def test_who_answers_all_the_same_is_heard() -> None:
    """As with `asyncio.timeout`."""

    async def stubborn() -> str:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            return "too late"
        return ""

    assert await within(SHORT, stubborn()) == "too late"


async def test_the_task_itself_can_be_cancelled() -> None:
    seen: list[str] = []

    async def patient() -> None:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task = asyncio.create_task(within(LONG, patient()))
    await asyncio.sleep(SHORT)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]
