"""Reading and writing passkeys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from credenza import Statement, base64url

from .tables import PasskeyRow

MOST = 20  # of one user
_OF_USER = Statement(  # asked with every sign-in
    'SELECT id, "user", credential_id, public_key, sign_count, synced, transports, name, added_at, last_used_at '
    'FROM credenza_passkey WHERE "user" = {} ORDER BY added_at, id'
)


@dataclass(frozen=True, slots=True)
class Passkey:
    id: str
    user_id: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    synced: bool
    transports: tuple[str, ...]
    name: str
    added_at: int
    last_used_at: int | None


def _passkey(row: Mapping[str, Any]) -> Passkey:
    values = dict(row)
    values["user_id"] = values.pop("user")
    values["transports"] = tuple(values["transports"].split())
    for name in ("credential_id", "public_key"):
        values[name] = base64url.decode(values[name])
    return Passkey(**values)


def key_of(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


async def insert_passkey(passkey: Passkey) -> bool:
    """False when somebody has this one already. WebAuthn §7.1, step 26."""
    row = PasskeyRow(
        id=passkey.id,
        user=passkey.user_id,
        credential_id=base64url.encode(passkey.credential_id),
        public_key=base64url.encode(passkey.public_key),
        sign_count=passkey.sign_count,
        synced=passkey.synced,
        transports=" ".join(passkey.transports),
        name=passkey.name,
        added_at=passkey.added_at,
        last_used_at=None,
    )
    return bool(await PasskeyRow.insert(row).on_conflict(action="DO NOTHING").returning(PasskeyRow.id))


async def list_passkeys(user_id: str) -> list[Passkey]:
    return [_passkey(row) for row in await _OF_USER.all(user_id)]


async def find_passkey(credential_id: bytes) -> Passkey | None:
    row = await PasskeyRow.select().where(PasskeyRow.id == key_of(credential_id)).first()
    return _passkey(row) if row else None


async def use_passkey(passkey: Passkey, sign_count: int, now: int) -> bool:
    """Move its counter on; of two answers with the same counter one is told true. WebAuthn §7.2, step 22."""
    p = PasskeyRow
    same = (p.id == passkey.id) & (p.sign_count == passkey.sign_count)
    return bool(await p.update({p.sign_count: sign_count, p.last_used_at: now}).where(same).returning(p.id))


async def delete_passkey(user_id: str, passkey_id: str) -> str | None:
    """Its name, if it was this user's."""
    p = PasskeyRow
    rows = await p.delete().where((p.id == passkey_id) & (p.user == user_id)).returning(p.name)
    return str(rows[0]["name"]) if rows else None


async def delete_passkeys(user_id: str) -> int:
    p = PasskeyRow
    return len(await p.delete().where(p.user == user_id).returning(p.id))
