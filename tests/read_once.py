"""Applications without number: what is the same for each of them is read once.

Litestar reads the signature of each handler, and we the metadata of every installed package in search of plugins. Both
are a third of the time in which an application is made, and a test suite makes thousands.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any

from litestar.utils.signature import ParsedSignature

from credenza import plugins


def everything() -> None:
    _signatures()
    _entry_points()


def _entry_points() -> None:
    """The same folders hold the same packages."""

    @cache
    def found(group: str, path: tuple[str, ...]) -> EntryPoints:
        return entry_points(group=group)

    plugins.entry_points = lambda *, group: found(group, tuple(sys.path))  # type: ignore[assignment]


def _signatures() -> None:
    """A function that its module makes again and again, with the same annotations, has the same signature."""
    read: Callable[..., ParsedSignature] = ParsedSignature.from_fn.__func__  # type: ignore[attr-defined]
    known: dict[tuple[Any, ...], tuple[Any, ParsedSignature]] = {}  # with the code, whose id is good while it is there

    def from_fn(kind: type[ParsedSignature], function: Any, namespace: dict[str, Any]) -> ParsedSignature:
        if not hasattr(function, "__code__"):
            return read(kind, function, namespace)
        key = id(function.__code__), function.__defaults__, repr(function.__annotations__)
        if key not in known:
            known[key] = function.__code__, read(kind, function, namespace)
        return known[key][1]

    ParsedSignature.from_fn = classmethod(from_fn)  # type: ignore[assignment]
