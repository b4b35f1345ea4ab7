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

    A try is a pair: a `Rule`, and whom it is counted for (a user's id, an address, what was begun).
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
        return self.blocked_here(*tries) or (self.shared is not None and await self.shared.ask("blocked", tries))

    def blocked_here(self, *tries: Try) -> bool:
        """The same by what this worker has counted, without asking anybody."""
        now = time.monotonic()
        for key in tries:  # noqa: SIM110  # every token request asks twice, and any() takes twice as long
            if self._arrivals.get(key, 0.0) - now > key[0].seconds:
                return True
        return False

    async def allow(self, *tries: Try) -> bool:
        """Count one of each; false when that is one too many of any, and then none is counted."""
        if not self._enabled:
            return True
        if self.blocked_here(*tries) or (self.shared is not None and await self.shared.ask("allow", tries)):
            return False
        self._count_here(tries)
        return True

    async def may_know(self, right: bool, *tries: Try) -> bool:
        """Whether somebody may know if this guess was right: a wrong one counts, and of many at once only so many."""
        return not await self.blocked(*tries) if right else await self.allow(*tries)

    async def close(self) -> None:
        if self.shared is not None:
            await self.shared.close()

    def _count_here(self, tries: tuple[Try, ...]) -> None:
        now = time.monotonic()
        for key in tries:
            rule, _ = key
            arrival = max(self._arrivals.pop(key, 0.0), now) + rule.seconds / rule.burst
            if len(self._arrivals) >= self._most:
                del self._arrivals[next(iter(self._arrivals))]  # whoever tried longest ago
            self._arrivals[key] = arrival
