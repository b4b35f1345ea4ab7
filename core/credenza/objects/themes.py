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
