"""Refresh tokens: each is exchanged once, for its successor. RFC 6749 §6, RFC 9700 §4.14."""

from __future__ import annotations

from typing import NamedTuple

from piccolo.columns import BigInt, ForeignKey, OnDelete, Varchar
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

from .consents import BesideConsent
from .engine import Statement
from .grants import Grant, GrantRow, joined_grant
from .statements import Insert, names
from .users import JOINED


class RefreshTokenRow(Table, tablename="credenza_refresh_token"):
    """`spent_at` is when it was exchanged, `successor` what for: nothing where another one took its place. A grant is a
    family of these.
    """

    digest = Varchar(length=64, primary_key=True)
    grant = ForeignKey(references=GrantRow, on_delete=OnDelete.cascade, index=True, null=False)
    created_at = BigInt(default=0)
    last_used_at = BigInt(default=0)
    idle_expires_at = BigInt(default=0)
    expires_at = BigInt(default=0, index=True)
    spent_at = BigInt(null=True, default=None)
    successor = Varchar(length=64, null=True, default=None)
    jkt = Varchar(length=43, default="")


WITHOUT_REFRESH_TOKEN = WhereRaw(
    'NOT EXISTS (SELECT 1 FROM credenza_refresh_token WHERE credenza_refresh_token."grant" = credenza_grant.id)'
)
"""Of grants."""


class RefreshToken(NamedTuple):
    digest: str
    grant: Grant
    created_at: int
    last_used_at: int
    idle_expires_at: int
    expires_at: int
    spent_at: int | None
    successor: str | None
    jkt: str = ""


_INSERT_REFRESH_TOKEN = Insert(RefreshTokenRow)
_REFRESH_TOKEN = (
    f'{names(RefreshTokenRow, "r")}, g."user", g.client, g.session, g.details, g.created_at AS began_at, g.revoked_at'
)
_FIND_REFRESH_TOKEN = BesideConsent(
    f"{_REFRESH_TOKEN}, {JOINED}",
    'credenza_refresh_token r JOIN credenza_grant g ON g.id = r."grant" JOIN credenza_user u ON u.id = g."user"',
    "r.digest = {}",
    client="g.client",
)
_REFIND_REFRESH_TOKEN = Statement(
    f"SELECT {_REFRESH_TOKEN} FROM credenza_refresh_token r "  # noqa: S608  # names of columns and tables
    'JOIN credenza_grant g ON g.id = r."grant" WHERE r.digest = {}'
)
_SPEND_REFRESH_TOKEN = Statement(
    "UPDATE credenza_refresh_token SET spent_at = {}, successor = {}, last_used_at = {} "
    "WHERE digest = {} AND spent_at IS NULL RETURNING digest"
)
_TOUCH_REFRESH_TOKEN = Statement(
    "UPDATE credenza_refresh_token SET last_used_at = {}, idle_expires_at = {} "
    "WHERE digest = {} AND spent_at IS NULL RETURNING digest"
)


async def insert_refresh_token(
    digest: str, grant_id: str, *, now: int, idle_expires_at: int, expires_at: int, jkt: str = ""
) -> None:
    await _INSERT_REFRESH_TOKEN(
        digest=digest,
        grant=grant_id,
        created_at=now,
        last_used_at=now,
        idle_expires_at=idle_expires_at,
        expires_at=expires_at,
        jkt=jkt,
    )


async def find_refresh_token(digest: str, *, user: bool = True) -> RefreshToken | None:
    """A refresh token, spent or not, of a grant that is revoked or not; with the user, unless not asked for."""
    row = await (_FIND_REFRESH_TOKEN if user else _REFIND_REFRESH_TOKEN).first(digest)
    if row is None:
        return None
    own = {name: row[name] for name in RefreshToken._fields if name != "grant"}
    return RefreshToken(**own, grant=joined_grant(row, user=user))


async def spend_refresh_token(digest: str, successor: str, now: int) -> bool:
    """Exchange it for its successor; one of many parallel callers is told true."""
    return bool(await _SPEND_REFRESH_TOKEN.all(now, successor, now, digest))


async def replace_successor(digest: str, old: str, new: str, now: int) -> bool:
    """Give a repeated refresh a fresh successor, if the old one was never used: that one is spent, for nothing.

    It stays: whoever comes with it did get the answer that seemed to be lost.
    """
    r = RefreshTokenRow
    if not await r.update({r.spent_at: now}).where((r.digest == old) & r.spent_at.is_null()).returning(r.digest):
        return False
    rows = await r.update({r.successor: new}).where((r.digest == digest) & (r.successor == old)).returning(r.digest)
    return bool(rows)


async def touch_refresh_token(digest: str, now: int, idle_expires_at: int) -> bool:
    """Note its use; False for one that is spent, or gone."""
    return bool(await _TOUCH_REFRESH_TOKEN.all(now, idle_expires_at, digest))
