"""Applications that are still to be told that a session has ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from piccolo.columns import BigInt, ForeignKey, Integer, OnDelete, Text, Varchar
from piccolo.table import Table

from .batches import delete_batch
from .clients import ClientRow
from .statements import Insert

FIRST_WAIT = 10  # seconds; doubled with every attempt
ATTEMPTS = 8
KEPT = 7 * 24 * 3600  # seconds


class LogoutDeliveryRow(Table, tablename="credenza_logout_delivery"):
    id = Varchar(length=40, primary_key=True)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    user = Varchar(length=40, default="")
    session = Varchar(length=40, default="")
    created_at = BigInt(default=0)
    attempts = Integer(default=0)
    next_at = BigInt(default=0)  # indexed in migration 0002
    delivered_at = BigInt(null=True, default=None)
    error = Text(default="")


@dataclass(frozen=True, slots=True)
class Delivery:
    id: str
    client_id: str
    user_id: str
    session_id: str
    created_at: int


@dataclass(frozen=True, slots=True)
class LogoutDelivery:
    """A logout token on its way: times are Unix times; `error` is why the last attempt failed."""

    created_at: int
    attempts: int
    next_at: int
    delivered_at: int | None
    error: str

    @property
    def given_up(self) -> bool:
        return self.delivered_at is None and self.attempts >= ATTEMPTS


_INSERT_DELIVERY = Insert(LogoutDeliveryRow)


async def insert_deliveries(deliveries: Iterable[Delivery]) -> None:
    await _INSERT_DELIVERY.many(
        {
            "id": delivery.id,
            "client": delivery.client_id,
            "user": delivery.user_id,
            "session": delivery.session_id,
            "created_at": delivery.created_at,
            "next_at": delivery.created_at,
        }
        for delivery in deliveries
    )


async def claim_delivery(key: str, now: int) -> int | None:
    """Take one attempt, so that no two workers make it; which one it is, or None when it is not due."""
    rows = await LogoutDeliveryRow.raw(
        "UPDATE credenza_logout_delivery SET attempts = attempts + 1, next_at = {} + {} * (1 << attempts) "
        "WHERE id = {} AND delivered_at IS NULL AND next_at <= {} AND attempts < {} RETURNING attempts",
        now,
        FIRST_WAIT,
        key,
        now,
        ATTEMPTS,
    )
    return int(rows[0]["attempts"]) if rows else None


async def settle_delivery(key: str, delivered_at: int | None, *, error: str) -> None:
    r = LogoutDeliveryRow
    values: dict[Any, Any] = {r.delivered_at: delivered_at, r.error: error[:500]}
    await r.update(values).where(r.id == key)


# The first of each client, then the second: one with very many leaves the others their turn, and so do very many that
# nobody vouches for. Not `client` alone, or SQLite goes through all that was delivered by the index of that column.
_DUE = (
    'SELECT d.id, client, "user", session, d.created_at FROM (SELECT id, client, "user", session, created_at, next_at, '
    "ROW_NUMBER() OVER (PARTITION BY client || '' ORDER BY next_at) AS place FROM credenza_logout_delivery "
    "WHERE delivered_at IS NULL AND next_at <= {} AND attempts < {}) AS d JOIN credenza_client AS c ON c.id = client "
    "WHERE place <= 50 ORDER BY place, c.metadata LIKE '%\"unverified\": true%', next_at LIMIT 1000"
)


async def list_due_deliveries(now: int) -> list[Delivery]:
    """Some that are due, by turns of their clients."""
    return [_delivery(row) for row in await LogoutDeliveryRow.raw(_DUE, now, ATTEMPTS)]


async def list_deliveries(client_id: str, *, limit: int = 50) -> list[LogoutDelivery]:
    """What became of the logout tokens of a client, newest first."""
    r = LogoutDeliveryRow
    columns = (r.created_at, r.attempts, r.next_at, r.delivered_at, r.error)
    query = r.select(*columns).where(r.client == client_id).order_by(r.created_at, ascending=False).limit(limit)
    return [LogoutDelivery(**row) for row in await query]


async def clean_up_deliveries(now: int, *, batch: int = 500) -> int:
    """Delete a batch of old ones; returns how many."""
    return await delete_batch(LogoutDeliveryRow, LogoutDeliveryRow.created_at < now - KEPT, batch=batch)


def _delivery(row: dict[str, Any]) -> Delivery:
    return Delivery(row["id"], row["client"], row["user"], row["session"], row["created_at"])
