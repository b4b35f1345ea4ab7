"""How often something may be tried: a generic cell rate algorithm, one number per rule and subject.

The counters of one worker; failed sign-ins are counted in the database as well (`prompts/password.py`).
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`burst` tries at once, then one every `seconds / burst`."""

    name: str
    burst: int
    seconds: float


def neighbourhood(address: str) -> str:
    """What one customer of a network has: the address itself, of IPv6 the first half of it."""
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))


class Limiter:
    """Keyed by rule and subject, so that two limits never share a counter."""

    def __init__(self, *, enabled: bool = True, most: int = 100_000) -> None:
        self._enabled = enabled
        self._most = most
        self._arrivals: dict[tuple[str, str], float] = {}

    def blocked(self, rule: Rule, subject: str) -> bool:
        """Whether the next try would be one too many; counts nothing."""
        now = time.monotonic()
        return self._enabled and self._arrivals.get((rule.name, subject), 0.0) - now > rule.seconds

    def count(self, rule: Rule, subject: str) -> None:
        now = time.monotonic()
        key = (rule.name, subject)
        arrival = max(self._arrivals.pop(key, 0.0), now) + rule.seconds / rule.burst
        if len(self._arrivals) >= self._most:
            del self._arrivals[next(iter(self._arrivals))]  # whoever tried longest ago
        self._arrivals[key] = arrival

    def allow(self, rule: Rule, subject: str) -> bool:
        """Count a try; false when it is one too many."""
        if self.blocked(rule, subject):
            return False
        self.count(rule, subject)
        return True
