"""JSON as it goes out, and as we wrote it ourselves."""

from __future__ import annotations

import json
from enum import StrEnum

import pytest

from credenza.protocol.documents import read_json, to_json


class Color(StrEnum):
    RED = "red"


class Name(str):
    """A plugin's own kind of text."""

    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True], "é": "</script>\u2028"},
        {"color": Color.RED},
        {"name": Name("Ada"), "list": [Name("é")]},
        {"much": 2**80, "less": -(2**80)},
        {"half": "\ud800"},
        {},
    ],
)
def test_what_is_written_is_read_again(value: object) -> None:
    written = to_json(value)
    assert json.loads(written) == value
    assert read_json(written.decode()) == value
    assert b": " not in written


def test_it_is_utf_8_as_it_stands() -> None:
    assert to_json({"name": "é"}) == '{"name":"é"}'.encode()


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        to_json({"a": object()})


def test_numbers_beyond_all_numbers_that_an_administrator_stored_are_read() -> None:
    assert read_json('{"a": Infinity}') == {"a": float("inf")}
