"""The audit log: what happened, written in the transaction in which it happened."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from piccolo.columns import BigInt, BigSerial, Column, Text, Varchar
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

from ..protocol.documents import to_json
from .batches import delete_batch
from .statements import Insert


class AuditEventRow(Table, tablename="credenza_audit_event"):
    """`person` is the actor where that is neither the user nor the client itself. Indexes: migration 0002."""

    id = BigSerial(primary_key=True)
    at = BigInt(default=0, index=True)
    name = Varchar(length=60)
    actor = Varchar(length=255, default="")
    person = Varchar(length=255, default=None, null=True)
    user = Varchar(length=40, default=None, null=True)
    client = Varchar(length=255, default=None, null=True)
    target = Varchar(length=300, default="")
    address = Varchar(length=64, default="")
    result = Varchar(length=60, default="")
    error_id = Varchar(length=40, default=None, null=True)
    data = Text(default="{}")


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """`actor` is who did it, `user` whom it was about; `data` is explicit members only, never a secret.

    `id` is the number the database gives it, in decimal: it grows with age.
    """

    at: int
    name: str
    id: str = ""
    actor: str = ""
    user: str = ""
    client: str = ""
    target: str = ""
    address: str = ""
    result: str = ""
    error_id: str = ""
    data: dict[str, Any] = field(default_factory=dict)


_INSERT = Insert(AuditEventRow)
# Word for word as in the indexes of migration 0002, or they are not used.
FAILED = "result <> 'success'"
SELDOM = "name <> 'TokenIssued'"


async def insert_event(
    *,
    at: int,
    name: str,
    actor: str = "",
    user: str = "",
    client: str = "",
    target: str = "",
    address: str = "",
    result: str = "",
    error_id: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    """The members are those of AuditEvent; every token is worth one, so none is made here."""
    client = client[:255]
    await _INSERT(
        at=at,
        name=name,
        actor=actor,
        person=actor if actor not in ("", user, client) else None,
        user=user or None,
        client=client or None,
        target=target[:300],
        address=address,
        result=result,
        error_id=error_id or None,
        data=to_json(data).decode() if data else "{}",
    )


def _event(row: dict[str, Any]) -> AuditEvent:
    values = {name: value for name, value in row.items() if value is not None and name != "person"}
    return AuditEvent(**{**values, "id": str(row["id"]), "data": json.loads(row["data"])})


async def list_events(
    *,
    client: str = "",
    clients: Sequence[str] = (),
    user: str = "",
    actor: str = "",
    name: str = "",
    error_id: str = "",
    before: str = "",
    since: int = 0,
    until: int = 0,
    failed: bool = False,
    limit: int = 50,
) -> list[AuditEvent]:
    """Newest first; `before` is the id of the last one seen. With `failed` only what did not go well.

    `user` is in it as the one who did it or whom it is about; `clients` are several, one of which is in it. Times are
    Unix times; `until` is the first one too late.
    """
    r = AuditEventRow
    asked = ((r.client, client), (r.name, name), (r.error_id, error_id), (r.actor, actor))
    conditions: list[Any] = [column == value for column, value in asked if value]
    if name and name != "TokenIssued":
        conditions.append(WhereRaw(SELDOM))
    if before.isdecimal() and len(before) < 19:
        conditions.append(r.id < int(before))
    if since:
        conditions.append(r.at >= since)
    if until:
        conditions.append(r.at < until)
    if failed:
        conditions.append(WhereRaw(FAILED))
    places = [(r.client, one) for one in clients]
    if user or actor:
        conditions += [r.client.is_in(list(clients))] if clients else []
        # The actor's own column has no index, and one of these is the actor.
        columns = (r.user, r.person) if user else (r.person, r.user, r.client)
        places = [(column, user or actor) for column in columns]
    if places:
        conditions.append(_newest(places, conditions, limit))
    query = r.select().where(*conditions).order_by(r.id, ascending=False).limit(limit)
    return [_event(row) for row in await query]


def _newest(places: Sequence[tuple[Column, str]], conditions: Sequence[Any], limit: int) -> WhereRaw:
    """The newest that have its value in one of the columns: the index of each has them in order, and only those few
    are put in order together."""
    r = AuditEventRow
    newest = [
        r.select(r.id).where(column == value, *conditions).order_by(r.id, ascending=False).limit(limit)
        for column, value in places
    ]
    either = " UNION ".join(["SELECT id FROM ({}) AS newest"] * len(newest))
    return WhereRaw(f"credenza_audit_event.id IN ({either})", *(query.querystrings[0] for query in newest))


async def find_event(event: str) -> AuditEvent | None:
    if not event.isdecimal() or not event.isascii() or len(event) > 18:
        return None
    row = await AuditEventRow.select().where(AuditEventRow.id == int(event)).first()
    return _event(row) if row else None


async def count_events_by_day(*, since: int) -> dict[str, dict[int, int]]:
    """How often each thing happened on each day (Unix time // 86400)."""
    rows = await AuditEventRow.raw(
        "SELECT name, at / 86400 AS day, COUNT(*) AS n FROM credenza_audit_event WHERE at >= {} "
        "GROUP BY name, at / 86400",
        since,
    )
    counts: dict[str, dict[int, int]] = {}
    for row in rows:
        counts.setdefault(row["name"], {})[int(row["day"])] = int(row["n"])
    return counts


async def clean_up_events(before: int, *, batch: int = 500) -> int:
    """Delete a batch of what happened before that moment; returns how many."""
    return await delete_batch(AuditEventRow, AuditEventRow.at < before, batch=batch)
