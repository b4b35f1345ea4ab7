"""How lists are searched and sorted by what people call things: capital letters make no difference."""

from __future__ import annotations

import re
from functools import reduce
from operator import and_
from typing import Any

from piccolo.columns import Column
from piccolo.columns.combination import WhereRaw
from piccolo.query import Select
from piccolo.query.functions import Lower
from piccolo.query.mixins import OrderByRaw

from ..protocol.names import in_lower


def contains(search: str) -> str:
    """A LIKE pattern in which the person's own %, _ and backslash match nothing but any one character.

    So does a sigma: which of its two small letters a capital one becomes depends on the database.
    """
    return "%" + re.sub("[%\\\\\u03c3\u03c2]", "_", search) + "%"


def patterns(search: str) -> list[str]:
    """One for each word, in lower case; those that few things will have are first."""
    words = sorted(in_lower(search).split()[:10], key=lambda word: (word.isalpha(), -len(word)))
    return [contains(word) for word in words]


def called(search: str, *columns: Column) -> Any:
    """Whether each word is somewhere in one of the columns, in any order; an empty search finds everything."""
    either = " OR ".join("{}" for _ in columns)
    return reduce(
        and_,
        (WhereRaw(f"({either})", *(Lower(column).like(pattern) for column in columns)) for pattern in patterns(search)),
        WhereRaw("1 = 1"),
    )


async def count_up_to(most: int, query: Select[Any]) -> int:
    """How many rows there are; of more than `most`, which took as long as all of them, one more than that."""
    counted = await query.table.raw("SELECT COUNT(*) AS n FROM ({}) AS found", query.limit(most + 1).querystrings[0])
    return int(counted[0]["n"])


def in_order(query: Select[Any], column: Any, *, descending: bool) -> Select[Any]:
    """The query in the order of a column; what has no value is the smallest on every database.

    Rows that are equal follow by their keys, the same way, so that one index has all of it.
    """
    key = query.table._meta.primary_key
    if isinstance(column, Column) and column._meta.null:
        way = "DESC NULLS LAST" if descending else "ASC NULLS FIRST"
        first, second = (each._meta.get_full_name(with_alias=False) for each in (column, key))
        return query.order_by(OrderByRaw(f"{first} {way}, {second}"), ascending=not descending)
    return query.order_by(column, key, ascending=not descending)
