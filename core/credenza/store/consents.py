"""What users said: one record for each user, application and context (an organization, say), with its permissions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from piccolo.columns import BigInt, Boolean, ForeignKey, OnDelete, Varchar
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

from ..protocol.documents import read_json
from ..protocol.scopes import Permission
from .clients import ClientRow
from .engine import Row, Statement, database
from .lists import count_up_to
from .permission_rows import concerning
from .user_rows import UserRow
from .user_search import MANY, all_matching, few_matching


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
    resource = Varchar(length=1000, default="")  # indexed in migration 0002
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

    def ends_at(self, lifetime: int | None = None) -> int | None:
        """Until when it counts: as it was given, or as old as consents of its client may be by now (`lifetime`)."""
        if lifetime is None:
            return self.expires_at
        oldest = self.updated_at + lifetime
        return oldest if self.expires_at is None else min(self.expires_at, oldest)

    def expired(self, now: int, lifetime: int | None = None) -> bool:
        """Whether it counts no longer, with the same `lifetime`."""
        end = self.ends_at(lifetime)
        return end is not None and end <= now


def consent_id(user_id: str, client_id: str, context: str) -> str:
    """Made from what it is about, so that two parallel answers meet in one row."""
    return hashlib.sha256(f"{user_id}\0{client_id}\0{context}".encode()).hexdigest()[:40]


_OWN = ("id", "fingerprint", "automatic", "granted_at", "updated_at", "last_used_at", "expires_at")
_BESIDE = tuple(f"consent_{name}" for name in _OWN)
_JOINED = (
    f'SELECT c."user", c.client, c.context, {", ".join(f"c.{name}" for name in _OWN)}, '  # noqa: S608  # ours
    "p.source, p.resource, p.scope, p.granted "
    "FROM credenza_consent c LEFT JOIN credenza_consent_permission p ON p.consent = c.id "
)


_FIND = Statement(_JOINED + "WHERE c.id = {}")
_FIND_ALL = Statement(_JOINED + 'WHERE c."user" = {} AND c.client = {} ORDER BY c.updated_at DESC, c.id')


async def find_consent(
    user_id: str, client_id: str, context: str, now: int, lifetime: int | None = None
) -> Consent | None:
    """The consent in this context; None when there is none or it has expired."""
    rows = await _FIND.all(consent_id(user_id, client_id, context))
    return next((consent for consent in _consents(rows) if not consent.expired(now, lifetime)), None)


async def find_consents(user_id: str, client_id: str, now: int, lifetime: int | None = None) -> list[Consent]:
    """A user's consents to one application in every context, the last one used first; one query."""
    rows = await _FIND_ALL.all(user_id, client_id)
    return [consent for consent in _consents(rows) if not consent.expired(now, lifetime)]


async def find_user_consent(user_id: str, key: str) -> Consent | None:
    """By its id, expired or not, if it is this user's."""
    rows = await ConsentRow.raw(_JOINED + 'WHERE c.id = {} AND c."user" = {}', key, user_id)
    return next(iter(_consents(rows)), None)


_FROM = "FROM credenza_consent_permission p WHERE p.consent = c.id"
_IN_JSON = f"SELECT json_agg(json_build_array(p.source, p.resource, p.scope, p.granted))::text {_FROM}"
_DECIDED = {
    "sqlite": f"SELECT json_group_array(json_array(p.source, p.resource, p.scope, p.granted)) {_FROM}",
    "postgres": _IN_JSON,
    "cockroach": _IN_JSON,
}


class BesideConsent:
    """Fixed SQL that reads something with its user `u` and what that user said to the client, for `consent_beside`.

    `client` and `context` are SQL, too.
    """

    def __init__(self, columns: str, tables: str, condition: str, *, client: str, context: str = "''") -> None:
        said = (  # by the user's index: the client's leads to everybody who uses it
            f"LEFT JOIN credenza_consent c ON c.\"user\" = u.id AND c.client || '' = {client} AND c.context = {context}"
        )
        own = ", ".join(f"c.{name} AS {beside}" for name, beside in zip(_OWN, _BESIDE, strict=True))
        self._statements = {
            engine: Statement(
                f"SELECT {columns}, {own}, ({decided}) AS consent_decided FROM {tables} {said} WHERE {condition}"  # noqa: S608  # ours
            )
            for engine, decided in _DECIDED.items()
        }

    async def first(self, *values: Any) -> Row | None:
        return await self._statements[database().engine_type].first(*values)


def consent_beside(row: Mapping[str, Any], context: str) -> Consent | None:
    """From a row of such a statement, about this context. It may have expired."""
    if row["consent_id"] is None:
        return None
    decided = read_json(row["consent_decided"] or "[]")
    return _consent(row, context, {Permission(*permission): yes for *permission, yes in decided}, _BESIDE)


def _consents(rows: Iterable[Mapping[str, Any]]) -> list[Consent]:
    """Rows of `_JOINED`, one for each permission, gathered."""
    found: dict[str, tuple[Mapping[str, Any], dict[Permission, bool]]] = {}
    for row in rows:
        _, decided = found.setdefault(row["id"], (row, {}))
        if row["source"] is not None:
            decided[Permission(row["source"], row["resource"], row["scope"])] = row["granted"]
    return [_consent(row, row["context"], decided) for row, decided in found.values()]


