"""How often something may be tried: a generic cell rate algorithm, one number per rule and subject.

The counters of one worker; failed sign-ins are counted in the database as well (`prompts/password.py`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`burst` tries at once, then one every `seconds / burst`."""

    name: str
    burst: int
    seconds: float


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
        if len(self._arrivals) >= self._most and key not in self._arrivals:
            self._arrivals = {k: at for k, at in self._arrivals.items() if at > now}
        self._arrivals[key] = max(self._arrivals.get(key, 0.0), now) + rule.seconds / rule.burst

    def allow(self, rule: Rule, subject: str) -> bool:
        """Count a try; false when it is one too many."""
        if self.blocked(rule, subject):
            return False
        self.count(rule, subject)
        return True
