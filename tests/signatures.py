"""Applications without number: Litestar reads the signature of each handler anew for each of them.

That is a fifth of the time in which one is made, and a test suite makes thousands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar.utils.signature import ParsedSignature


def read_once() -> None:
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
