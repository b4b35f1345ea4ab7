"""Our signing keys: next → active → retired, encrypted with a key from outside the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from piccolo.columns import BigInt, Column, Varchar
from piccolo.table import Table

from .engine import database
from .sealed import Sealed
from .version import bump_version


class SigningKeyRow(Table, tablename="credenza_signing_key"):
    kid = Varchar(length=64, primary_key=True)
    alg = Varchar(length=20)
    state = Varchar(length=20)
    private_key = Sealed()
    created_at = BigInt(default=0)
    activated_at = BigInt(null=True, default=None)
    retired_at = BigInt(null=True, default=None)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """`private_key` is ciphertext; `state` is "next", "active" or "retired"."""

    kid: str
    alg: str
    state: str
    private_key: str
    created_at: int
    activated_at: int | None
    retired_at: int | None


async def list_keys() -> list[StoredKey]:
    """All keys, the ones that sign first, RS256 before the others."""
    r = SigningKeyRow
    rows = await r.select().order_by(r.created_at, ascending=False).order_by(r.kid)  # the same in every worker
    order = {"active": 0, "next": 1, "retired": 2}
    keys = [StoredKey(**row) for row in rows]
    return sorted(keys, key=lambda key: (order[key.state], key.alg != "RS256"))


async def insert_key(key: StoredKey) -> None:
    async with database().transaction():
        values = {name: getattr(key, name) for name in StoredKey.__slots__}
        await SigningKeyRow.insert(SigningKeyRow(**values))
        await bump_version()


async def move_key(kid: str, state: str, now: int) -> None:
    """To "active" or "retired", as of now."""
    moved_at = "activated_at" if state == "active" else "retired_at"
    values: dict[Column | str, Any] = {"state": state, moved_at: now}
    async with database().transaction():
        await SigningKeyRow.update(values).where(SigningKeyRow.kid == kid)
        await bump_version()


async def delete_key(kid: str) -> None:
    async with database().transaction():
        await SigningKeyRow.delete().where(SigningKeyRow.kid == kid)
        await bump_version()
