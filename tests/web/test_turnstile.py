"""What is answered from memory by the thousand lets everything else through in between. SECURITY.md F-17."""

from __future__ import annotations

import asyncio

from credenza.web.turnstile import AT_ONCE, Turnstile


def test_a_few_pass_in_each_round_in_the_order_in_which_they_came() -> None:
    async def main() -> list[list[int]]:
        turnstile, passed = Turnstile(), []

        async def one(number: int) -> None:
            await turnstile.wait()
            passed.append(number)

        tasks = [asyncio.create_task(one(number)) for number in range(5 * AT_ONCE)]
        rounds = []
        while not all(task.done() for task in tasks):
            before = len(passed)
            await asyncio.sleep(0)  # somebody else's turn
            rounds.append(passed[before:])
        return rounds

    rounds = asyncio.run(main())
    assert [number for some in rounds for number in some] == list(range(5 * AT_ONCE))
    assert max(len(some) for some in rounds) == AT_ONCE


def test_whoever_gives_up_takes_nobodys_turn() -> None:
    async def main() -> None:
        turnstile = Turnstile()
        tasks = [asyncio.create_task(turnstile.wait()) for _ in range(4 * AT_ONCE)]
        await asyncio.sleep(0)
        for task in tasks[AT_ONCE : 3 * AT_ONCE]:
            task.cancel()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        assert sum(isinstance(one, asyncio.CancelledError) for one in done) == 2 * AT_ONCE
        await asyncio.wait_for(turnstile.wait(), 10)

    asyncio.run(main())
