"""Assertions and proofs that were used, each once. RFC 7523 §3, RFC 9449 §11.1."""

from __future__ import annotations

from piccolo.columns import BigInt, Varchar
from piccolo.table import Table


class SpentAssertionRow(Table, tablename="credenza_spent_assertion"):
    digest = Varchar(length=64, primary_key=True)
    expires_at = BigInt(default=0, index=True)


async def spend_assertion(digest: str, expires_at: int) -> bool:
    """Remember a client assertion; false when it was used before."""
    s = SpentAssertionRow
    rows = await s.insert(s(digest=digest, expires_at=expires_at)).on_conflict(action="DO NOTHING").returning(s.digest)
    return bool(rows)
