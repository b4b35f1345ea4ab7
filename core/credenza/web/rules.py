"""What `limits.py` counts, and `shared_limits.py` for all workers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`burst` tries at once, then one every `seconds / burst`."""

    name: str
    burst: int
    seconds: float


Try = tuple[Rule, str]
"""What is tried, and by whom: the subject is an address, a client, or both."""
