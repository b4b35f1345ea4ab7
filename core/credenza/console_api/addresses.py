"""Addresses of the console: words that lead somewhere, and identifiers in a path."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote


@dataclass(frozen=True, slots=True)
class Link:
    """A word with an address. `current` is where the reader is."""

    title: str
    address: str
    icon: str = ""
    current: bool = False


def segment_of(identifier: str) -> str:
    """An identifier as one segment of a path, whatever is in it: slashes, dots, percent signs. `~` begins an escape."""
    return quote(identifier, safe="").replace("~", "~7E").replace("%", "~").replace(".", "~2E")


def identifier_of(segment: str) -> str:
    """The identifier again; empty when the segment holds what no identifier may."""
    identifier = unquote(segment.replace("~", "%"))
    return identifier if identifier.isprintable() else ""
