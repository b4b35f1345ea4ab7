"""Devices that wait for somebody to approve them elsewhere. RFC 8628."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, OnDelete, Text, Varchar
from piccolo.table import Table

from .batches import delete_batch
from .clients import ClientRow
from .grants import Details, Grant, begin_grant
from .user_rows import UserRow

PENDING, APPROVED, DENIED = "pending", "approved", "denied"


class DeviceAuthorizationRow(Table, tablename="credenza_device_authorization"):
    """`user_code` is a keyed hash: it is short, and must not be guessed from a stolen database.

    `session` is the one in which it was approved; `offline` what the approval is good for when that has ended.
    """

    digest = Varchar(length=64, primary_key=True)
    user_code = Varchar(length=64, unique=True)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    parameters = Text(default="")
    state = Varchar(length=20, default=PENDING)
    interval = Integer(default=5)
    polled_at = BigInt(default=0)
    created_at = BigInt(default=0)
    expires_at = BigInt(default=0, index=True)
    grant = Varchar(length=40, default="")
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, null=True)
    session = Varchar(length=40, default="")
    details = Text(default="{}")
    offline = Boolean(default=False)


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    digest: str
    client_id: str
    parameters: str
    state: str
    interval: int
    polled_at: int
    expires_at: int
    grant: Grant | None


async def insert_device_authorization(
    digest: str, user_code: str, client_id: str, parameters: str, *, interval: int, now: int, lifetime: int
) -> None:
    await DeviceAuthorizationRow.insert(
        DeviceAuthorizationRow(
            digest=digest,
            user_code=user_code,
            client=client_id,
            parameters=parameters,
            interval=interval,
            created_at=now,
            expires_at=now + lifetime,
        )
    )


def _read(row: dict[str, Any]) -> DeviceAuthorization:
    grant = None
    if row["state"] == APPROVED:
        grant = Grant(row["grant"], row["user"], row["client"], row["session"], Details.load(row["details"]))
    return DeviceAuthorization(
        row["digest"],
        row["client"],
        row["parameters"],
        row["state"],
        row["interval"],
        row["polled_at"],
        row["expires_at"],
        grant,
    )


async def find_by_user_code(user_code: str, now: int) -> DeviceAuthorization | None:
    """One that still waits for an answer."""
    r = DeviceAuthorizationRow
    row = await r.select().where((r.user_code == user_code) & (r.state == PENDING) & (r.expires_at > now)).first()
    return _read(row) if row else None


async def poll_device_authorization(digest: str, client_id: str, now: int) -> DeviceAuthorization | None:
    """Note a poll; what is returned is how it was before. None when it is not this client's, or already used."""
    r = DeviceAuthorizationRow
    row = await r.select().where((r.digest == digest) & (r.client == client_id)).first()
    if row is None:
        return None
    # "the interval MUST be increased by 5 seconds for this and all subsequent requests". RFC 8628 §3.5
    await r.raw(
        "UPDATE credenza_device_authorization SET polled_at = {}, "
        'interval = interval + CASE WHEN polled_at + "interval" > {} THEN 5 ELSE 0 END WHERE digest = {}',
        now,
        now,
        digest,
    )
    return _read(row)


async def answer_device(digest: str, state: str, grant: Grant | None, now: int, *, offline: bool = False) -> bool:
    """Approve or deny one that waits; one of many callers is told true."""
    r = DeviceAuthorizationRow
    values: dict[Any, Any] = {r.state: state}
    if grant is not None:
        values |= {
            r.grant: grant.id,
            r.user: grant.user_id,
            r.session: grant.session_id,
            r.details: grant.details.dump(),
            r.offline: offline,
        }
    waiting = (r.digest == digest) & (r.state == PENDING) & (r.expires_at > now)
    return bool(await r.update(values).where(waiting).returning(r.digest))


async def spend_device_authorization(authorization: DeviceAuthorization, now: int) -> bool:
    """Take an approved one; its grant begins. Exactly one of many callers is told true."""
    r = DeviceAuthorizationRow
    approved = (r.digest == authorization.digest) & (r.state == APPROVED) & (r.expires_at > now)
    rows = await r.delete().where(approved).returning(r.grant, r.user, r.client, r.session, r.details)
    if not rows:
        return False
    await begin_grant(rows[0], now)
    return True


async def clean_up_device_authorizations(now: int, *, batch: int = 500) -> int:
    """Delete a batch of expired ones; returns how many."""
    return await delete_batch(DeviceAuthorizationRow, DeviceAuthorizationRow.expires_at < now - 600, batch=batch)
