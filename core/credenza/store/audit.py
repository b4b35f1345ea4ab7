"""The audit log: what happened, written in the transaction in which it happened."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from piccolo.columns import BigInt, Text, Varchar
from piccolo.table import Table

from ..protocol.tokens import new_id
from .statements import Insert


class AuditEventRow(Table, tablename="credenza_audit_event"):
    id = Varchar(length=60, primary_key=True)
    at = BigInt(default=0, index=True)
    name = Varchar(length=60, index=True)
    actor = Varchar(length=40, default="", index=True)
    user = Varchar(length=40, default="", index=True)
    client = Varchar(length=255, default="", index=True)
    target = Varchar(length=300, default="")
    address = Varchar(length=64, default="")
    result = Varchar(length=60, default="")
    error_id = Varchar(length=40, default="", index=True)
    data = Text(default="{}")


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """`actor` is who did it, `user` whom it was about; `data` is explicit members only, never a secret."""

    id: str
    at: int
    name: str
    actor: str = ""
    user: str = ""
    client: str = ""
    target: str = ""
    address: str = ""
    result: str = ""
    error_id: str = ""
    data: dict[str, Any] = field(default_factory=dict)


_INSERT = Insert(AuditEventRow)


async def insert_event(event: AuditEvent) -> None:
    await _INSERT(
        id=event.id,
        at=event.at,
        name=event.name,
        actor=event.actor,
        user=event.user,
        client=event.client[:255],
        target=event.target[:300],
        address=event.address,
        result=event.result,
        error_id=event.error_id,
        data=json.dumps(event.data),
    )


def event_id(now: int) -> str:
    """Grows with time, so that paging by it is paging by age; the machine's own clock orders what shares a second."""
    return f"{now:012d}-{time.monotonic_ns():016x}-{new_id()[:8]}"


async def list_events(
    *,
    client: str = "",
    user: str = "",
    name: str = "",
    error_id: str = "",
    before: str = "",
    since: int = 0,
    failed: bool = False,
    limit: int = 50,
) -> list[AuditEvent]:
    """Newest first; `before` is the id of the last one seen. With `failed` only what did not go well."""
    r = AuditEventRow
    query = r.select().order_by(r.id, ascending=False).limit(limit)
    filters = [(r.client, client), (r.name, name), (r.error_id, error_id)]
    for column, value in filters:
        if value:
            query = query.where(column == value)
    if user:
        query = query.where((r.user == user) | (r.actor == user))
    if before:
        query = query.where(r.id < before)
    if since:
        query = query.where(r.at >= since)
    if failed:
        query = query.where(r.result != "success")
    return [AuditEvent(**{**row, "data": json.loads(row["data"])}) for row in await query]


async def count_events(*, since: int) -> dict[str, int]:
    """How often each thing happened."""
    rows = await AuditEventRow.raw(
        "SELECT name, COUNT(*) AS n FROM credenza_audit_event WHERE at >= {} GROUP BY name", since
    )
    return {row["name"]: int(row["n"]) for row in rows}


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
