"""What rests encrypted: a kind of column, the one secret that outlives every key, and a new key for all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from piccolo.columns import BigInt, Column, Text, Varchar
from piccolo.table import Table

from .engine import database, transaction
from .version import bump_version

LASTING = "lasting"
BATCH = 200


class Sealed(Text):
    """A column of ciphertexts (empty where there is none), each encrypted for "table/row/column"."""

    @property
    def column_type(self) -> str:
        return "TEXT"


class SecretRow(Table, tablename="credenza_secret"):
    id = Varchar(length=40, primary_key=True)
    sealed = Sealed()
    created_at = BigInt(default=0)


def place_of(column: Column, key: object) -> str:
    """For `Keyring.encrypt`: where a value is, in the row with this primary key."""
    return f"{column._meta.table._meta.tablename}/{key}/{column._meta.name}"


LASTING_PLACE = place_of(SecretRow.sealed, LASTING)


async def find_lasting_secret() -> str | None:
    row = await SecretRow.select(SecretRow.sealed).where(SecretRow.id == LASTING).first()
    return row["sealed"] if row else None


async def save_lasting_secret(sealed: str, now: int) -> str:
    """Of several that start at the same moment one saves its own; returns the one that counts."""
    r = SecretRow
    async with transaction():
        await r.insert(r(id=LASTING, sealed=sealed, created_at=now)).on_conflict(target=r.id, action="DO NOTHING")
        found = await find_lasting_secret()
    assert found is not None
    return found


@dataclass(slots=True)
class Resealed:
    """How many values were sealed anew, and the places of those that none of the keys opens."""

    values: int = 0
    unread: list[str] = field(default_factory=list)


def sealed_columns(tables: Iterable[type[Table]]) -> Iterator[Column]:
    for table in tables:
        yield from (column for column in table._meta.columns if isinstance(column, Sealed))


async def reseal(column: Column, prefix: str, again: Callable[[str, str], str | None], done: Resealed) -> None:
    """Bring every value of a column that does not begin with `prefix` under the newest key, in small batches.

    `again` is given a ciphertext and its place, and returns the new one, or None when it does not open. Whatever is
    changed meanwhile is left alone: it was written by somebody who has the newest key. May be
    stopped and begun again at any time.
    """
    table, key = column._meta.table, column._meta.table._meta.primary_key
    last: Any = ""
    while True:
        old = (column != "") & column.not_like(f"{prefix}%") & (key > last)
        rows = await table.select(key, column).where(old).order_by(key).limit(BATCH)
        if not rows:
            return
        async with database().transaction():
            for row in rows:
                last, before = row[key._meta.name], row[column._meta.name]
                place = place_of(column, last)
                after = again(before, place)
                if after is None:
                    done.unread.append(place)
                    continue
                changed = await table.update({column: after}).where((key == last) & (column == before)).returning(key)
                done.values += len(changed)
            await bump_version()
