"""Links that let somebody set a password, once."""

from __future__ import annotations

from typing import Any, NamedTuple

from .engine import database
from .statements import Insert
from .user_rows import InvitationRow


class Invitation(NamedTuple):
    """What a link is good for: `user_id` is whose password it sets, None for that of the first administrator."""

    purpose: str
    user_id: str | None


_INVITE = Insert(InvitationRow)


async def insert_invitation(digest: str, *, purpose: str, user_id: str | None, now: int, lifetime: int) -> None:
    """A new link takes the place of every older one for the same purpose and person."""
    async with database().transaction():
        r = InvitationRow
        mine = r.user.is_null() if user_id is None else r.user == user_id
        await r.delete().where((r.purpose == purpose) & mine)
        await _INVITE(digest=digest, purpose=purpose, user=user_id, created_at=now, expires_at=now + lifetime)


async def find_invitation(digest: str, now: int) -> Invitation | None:
    """Only to show the page; `spend_invitation` decides."""
    r = InvitationRow
    row = await r.select(r.purpose, r.user).where(_is_good(digest, now)).first()
    return Invitation(row["purpose"], row["user"]) if row else None


async def spend_invitation(digest: str, now: int) -> Invitation | None:
    """Take it once; None when it is unknown, expired or spent."""
    r = InvitationRow
    rows = await r.update({r.spent_at: now}).where(_is_good(digest, now)).returning(r.purpose, r.user)
    return Invitation(rows[0]["purpose"], rows[0]["user"]) if rows else None


def _is_good(digest: str, now: int) -> Any:
    r = InvitationRow
    return (r.digest == digest) & r.spent_at.is_null() & (r.expires_at > now)
