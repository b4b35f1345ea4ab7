"""SQL that is written once and asked often: what every request needs is not put together anew each time.

Whatever is asked a few times an hour is a Piccolo query; both see the same tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from piccolo.columns import Serial
from piccolo.table import Table

from .batches import batches
from .engine import Statement, database


class Insert:
    """One row into a table, by the names of its columns; what is not named has the column's default.

    A key that the database counts up is left to it.
    """

    __slots__ = ("_into", "_values", "defaults", "statement")

    def __init__(self, table: type[Table], *, may_be_lost: bool = False) -> None:
        columns = [column for column in table._meta.columns if not isinstance(column, Serial)]
        self.defaults = {column._meta.name: column.get_default_value() for column in columns}
        listed, values = ", ".join(f'"{name}"' for name in self.defaults), ", ".join("{}" for _ in columns)
        self._into, self._values = f"INSERT INTO {table._meta.tablename} ({listed}) VALUES ", f"({values})"  # noqa: S608  # names of columns and tables
        key = f' RETURNING "{table._meta.primary_key._meta.name}"' if may_be_lost else ""
        self.statement = Statement(self._into + self._values + key, may_be_lost=may_be_lost)

    async def __call__(self, **values: Any) -> None:
        await database().insert(self.statement, self._row(values))

    async def many(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Several rows with each statement."""
        for batch in batches(map(self._row, rows)):
            statement = Statement(self._into + ", ".join([self._values] * len(batch)))
            await statement.all(*(value for row in batch for value in row))

    def _row(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        row = {**self.defaults, **values}
        if len(row) != len(self.defaults):
            raise TypeError(f"no such column: {', '.join(sorted(row.keys() - self.defaults.keys()))}")
        return tuple(row.values())


def select(table: type[Table], condition: str, *, locks: bool = False) -> Statement:
    """Whole rows of one table."""
    return Statement(f"SELECT {names(table)} FROM {table._meta.tablename} WHERE {condition}", locks=locks)  # noqa: S608  # names of columns and tables


def names(table: type[Table], alias: str = "") -> str:
    """A table's columns, quoted, since `user` and `grant` are words of SQL."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(f'{prefix}"{column._meta.name}"' for column in table._meta.columns)
