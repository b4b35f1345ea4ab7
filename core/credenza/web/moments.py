"""Times as people say them, with the exact one beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

STEPS = (("year", 365 * 86400), ("month", 30 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60))


@dataclass(frozen=True, slots=True)
class Moment:
    """A Unix time, seen from `now`."""

    at: int
    now: int

    @property
    def relative(self) -> str:
        """ "3 minutes ago", "in 2 days", "just now"."""
        away = abs(self.now - self.at)
        for unit, seconds in STEPS:
            if away >= seconds:
                count = away // seconds
                if unit == "day" and count == 1:
                    return "yesterday" if self.at < self.now else "tomorrow"
                words = f"{count} {unit}{'s' if count > 1 else ''}"
                return f"{words} ago" if self.at < self.now else f"in {words}"
        return "just now" if self.at <= self.now else "in a moment"

    @property
    def exact(self) -> str:
        return datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

    @property
    def iso(self) -> str:
        """The form of `<time datetime>`."""
        return datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
