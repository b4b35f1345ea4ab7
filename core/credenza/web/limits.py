"""How often something may be tried: a generic cell rate algorithm, one number per rule and subject.

The counters are those of this worker, and with `cache_url` also those of all workers (`shared_limits.py`). Failed
sign-ins of an account are counted in the database as well (`tries.py`).
"""

from __future__ import annotations

import ipaddress
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from .rules import Try

if TYPE_CHECKING:
    from .shared_limits import SharedCounters


@lru_cache(maxsize=10_000)
def neighbourhood(address: str, *, prefix: int = 64) -> str:
    """What one customer of a network has: the address itself, of IPv6 the first half of it (or another `prefix`)."""
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed), prefix), strict=False))


class Limiter:
    """Keyed by rule and subject, so that two limits never share a counter.

    Everything is counted here too when it is shared, so that a cache that goes away forgives nobody.
    """

    def __init__(self, *, enabled: bool = True, most: int = 100_000, cache_url: str = "") -> None:
        self._enabled = enabled
        self._most = most
        self._arrivals: dict[Try, float] = {}
        self.shared: SharedCounters | None = None
        if cache_url and enabled:
            from .shared_limits import SharedCounters  # with the client for Valkey, which most servers do without

            self.shared = SharedCounters(cache_url)

    async def blocked(self, *tries: Try) -> bool:
        """Whether the next of these would be one too many; counts nothing."""
        if not self._enabled:
            return False
        if self._blocked_here(tries):
            return True
        return self.shared is not None and await self.shared.ask("blocked", tries)

    async def count(self, *tries: Try) -> None:
        """Count one of each, whatever the limits say."""
        if self._enabled:
            self._count_here(tries)
            if self.shared is not None:
                await self.shared.ask("count", tries)

    async def allow(self, *tries: Try) -> bool:
        """Count one of each; false when that is one too many of any, and then none is counted."""
        if not self._enabled:
            return True
        if self._blocked_here(tries) or (self.shared is not None and await self.shared.ask("allow", tries)):
            return False
        self._count_here(tries)
        return True

    async def close(self) -> None:
        if self.shared is not None:
            await self.shared.close()

    def _blocked_here(self, tries: tuple[Try, ...]) -> bool:
        now = time.monotonic()
        return any(self._arrivals.get(key, 0.0) - now > key[0].seconds for key in tries)

    def _count_here(self, tries: tuple[Try, ...]) -> None:
        now = time.monotonic()
        for key in tries:
            rule, _ = key
            arrival = max(self._arrivals.pop(key, 0.0), now) + rule.seconds / rule.burst
            if len(self._arrivals) >= self._most:
                del self._arrivals[next(iter(self._arrivals))]  # whoever tried longest ago
            self._arrivals[key] = arrival
