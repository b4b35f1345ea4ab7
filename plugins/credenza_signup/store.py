"""Reading and writing: a link is taken in the statement that makes it void."""

from __future__ import annotations

import secrets

from credenza import UserRow, delete_batch, digest_secret, new_token, transaction

from .tables import SignupRow


async def taken(email: str) -> bool:
    """Whether there is an account that could be signed in to with this address."""
    u = UserRow
    return bool(await u.exists().where((u.email == email) | (u.username == email)))


async def begin(email: str, expires_at: int) -> str:
    """The token of a link; older links to the address do nothing any more."""
    token, s = new_token("confirmation"), SignupRow
    async with transaction():
        await s.delete().where(s.email == email)
        await s.insert(s(id=digest_secret(token), email=email, expires_at=expires_at))
    return token


async def address_of_link(token: str, now: int) -> str | None:
    s = SignupRow
    row = await s.select(s.email).where((s.id == digest_secret(token)) & (s.expires_at > now)).first()
    return str(row["email"]) if row else None


async def spend_link(token: str, now: int) -> str | None:
    """Of many at once, one gets the address."""
    s = SignupRow
    rows = await s.delete().where((s.id == digest_secret(token)) & (s.expires_at > now)).returning(s.email)
    return str(rows[0]["email"]) if rows else None


def new_username(email: str) -> str:
    """People sign in with their address; the name is for administrators, and tells nobody which names are taken."""
    local = "".join(c for c in email.rpartition("@")[0].lower() if c.isascii() and (c.isalnum() or c in "._-"))
    return f"{local[:60] or 'user'}-{secrets.token_hex(4)}"


async def clean_up(now: int) -> int:
    return await delete_batch(SignupRow, SignupRow.expires_at < now)
