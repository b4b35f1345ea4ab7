"""JSON: what somebody else wrote, read with care, and our own, written fast. RFC 8259."""

from __future__ import annotations

import json
from typing import Any

import msgspec

MAX_DEPTH = 20
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode


def to_json(value: object) -> bytes:
    """Compact, as UTF-8. Raises TypeError for what is no JSON."""
    try:
        return _encode(value)
    except (TypeError, OverflowError, UnicodeEncodeError):
        # A class of its own for text or numbers, a number beyond 64 bits, half of a surrogate pair.
        return json.dumps(value, separators=(",", ":")).encode()


def read_json(text: str) -> Any:
    """What we wrote ourselves."""
    try:
        return _decode(text)
    except msgspec.DecodeError:  # a number beyond all numbers, half of a surrogate pair: Python has both
        return json.loads(text)


def parse_json(data: bytes) -> Any:
    """The value; raises ValueError for what is not JSON, or could not be stored, compared and written again:

    a member that stands twice, a number beyond all numbers, NUL, half of a surrogate pair, too many levels.
    """
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )
        _check(value, MAX_DEPTH)
    except RecursionError as error:
        raise ValueError("The document has too many levels.") from error
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("A member stands twice in the document.")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON.")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("A number is too large.")
    return value


def _check(value: object, levels: int) -> None:
    if levels == 0:
        raise ValueError("The document has too many levels.")
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("The document contains a NUL character.")
        value.encode()  # UnicodeEncodeError is a ValueError
    elif isinstance(value, dict):
        for name, member in value.items():
            _check(name, levels - 1)
            _check(member, levels - 1)
    elif isinstance(value, list):
        for member in value:
            _check(member, levels - 1)
