"""The counters of all workers and machines, in Valkey or Redis: read and moved on in one step, by its clock.

When it does not answer, each worker counts alone, says so, and asks again a few seconds later.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from typing import Any, Literal

from valkey import exceptions
from valkey.asyncio import Valkey

from .rules import Rule, Try

logger = logging.getLogger("credenza")

PATIENCE = 0.25  # seconds that a request waits for the answer
PAUSE = 5.0  # seconds in which it is left alone after it did not answer
TROUBLE = (exceptions.ValkeyError, OSError, TimeoutError)

# ARGV: what to do, then for each key how far it may be ahead, and by how much a try moves it.
SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local arrivals = {}
for i, key in ipairs(KEYS) do
  arrivals[i] = tonumber(redis.call('GET', key) or '0')
  local ahead, most, step = arrivals[i] - now, tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  if ahead > most + step + 1 then arrivals[i] = 0  -- the clock was set back: no try goes that far
  elseif ahead > most then return 1 end
end
if ARGV[1] == 'blocked' then return 0 end
for i, key in ipairs(KEYS) do
  local arrival = math.max(arrivals[i], now) + tonumber(ARGV[2 * i + 1])
  redis.call('SET', key, string.format('%.6f', arrival), 'PX', math.ceil((arrival - now) * 1000))
end
return 0
"""


class SharedCounters:
    def __init__(self, url: str) -> None:
        self._client: Any = Valkey.from_url(
            url.replace("redis", "valkey", 1) if url.startswith("redis") else url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            max_connections=50,
        )
        self._script = self._client.register_script(SCRIPT)
        self._silent_until = 0.0

    @property
    def answers(self) -> bool:
        """Whether it answered when it was asked last."""
        return self._silent_until == 0.0

    async def ask(self, what: Literal["blocked", "allow"], tries: Sequence[Try]) -> bool:
        """Whether one of these is one too many; false as well while the cache is away: the worker's own count holds."""
        if time.monotonic() < self._silent_until:
            return False
        numbers = [number for rule, _ in tries for number in (rule.seconds, rule.seconds / rule.burst)]
        try:
            refused = bool(await self._script(keys=[_key(*one) for one in tries], args=[what, *numbers]))
        except TROUBLE as error:
            if self.answers:
                logger.warning("the cache does not answer; limits are counted in each worker alone: %s", error)
            self._silent_until = time.monotonic() + PAUSE
            return False
        if not self.answers:
            logger.warning("the cache answers again; limits are shared between workers")
            self._silent_until = 0.0
        return refused

    async def close(self) -> None:
        await self._client.aclose()


def _key(rule: Rule, subject: str) -> str:
    """The cache need not know who tries, nor hold what a stranger sent us."""
    return "credenza:limit:" + hashlib.sha256(f"{rule.name}\0{subject}".encode(errors="surrogatepass")).hexdigest()[:32]
