"""A brand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Theme:
    """A brand: `static` holds files served at /theme/{name}/, `stylesheets` are some of them, `templates` replace ours.

    A template may extend the one it replaces: `{% extends "core:consent.html" %}`.
    """

    name: str
    title: str
    stylesheets: tuple[str, ...] = ()
    static: Path | None = None
    templates: Path | None = None
    description: str = ""

    def __post_init__(self) -> None:
        """The letters of a name would be taken for names."""
        if not isinstance(self.stylesheets, tuple):
            raise TypeError(f"Theme {self.name!r}: stylesheets is a tuple, not {self.stylesheets!r}")
