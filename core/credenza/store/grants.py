"""Authorization codes, the grants that come of them, and the tokens that hang on a grant.

Revoking the grant ends every token of it at once: there is nothing to find and to forget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from piccolo.columns import BigInt, ForeignKey, OnDelete, Text, Varchar
from piccolo.table import Table

from ..protocol.documents import to_json
from .clients import ClientRow
from .pushed_requests import PushedRequestRow
from .statements import Insert, Statement, names, select
from .users import JOINED, User, UserRow, joined_user


class GrantRow(Table, tablename="credenza_grant"):
    id = Varchar(length=40, primary_key=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    session = Varchar(length=40, default="", index=True)
    details = Text(default="{}")
    created_at = BigInt(default=0)
    revoked_at = BigInt(null=True, default=None)


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


class RefreshTokenRow(Table, tablename="credenza_refresh_token"):
    """`spent_at` is when it was exchanged; `successor` what for. A grant is a family of these."""

    digest = Varchar(length=64, primary_key=True)
    grant = ForeignKey(references=GrantRow, on_delete=OnDelete.cascade, index=True, null=False)
    created_at = BigInt(default=0)
    last_used_at = BigInt(default=0)
    idle_expires_at = BigInt(default=0)
    expires_at = BigInt(default=0, index=True)
    spent_at = BigInt(null=True, default=None)
    successor = Varchar(length=64, null=True, default=None)
    jkt = Varchar(length=43, default="")


class AccessTokenRow(Table, tablename="credenza_access_token"):
    """Every access token, by its hash; a JWT by the hash of its `jti`. `grant` is null for a client's own."""

    digest = Varchar(length=64, primary_key=True)
    grant = ForeignKey(references=GrantRow, on_delete=OnDelete.cascade, null=True)  # indexed in migration 0002
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    scope = Text(default="")
    audience = Text(default="")
    binding = Varchar(length=300, default="")
    jkt = Varchar(length=43, default="")
    context = Varchar(length=300, default="")
    created_at = BigInt(default=0)
    expires_at = BigInt(default=0, index=True)
    revoked_at = BigInt(null=True, default=None)


class SpentAssertionRow(Table, tablename="credenza_spent_assertion"):
    digest = Varchar(length=64, primary_key=True)
    expires_at = BigInt(default=0, index=True)


@dataclass(frozen=True, slots=True)
class Details:
    """What an authorization was about. `choices` are the user's answers to questions of scope sources."""

    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    userinfo_claims: tuple[str, ...] = ()
    id_token_claims: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    nonce: str | None = None
    auth_time: int = 0
    acr: str = ""
    amr: tuple[str, ...] = ()
    dpop_jkt: str = ""

    def dump(self) -> str:
        return to_json(self).decode()

    @classmethod
    def load(cls, text: str) -> Details:
        return _DETAILS.decode(text)


_DETAILS = msgspec.json.Decoder(Details)


class Grant(NamedTuple):
    """A user's authorization of a client: the family that codes and tokens belong to.

    `user` is the account at the moment of the look, where it was looked at as well.
    """

    id: str
    user_id: str
    client_id: str
    session_id: str
    details: Details
    created_at: int = 0
    revoked_at: int | None = None
    user: User | None = None


class AuthorizationCode(NamedTuple):
    digest: str
    grant: Grant
    redirect_uri: str
    code_challenge: str | None
    expires_at: int
    spent_at: int | None = None


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


class AccessToken(NamedTuple):
    """`grant` is None for a token that a client got for itself; `context` is that of the consent it was issued by."""

    digest: str
    grant: Grant | None
    client_id: str
    scope: str
    audience: str
    created_at: int
    expires_at: int
    binding: str = ""
    jkt: str = ""
    context: str = ""


def read_grant(row: Mapping[str, Any]) -> Grant:
    return Grant(
        row["id"],
        row["user"],
        row["client"],
        row["session"],
        Details.load(row["details"]),
        row["created_at"],
        row["revoked_at"],
    )


_INSERT_CODE = Insert(AuthorizationCodeRow)
_PEEK_CODE = Statement(
    f"SELECT {names(AuthorizationCodeRow, 'c')}, c.created_at AS began_at, NULL AS revoked_at, {JOINED} "  # noqa: S608  # names of columns and tables
    'FROM credenza_authorization_code c JOIN credenza_user u ON u.id = c."user" WHERE c.digest = {}'
)
_SPEND_CODE = Statement(
    "UPDATE credenza_authorization_code SET spent_at = {} WHERE digest = {} AND spent_at IS NULL AND expires_at > {} "
    'RETURNING "grant", "user", client, session, details'
)
_INSERT_GRANT = Insert(GrantRow)
_FIND_GRANT = select(GrantRow, "id = {}")
_LOCK_GRANT = select(GrantRow, "id = {} AND revoked_at IS NULL", locks=True)