def _consent(
    row: Mapping[str, Any], context: str, decided: Mapping[Permission, object], columns: Sequence[str] = _OWN
) -> Consent:
    key, fingerprint, automatic, granted_at, updated_at, last_used_at, expires_at = [row[name] for name in columns]
    return Consent(
        key,
        row["user"],
        row["client"],
        context,
        fingerprint,
        bool(automatic),
        granted_at,
        updated_at,
        last_used_at,
        expires_at,
        frozenset([p for p, yes in decided.items() if yes]),
        frozenset([p for p, yes in decided.items() if not yes]),
    )


async def list_consents(
    *,
    user_id: str | None = None,
    client_id: str | None = None,
    search: str = "",
    offset: int = 0,
    limit: int = 200,
) -> list[Consent]:
    """A user's, or an application's, newest first, with their permissions (three queries in all).

    `search` is a part of the user's name or email address.
    """
    r, p = ConsentRow, ConsentPermissionRow
    # What is found is read afterwards: the way to a late page reads nothing but an index.
    query = r.select(r.id).order_by(r.updated_at, r.id, ascending=False).offset(offset).limit(limit)
    if user_id is not None:
        query = query.where(r.user == user_id)
    if client_id is not None:
        query = query.where(r.client == client_id)
    if search:
        query = query.where(await _by(search))
    permissions: dict[str, list[Mapping[str, Any]]] = {row["id"]: [] for row in await query}
    if not permissions:
        return []
    found = {row["id"]: row for row in await r.select().where(r.id.is_in(list(permissions)))}
    rows = [found[id_] for id_ in permissions if id_ in found]
    for permission in await p.select().where(p.consent.is_in(list(permissions))):
        permissions[permission["consent"]].append(permission)
    nothing = {"source": None}
    return _consents(
        [{**row, **permission, "id": row["id"]} for row in rows for permission in permissions[row["id"]] or [nothing]]
    )


async def _by(search: str) -> Any:
    """Of many people it is asked of each consent whether it is one of theirs, until a page is full."""
    if few := await few_matching(search):
        return ConsentRow.user.is_in(UserRow.select(UserRow.id).where(few))
    theirs = UserRow.select(UserRow.id).where(
        WhereRaw('credenza_user.id = credenza_consent."user"'), all_matching(search)
    )
    return WhereRaw("EXISTS ({})", theirs.querystrings[0])


async def count_consents(client_id: str | None = None, *, user_id: str | None = None, search: str = "") -> int:
    """How many an application has, or a user; of what a search finds, `lists.count_up_to` MANY people."""
    wanted = ((ConsentRow.client, client_id), (ConsentRow.user, user_id))
    conditions: list[Any] = [column == value for column, value in wanted if value is not None]
    if search:
        return await count_up_to(MANY, ConsentRow.select(ConsentRow.id).where(*conditions, await _by(search)))
    return int(await ConsentRow.count().where(*conditions))


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
    row = await r.select(r.fingerprint, r.automatic, r.expires_at, r.updated_at).where(r.id == consent.id).first()
    if row is None:
        return
    before = replace(consent, expires_at=row["expires_at"], updated_at=row["updated_at"])
    expired = before.expired(now, consent.expires_at - now if consent.expires_at is not None else None)
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
    """Remember when it was last used, at most once a minute."""
    r = ConsentRow
    await r.update({r.last_used_at: now}).where(
        (r.id == key) & ((r.last_used_at.is_null()) | (r.last_used_at < now - 60))
    )


async def delete_consent(user_id: str, key: str) -> Consent | None:
    """Forget the whole answer; returns what it was, None when it is not this user's. What hangs on it goes on."""
    r = ConsentRow
    async with database().transaction():
        found = await find_user_consent(user_id, key)
        await r.delete().where((r.id == key) & (r.user == user_id))
    return found


def _about(key: str, permission: Permission) -> Any:
    p = ConsentPermissionRow
    return (
        (p.consent == key)
        & (p.source == permission.source)
        & (p.resource == permission.resource)
        & (p.scope == permission.scope)
    )


async def revoke_permission(user_id: str, key: str, permission: Permission) -> bool:
    """Take one permission back: it is forgotten, so it will be asked again."""
    r, p = ConsentRow, ConsentPermissionRow
    async with database().transaction():
        if not await r.exists().where((r.id == key) & (r.user == user_id)):
            return False
        rows = await p.delete().where(_about(key, permission)).returning(p.id)
    return bool(rows)


async def forget_answers(source: str, resource: str, scope: str) -> None:
    """Forget what anybody said about something at a resource; an empty `source` or `scope` is each."""
    await ConsentPermissionRow.delete().where(concerning(ConsentPermissionRow, source, resource, scope))


async def change_answer(user_id: str, key: str, permission: Permission, *, granted: bool, now: int) -> bool:
    """Turn a yes into a no that is remembered, or back; false when the user never gave the other answer."""
    r, p = ConsentRow, ConsentPermissionRow
    async with database().transaction():
        if not await r.exists().where((r.id == key) & (r.user == user_id)):
            return False
        rows = (
            await p.update({p.granted: granted, p.decided_at: now})
            .where(_about(key, permission) & p.granted.eq(not granted))
            .returning(p.id)
        )
    return bool(rows)
