"""A few at a time: what comes in crowds lets everything else through in between.

The event loop runs what arrived together in one go, and would look for a token request only after the hundredth page.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Turnstile:
    """Whoever waits for the database goes on in the next round of the event loop: rounds must stay short.

    `at_once` pass in each.
    """

    def __init__(self, at_once: int = 1) -> None:
        self._at_once = at_once
        self._passed = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def passes(self) -> bool:
        """Whether it is among the first few of a round; whoever is not waits for its turn."""
        if self._passed == 0 and not self._waiting:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._next_round, loop)
        if self._passed < self._at_once and not self._waiting:
            self._passed += 1
            return True
        return False

    async def turn(self) -> None:
        """Return in its turn."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def _next_round(self, loop: asyncio.AbstractEventLoop) -> None:
        self._passed = 0
        while self._waiting and self._passed < self._at_once:
            turn = self._waiting.popleft()
            if not turn.done():  # it was cancelled: nobody waits for the answer any more
                turn.set_result(None)
                self._passed += 1
        if self._passed:
            loop.call_soon(self._next_round, loop)