def _joined_grant(row: Mapping[str, Any], *, user: bool = True) -> Grant:
    """The grant in a row of something that hangs on it, with its user."""
    return Grant(
        row["grant"],
        row["user"],
        row["client"],
        row["session"],
        Details.load(row["details"]),
        row["began_at"],
        row["revoked_at"],
        joined_user(row) if user else None,
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
    grant = _joined_grant(row)
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
    await _INSERT_GRANT(
        id=row["grant"],
        user=row["user"],
        client=row["client"],
        session=row["session"],
        details=row["details"],
        created_at=now,
    )
    return True


async def lock_grant(grant_id: str) -> Grant | None:
    """A live grant, held until the transaction ends, so that a revocation waits for us or we for it."""
    row = await _LOCK_GRANT.first(grant_id)
    return read_grant(row) if row else None


async def find_grant(grant_id: str) -> Grant | None:
    row = await _FIND_GRANT.first(grant_id)
    return read_grant(row) if row else None


_INSERT_REFRESH_TOKEN = Insert(RefreshTokenRow)
_REFRESH_TOKEN = (
    f'{names(RefreshTokenRow, "r")}, g."user", g.client, g.session, g.details, g.created_at AS began_at, g.revoked_at'
)
_FIND_REFRESH_TOKEN = Statement(
    f"SELECT {_REFRESH_TOKEN}, {JOINED} FROM credenza_refresh_token r "  # noqa: S608  # names of columns and tables
    'JOIN credenza_grant g ON g.id = r."grant" JOIN credenza_user u ON u.id = g."user" WHERE r.digest = {}'
)
_REFIND_REFRESH_TOKEN = Statement(
    f"SELECT {_REFRESH_TOKEN} FROM credenza_refresh_token r "  # noqa: S608  # names of columns and tables
    'JOIN credenza_grant g ON g.id = r."grant" WHERE r.digest = {}'
)
_SPEND_REFRESH_TOKEN = Statement(
    "UPDATE credenza_refresh_token SET spent_at = {}, successor = {}, last_used_at = {} "
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
    return RefreshToken(**own, grant=_joined_grant(row, user=user))


async def spend_refresh_token(digest: str, successor: str, now: int) -> bool:
    """Exchange it for its successor; one of many parallel callers is told true."""
    return bool(await _SPEND_REFRESH_TOKEN.all(now, successor, now, digest))


async def replace_successor(digest: str, old: str, new: str) -> bool:
    """Give a repeated refresh a fresh successor, if the old one was never used: that one is dead from now on."""
    r = RefreshTokenRow
    if not await r.delete().where((r.digest == old) & (r.spent_at.is_null())).returning(r.digest):
        return False
    rows = await r.update({r.successor: new}).where((r.digest == digest) & (r.successor == old)).returning(r.digest)
    return bool(rows)


async def touch_refresh_token(digest: str, now: int, idle_expires_at: int) -> None:
    r = RefreshTokenRow
    await r.update({r.last_used_at: now, r.idle_expires_at: idle_expires_at}).where(r.digest == digest)


_INSERT_ACCESS_TOKEN = Insert(AccessTokenRow)
_FIND_ACCESS_TOKEN = Statement(
    f'SELECT {names(AccessTokenRow, "t")}, g."user", g.session, g.details, g.created_at AS began_at, '  # noqa: S608  # names of columns and tables
    f"g.revoked_at AS ended_at, {JOINED} FROM credenza_access_token t "
    'LEFT JOIN credenza_grant g ON g.id = t."grant" LEFT JOIN credenza_user u ON u.id = g."user" '
    "WHERE t.digest = {} AND t.expires_at > {} AND t.revoked_at IS NULL"
)


async def insert_access_token(token: AccessToken) -> None:
    await _INSERT_ACCESS_TOKEN(
        digest=token.digest,
        grant=token.grant.id if token.grant else None,
        client=token.client_id,
        scope=token.scope,
        audience=token.audience,
        binding=token.binding,
        jkt=token.jkt,
        context=token.context,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )


async def find_access_token(digest: str, now: int) -> AccessToken | None:
    """A live access token of a live grant, with its user."""
    row = await _FIND_ACCESS_TOKEN.first(digest, now)
    if row is None:
        return None
    grant = None
    if row["grant"] is not None:
        if row["user"] is None or row["ended_at"] is not None:
            return None
        grant = _joined_grant(row)
    return AccessToken(
        row["digest"],
        grant,
        row["client"],
        row["scope"],
        row["audience"],
        row["created_at"],
        row["expires_at"],
        row["binding"],
        row["jkt"],
        row["context"],
    )


async def spend_assertion(digest: str, expires_at: int) -> bool:
    """Remember a client assertion; false when it was used before."""
    s = SpentAssertionRow
    rows = await s.insert(s(digest=digest, expires_at=expires_at)).on_conflict(action="DO NOTHING").returning(s.digest)
    return bool(rows)


async def clean_up(now: int, *, grant_lifetime: int, batch: int = 500) -> int:
    """Delete a batch of what has expired long enough ago that nothing can depend on it; returns how many rows.

    `grant_lifetime` is how many seconds the longest token of a grant lives.
    """
    day = 24 * 3600
    deleted = 0
    tables: list[tuple[type[Table], Any, int]] = [
        (AccessTokenRow, AccessTokenRow.expires_at, now - 600),
        (AuthorizationCodeRow, AuthorizationCodeRow.expires_at, now - day),
        (SpentAssertionRow, SpentAssertionRow.expires_at, now - 600),
        (RefreshTokenRow, RefreshTokenRow.expires_at, now - day),
        (PushedRequestRow, PushedRequestRow.expires_at, now - day),
        (GrantRow, GrantRow.created_at, now - grant_lifetime - day),
    ]
    for table, column, before in tables:
        key = table._meta.primary_key
        rows = await table.select(key).where(column < before).limit(batch)
        if rows:
            await table.delete().where(key.is_in([row[key._meta.name] for row in rows]))
            deleted += len(rows)
    return deleted
