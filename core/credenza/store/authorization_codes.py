"""Authorization codes: each is taken once, and a grant begins. RFC 6749 §4.1.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from piccolo.columns import BigInt, ForeignKey, OnDelete, Text, Varchar
from piccolo.table import Table

from .clients import ClientRow
from .consents import BesideConsent
from .engine import Statement
from .grants import Grant, begin_grant, joined_grant
from .statements import Insert, names
from .user_rows import UserRow
from .users import JOINED


class AuthorizationCodeRow(Table, tablename="credenza_authorization_code"):
    digest = Varchar(length=64, primary_key=True)
    grant = Varchar(length=40)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    session = Varchar(length=40, default="")
    redirect_uri = Text(default="")
    code_challenge = Varchar(length=128, null=True, default=None)
    details = Text(default="{}")
    created_at = BigInt(default=0)
    expires_at = BigInt(default=0, index=True)
    spent_at = BigInt(null=True, default=None)


class AuthorizationCode(NamedTuple):
    """The challenge is kept here, and nothing in the code itself says what it is. RFC 7636 §4.4."""

    digest: str
    grant: Grant
    redirect_uri: str
    code_challenge: str | None
    expires_at: int
    spent_at: int | None = None


_INSERT_CODE = Insert(AuthorizationCodeRow)
_PEEK_CODE = BesideConsent(
    f"{names(AuthorizationCodeRow, 'a')}, 0 AS began_at, NULL AS revoked_at, {JOINED}",
    'credenza_authorization_code a JOIN credenza_user u ON u.id = a."user"',
    "a.digest = {}",
    client="a.client",
)
_SPEND_CODE = Statement(
    "UPDATE credenza_authorization_code SET spent_at = {} WHERE digest = {} AND spent_at IS NULL AND expires_at > {} "
    'RETURNING "grant", "user", client, session, details'
)


async def insert_code(code: AuthorizationCode, now: int) -> None:
    grant = code.grant
    await _INSERT_CODE(
        digest=code.digest,
        grant=grant.id,
        user=grant.user_id,
        client=grant.client_id,
        session=grant.session_id,
        redirect_uri=code.redirect_uri,
        code_challenge=code.code_challenge,
        details=grant.details.dump(),
        created_at=now,
        expires_at=code.expires_at,
    )


def _code(row: Mapping[str, Any]) -> AuthorizationCode:
    grant = joined_grant(row)
    return AuthorizationCode(
        row["digest"], grant, row["redirect_uri"], row["code_challenge"], row["expires_at"], row["spent_at"]
    )


async def peek_code(digest: str) -> AuthorizationCode | None:
    """Read a code, spent or not, with its user, to check who may use it. Only `spend_code` takes it."""
    row = await _PEEK_CODE.first(digest)
    return _code(row) if row else None


async def spend_code(digest: str, now: int) -> bool:
    """Take a code that nobody took before; its grant begins. Exactly one of many callers is told true."""
    row = await _SPEND_CODE.first(now, digest, now)
    if row is None:
        return False
    await begin_grant(row, now)
    return True
