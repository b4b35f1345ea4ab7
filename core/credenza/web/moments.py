"""Times as people say them, with the exact one beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ..protocol.words import Speaker, Words

STEPS = (("year", 365 * 86400), ("month", 30 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60))


class Ago(Words):
    """How long ago, or how soon."""

    def said_in(self, language: Speaker) -> str:
        return language.say_away(self.values["seconds"], english=self.message)


class Exactly(Words):
    """A date and a time of day."""

    def said_in(self, language: Speaker) -> str:
        return language.say_time(self.values["at"], english=self.message)


@dataclass(frozen=True, slots=True)
class Moment:
    """A Unix time, seen from `now`."""

    at: int
    now: int

    @property
    def relative(self) -> Words:
        """ "3 minutes ago", "in 2 days", "just now"."""
        away = abs(self.now - self.at)
        for unit, seconds in STEPS:
            if away >= seconds:
                count = away // seconds
                if unit == "day" and count == 1:
                    return Words("yesterday") if self.at < self.now else Words("tomorrow")
                words = f"{count} {unit}{'s' if count > 1 else ''}"
                return Ago(f"{words} ago" if self.at < self.now else f"in {words}", seconds=self.at - self.now)
        return Words("just now") if self.at <= self.now else Words("in a moment")

    @property
    def exact(self) -> Words:
        return Exactly(datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"), at=self.at)

    @property
    def iso(self) -> str:
        """The form of `<time datetime>`."""
        return datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
