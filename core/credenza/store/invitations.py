"""Links that let somebody set a password, once."""

from __future__ import annotations

from typing import Any

from .engine import database
from .statements import Insert
from .user_rows import InvitationRow

_INVITE = Insert(InvitationRow)


async def insert_invitation(digest: str, *, purpose: str, user_id: str | None, now: int, lifetime: int) -> None:
    """A new link takes the place of every older one for the same purpose and person."""
    async with database().transaction():
        r = InvitationRow
        mine = r.user.is_null() if user_id is None else r.user == user_id
        await r.delete().where((r.purpose == purpose) & mine)
        await _INVITE(digest=digest, purpose=purpose, user=user_id, created_at=now, expires_at=now + lifetime)


async def find_invitation(digest: str, now: int) -> dict[str, Any] | None:
    """Only to show the page; `spend_invitation` decides."""
    r = InvitationRow
    row = await r.select().where((r.digest == digest) & (r.spent_at.is_null()) & (r.expires_at > now)).first()
    return dict(row) if row else None


async def spend_invitation(digest: str, now: int) -> dict[str, Any] | None:
    """Take it once: its `purpose`, and its `user` (an id or None). None when it is unknown, expired or spent."""
    r = InvitationRow
    rows = (
        await r.update({r.spent_at: now})
        .where((r.digest == digest) & (r.spent_at.is_null()) & (r.expires_at > now))
        .returning(r.purpose, r.user)
    )
    return dict(rows[0]) if rows else None
