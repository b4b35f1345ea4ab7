"""Deleting a little at a time."""

from __future__ import annotations

from typing import Any

from piccolo.table import Table


async def delete_batch(table: type[Table], condition: Any, *, batch: int = 500) -> int:
    """Delete at most `batch` rows of which this is true, so that no lock lasts; returns how many there were.

    `condition` is Piccolo's: `delete_batch(InvitationRow, InvitationRow.expires_at < now)`.
    """
    key = table._meta.primary_key
    rows = await table.select(key).where(condition).limit(batch)
    if rows:
        await table.delete().where(key.is_in([row[key._meta.name] for row in rows]) & condition)
    return len(rows)
