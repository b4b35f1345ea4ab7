"""What users said: one record for each user, application and context (an organization, say), with its permissions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from piccolo.columns import BigInt, Boolean, ForeignKey, OnDelete, Varchar
from piccolo.table import Table

from ..protocol.scopes import Permission
from .clients import ClientRow
from .engine import database
from .users import UserRow


class ConsentRow(Table, tablename="credenza_consent"):
    id = Varchar(length=40, primary_key=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    context = Varchar(length=300, default="")
    fingerprint = Varchar(length=40, default="")
    automatic = Boolean(default=False)
    granted_at = BigInt(default=0)
    updated_at = BigInt(default=0)
    last_used_at = BigInt(null=True, default=None)
    expires_at = BigInt(null=True, default=None)


class ConsentPermissionRow(Table, tablename="credenza_consent_permission"):
    """`granted` is false for an optional permission that the user declined."""

    id = Varchar(length=40, primary_key=True)
    consent = ForeignKey(references=ConsentRow, on_delete=OnDelete.cascade, index=True, null=False)
    source = Varchar(length=50)
    resource = Varchar(length=1000, default="")
    scope = Varchar(length=255)
    granted = Boolean(default=True)
    decided_at = BigInt(default=0)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a user allowed an application, in one context. `context` is empty for the user's own data."""

    id: str
    user_id: str
    client_id: str
    context: str = ""
    fingerprint: str = ""
    automatic: bool = False
    granted_at: int = 0
    updated_at: int = 0
    last_used_at: int | None = None
    expires_at: int | None = None
    granted: frozenset[Permission] = field(default_factory=frozenset)
    declined: frozenset[Permission] = field(default_factory=frozenset)


def consent_id(user_id: str, client_id: str, context: str) -> str:
    """Made from what it is about, so that two parallel answers meet in one row."""
    return hashlib.sha256(f"{user_id}\0{client_id}\0{context}".encode()).hexdigest()[:40]


async def find_consent(user_id: str, client_id: str, context: str, now: int) -> Consent | None:
    key = consent_id(user_id, client_id, context)
    r, p = ConsentRow, ConsentPermissionRow
    row = await r.select().where((r.id == key) & ((r.expires_at.is_null()) | (r.expires_at > now))).first()
    return _consent(row, await p.select().where(p.consent == key)) if row else None


def _consent(row: Mapping[str, Any], permissions: Iterable[Mapping[str, Any]]) -> Consent:
    values = dict(row)
    values["user_id"], values["client_id"] = values.pop("user"), values.pop("client")
    decided = {Permission(p["source"], p["resource"], p["scope"]): bool(p["granted"]) for p in permissions}
    return Consent(
        **values,
        granted=frozenset(p for p, yes in decided.items() if yes),
        declined=frozenset(p for p, yes in decided.items() if not yes),
    )


async def list_consents(
    *, user_id: str | None = None, client_id: str | None = None, offset: int = 0, limit: int = 200
) -> list[Consent]:
    """A user's, or an application's, newest first, with their permissions (two queries in all)."""
    r, p = ConsentRow, ConsentPermissionRow
    query = r.select().order_by(r.updated_at, ascending=False).order_by(r.id).offset(offset).limit(limit)
    if user_id is not None:
        query = query.where(r.user == user_id)
    if client_id is not None:
        query = query.where(r.client == client_id)
    rows = await query
    if not rows:
        return []
    permissions: dict[str, list[Mapping[str, Any]]] = {row["id"]: [] for row in rows}
    for permission in await p.select().where(p.consent.is_in(list(permissions))):
        permissions[permission["consent"]].append(permission)
    return [_consent(row, permissions[row["id"]]) for row in rows]


async def count_consents(client_id: str) -> int:
    return int(await ConsentRow.count().where(ConsentRow.client == client_id))


async def save_consent(consent: Consent, now: int) -> None:
    """Write a user's answer; what it does not speak of stays as it was."""
    r = ConsentRow
    async with database().transaction():
        values: list[tuple[Any, Any]] = [
            (r.fingerprint, consent.fingerprint),
            (r.automatic, consent.automatic),
            (r.updated_at, now),
            (r.last_used_at, now),
            (r.expires_at, consent.expires_at),
        ]
        await _forget_what_no_longer_counts(consent, now)
        await r.insert(
            r(
                id=consent.id,
                user=consent.user_id,
                client=consent.client_id,
                context=consent.context,
                fingerprint=consent.fingerprint,
                automatic=consent.automatic,
                granted_at=now,
                updated_at=now,
                last_used_at=now,
                expires_at=consent.expires_at,
            )
        ).on_conflict(target=r.id, action="DO UPDATE", values=values)
        answers = dict.fromkeys(consent.granted, True) | dict.fromkeys(consent.declined, False)
        await _save_answers(consent.id, answers, now)


async def _forget_what_no_longer_counts(consent: Consent, now: int) -> None:
    """An answer that had expired, or was given to another shape of the client, must not come back with a new one."""
    r, p = ConsentRow, ConsentPermissionRow
    row = await r.select(r.fingerprint, r.automatic, r.expires_at).where(r.id == consent.id).first()
    if row is None:
        return
    expired = row["expires_at"] is not None and row["expires_at"] <= now
    if expired or row["fingerprint"] != consent.fingerprint or bool(row["automatic"]) != consent.automatic:
        await p.delete().where(p.consent == consent.id)


async def _save_answers(key: str, answers: Mapping[Permission, bool], now: int) -> None:
    p = ConsentPermissionRow
    rows = [
        p(
            id=hashlib.sha256(f"{key}\0{permission.key}".encode()).hexdigest()[:40],
            consent=key,
            source=permission.source,
            resource=permission.resource,
            scope=permission.scope,
            granted=granted,
            decided_at=now,
        )
        for permission, granted in answers.items()
    ]
    if not rows:
        return
    await p.delete().where(p.id.is_in([row.id for row in rows]))
    await p.insert(*rows)


async def touch_consent(key: str, now: int) -> None:
    r = ConsentRow
    await r.update({r.last_used_at: now}).where(
        (r.id == key) & ((r.last_used_at.is_null()) | (r.last_used_at < now - 60))
    )


async def revoke_consent(user_id: str, key: str) -> Consent | None:
    """Take the whole answer back; returns what it was, None when it is not this user's."""
    r, p = ConsentRow, ConsentPermissionRow
    async with database().transaction():
        row = await r.select().where((r.id == key) & (r.user == user_id)).first()
        if row is None:
            return None
        consent = _consent(row, await p.select().where(p.consent == key))
        await r.delete().where(r.id == key)
    return consent


async def revoke_permission(user_id: str, key: str, permission: Permission) -> bool:
    """Take one permission back: it is forgotten, so it will be asked again."""
    r, p = ConsentRow, ConsentPermissionRow
    async with database().transaction():
        if not await r.exists().where((r.id == key) & (r.user == user_id)):
            return False
        rows = (
            await p.delete()
            .where(
                (p.consent == key)
                & (p.source == permission.source)
                & (p.resource == permission.resource)
                & (p.scope == permission.scope)
            )
            .returning(p.id)
        )
    return bool(rows)
