"""Access tokens, each remembered by a hash, so that each can be ended. RFC 6749 §1.4."""

from __future__ import annotations

import json
from typing import NamedTuple

from piccolo.columns import BigInt, ForeignKey, OnDelete, Text, Varchar
from piccolo.table import Table

from .clients import ClientRow
from .consents import BesideConsent
from .grants import Grant, GrantRow, joined_grant
from .statements import Insert, names
from .users import JOINED


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
    origins = Text(default="")
    created_at = BigInt(default=0)
    expires_at = BigInt(default=0, index=True)
    revoked_at = BigInt(null=True, default=None)


class AccessToken(NamedTuple):
    """`grant` is None for a token that a client got for itself; `context` is that of the consent it was issued by.

    `origins` are audience, binding and scope of the tokens that it came from by exchange.
    """

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
    origins: tuple[tuple[str, str, str], ...] = ()


_INSERT_ACCESS_TOKEN = Insert(AccessTokenRow)
_FIND_ACCESS_TOKEN = BesideConsent(
    f'{names(AccessTokenRow, "t")}, g."user", g.session, g.details, g.created_at AS began_at, '
    f"g.revoked_at AS ended_at, {JOINED}",
    'credenza_access_token t LEFT JOIN credenza_grant g ON g.id = t."grant" '
    'LEFT JOIN credenza_user u ON u.id = g."user"',
    "t.digest = {} AND t.expires_at > {} AND t.revoked_at IS NULL",
    client="t.client",
    context="t.context",
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
        origins=json.dumps(token.origins) if token.origins else "",
        created_at=token.created_at,
        expires_at=token.expires_at,
    )


async def find_access_token(digest: str, now: int) -> AccessToken | None:
    """A live access token of a live grant, with its user and what that user said to the client."""
    row = await _FIND_ACCESS_TOKEN.first(digest, now)
    if row is None:
        return None
    grant = None
    if row["grant"] is not None:
        if row["user"] is None or row["ended_at"] is not None:
            return None
        grant = joined_grant(row, context=row["context"])
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
        _origins(row["origins"]) if row["origins"] else (),
    )


def _origins(text: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((audience, binding, scope) for audience, binding, scope in json.loads(text))
