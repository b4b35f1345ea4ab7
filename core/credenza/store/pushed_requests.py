"""Authorization requests that a client sent ahead. RFC 9126."""

from __future__ import annotations

from dataclasses import dataclass

from piccolo.columns import BigInt, ForeignKey, OnDelete, Text, Varchar
from piccolo.table import Table

from .clients import ClientRow


class PushedRequestRow(Table, tablename="credenza_pushed_request"):
    digest = Varchar(length=64, primary_key=True)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    parameters = Text(default="")
    expires_at = BigInt(default=0, index=True)
    opened_at = BigInt(null=True, default=None)


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """`parameters` as they came, form-encoded."""

    digest: str
    client_id: str
    parameters: str


async def insert_pushed_request(request: PushedRequest, expires_at: int) -> None:
    row = PushedRequestRow(
        digest=request.digest, client=request.client_id, parameters=request.parameters, expires_at=expires_at
    )
    await PushedRequestRow.insert(row)


async def open_pushed_request(digest: str, client_id: str, now: int, *, longest: int) -> PushedRequest | None:
    """Its lifetime bounds its client's first look only: reloading the page, or signing in slowly, must not burn it.

    Who signs in has `longest` seconds more.
    """
    r = PushedRequestRow
    rows = (
        await r.update({r.opened_at: now})
        .where(
            (r.digest == digest)
            & (r.client == client_id)
            & ((r.expires_at > now) | (r.opened_at.is_not_null() & (r.expires_at > now - longest)))
        )
        .returning(r.digest, r.client, r.parameters)
    )
    return PushedRequest(rows[0]["digest"], rows[0]["client"], rows[0]["parameters"]) if rows else None


async def spend_pushed_request(digest: str) -> bool:
    """Take it, when the code is issued; one of many callers is told true."""
    r = PushedRequestRow
    return bool(await r.delete().where(r.digest == digest).returning(r.digest))
