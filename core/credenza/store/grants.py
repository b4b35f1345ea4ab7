"""Grants: what a user authorized once, and the family of everything that hangs on it.

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
from .consents import Consent, consent_beside
from .statements import Insert, select
from .user_rows import UserRow
from .users import User, joined_user


class GrantRow(Table, tablename="credenza_grant"):
    id = Varchar(length=40, primary_key=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    session = Varchar(length=40, default="")  # indexed in migration 0002
    details = Text(default="{}")
    created_at = BigInt(default=0)
    revoked_at = BigInt(null=True, default=None)


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

    def chose(self, choices: Mapping[str, str]) -> bool:
        """Whether these are the answers, and every other question was left open."""
        return {name: value for name, value in self.choices.items() if value} == dict(choices)

    def dump(self) -> str:
        return to_json(self).decode()

    @classmethod
    def load(cls, text: str) -> Details:
        return _DETAILS.decode(text)


_DETAILS = msgspec.json.Decoder(Details)


class Grant(NamedTuple):
    """A user's authorization of a client: the family that codes and tokens belong to.

    `user` is the account at the moment of the look, where it was looked at as well. So is `said`: a context, and the
    consent in it, which may have expired.
    """

    id: str
    user_id: str
    client_id: str
    session_id: str
    details: Details
    created_at: int = 0
    revoked_at: int | None = None
    user: User | None = None
    said: tuple[str, Consent | None] | None = None


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


_INSERT_GRANT = Insert(GrantRow)
_LOCK_GRANT = select(GrantRow, "id = {} AND revoked_at IS NULL", locks=True)


def joined_grant(row: Mapping[str, Any], *, user: bool = True, context: str = "") -> Grant:
    """The grant in a row of something that hangs on it, with its user and what that user said in this context."""
    return Grant(
        row["grant"],
        row["user"],
        row["client"],
        row["session"],
        Details.load(row["details"]),
        row["began_at"],
        row["revoked_at"],
        joined_user(row) if user else None,
        (context, consent_beside(row, context)) if user else None,
    )


async def begin_grant(row: Mapping[str, Any], now: int) -> None:
    """From the row of a code or a device, which is spent now."""
    await _INSERT_GRANT(
        id=row["grant"],
        user=row["user"],
        client=row["client"],
        session=row["session"],
        details=row["details"],
        created_at=now,
    )


async def lock_grant(grant_id: str) -> Grant | None:
    """A live grant, held until the transaction ends, so that a revocation waits for us or we for it."""
    row = await _LOCK_GRANT.first(grant_id)
    return read_grant(row) if row else None
