"""A little at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

from piccolo.columns import And, Column, Or
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

Item = TypeVar("Item")
PAGE = 500  # rows that are read at a time


def batches(items: Iterable[Item], size: int = 500) -> list[list[Item]]:
    """A statement takes only so many parameters."""
    rest = list(items)
    return [rest[start : start + size] for start in range(0, len(rest), size)]


async def gathered(items: AsyncIterator[Item], size: int = 500) -> AsyncIterator[list[Item]]:
    """The same of what comes one after the other."""
    batch: list[Item] = []
    async for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def pages(column: Column, *conditions: Any) -> AsyncIterator[list[dict[str, Any]]]:
    """The rows of which this is true in the order of a column that is unique, each once, whatever comes and goes
    meanwhile.
    """
    table, last = column._meta.table, ""
    while page := await table.select().where(column > last, *conditions).order_by(column).limit(PAGE):
        yield page
        last = page[-1][column._meta.name]


async def delete_batch(table: type[Table], condition: Any, *, batch: int = 500) -> int:
    """Delete at most `batch` rows of which this is true, so that no lock lasts; returns how many there were.

    `condition` is Piccolo's: `delete_batch(InvitationRow, InvitationRow.expires_at < now)`. Where the column that it
    names first has an index, rows are found in its order: PostgreSQL would read the table from its beginning, past
    all that was deleted before.
    """
    if keys := await find_batch(table, condition, batch):
        # By their keys: SQLite would rather go through all rows of which it is true once more, a million maybe.
        still = WhereRaw("({}) IS TRUE", condition.querystring_for_update_and_delete)
        await table.delete().where(table._meta.primary_key.is_in(keys), still)
    return len(keys)


async def find_batch(table: type[Table], condition: Any, batch: int) -> list[Any]:
    """The keys of the rows that `delete_batch` would delete."""
    key = table._meta.primary_key
    query = table.select(key).where(condition).limit(batch)
    column = _first_column(condition)
    rows = await (query.order_by(column) if column._meta.index else query)
    return [row[key._meta.name] for row in rows]


def table_of(condition: Any) -> type[Table]:
    """The table whose rows it is about."""
    return _first_column(condition)._meta.table


def _first_column(condition: Any) -> Column:
    while isinstance(condition, And | Or):
        condition = condition.first
    found: Column = condition.column
    return found
