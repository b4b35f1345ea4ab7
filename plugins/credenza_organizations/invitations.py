"""Invitations: links that let one person join an organization once. Only their hashes are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from credenza import delete_batch, digest_secret, lists, new_token

from .tables import OrganizationInvitation, row_id


@dataclass(frozen=True, slots=True)
class Invitation:
    """One that can still be used. `key` names it in addresses and tells nothing about the link; `roles` are ids."""

    key: str
    organization: str
    organization_name: str
    email: str
    roles: tuple[str, ...]
    invited_by: str
    created_at: int
    expires_at: int


async def create_invitation(
    organization: str, *, email: str, roles: Iterable[str], invited_by: str, now: int, lifetime: int
) -> str:
    """The token of the link; nobody can read it again."""
    token = new_token("invitation")
    await OrganizationInvitation.insert(
        OrganizationInvitation(
            digest=digest_secret(token),
            organization=organization,
            email=email,
            roles=" ".join(roles),
            invited_by=invited_by,
            created_at=now,
            expires_at=now + lifetime,
        )
    )
    return token


async def find_invitation(token: str, now: int) -> Invitation | None:
    """Only to show the page; `spend_invitation` decides. None while the organization is suspended."""
    i = OrganizationInvitation
    suspended: Any = i.organization.suspended
    query = _pending(now).where((i.digest == digest_secret(token)) & suspended.eq(False))
    row = await query.first()
    return _invitation(row) if row else None


async def spend_invitation(token: str, now: int) -> bool:
    i = OrganizationInvitation
    mine = i.digest == digest_secret(token)
    return bool(await i.update({i.spent_at: now}).where(mine & _usable(now)).returning(i.digest))


async def list_invitations(
    organization: str, now: int, *, search: str, order: str, descending: bool, offset: int, limit: int
) -> list[Invitation]:
    """Those that can still be used, by "email" or "created_at"."""
    i = OrganizationInvitation
    column = i.created_at if order == "created_at" else i.email
    query = lists.in_order(_pending(now), column, descending=descending)
    rows = await query.where(_found(organization, search)).offset(offset).limit(limit)
    return [_invitation(row) for row in rows]


async def count_invitations(organization: str, now: int, *, search: str) -> int:
    return int(await OrganizationInvitation.count().where(_found(organization, search), _usable(now)))


async def find_pending(organization: str, key: str, now: int) -> Invitation | None:
    """One of this organization that can still be used."""
    i = OrganizationInvitation
    digest = await _digest(organization, key)
    row = await _pending(now).where(i.digest == digest).first() if digest else None
    return _invitation(row) if row else None


async def delete_invitation(organization: str, key: str, now: int) -> bool:
    i = OrganizationInvitation
    digest = await _digest(organization, key)
    return bool(digest and await i.delete().where((i.digest == digest) & _usable(now)).returning(i.digest))


async def _digest(organization: str, key: str) -> str | None:
    """None when there is none."""
    i = OrganizationInvitation
    digests = await i.select(i.digest).where((i.organization == organization) & i.spent_at.is_null())
    return next((row["digest"] for row in digests if _key(row["digest"]) == key), None)


async def clean_up_invitations(now: int, *, batch: int = 500) -> int:
    """Forget what has expired; one that never was looks the same."""
    return await delete_batch(OrganizationInvitation, OrganizationInvitation.expires_at <= now, batch=batch)


def _usable(now: int) -> Any:
    i = OrganizationInvitation
    return i.spent_at.is_null() & (i.expires_at > now)


def _found(organization: str, search: str) -> Any:
    i = OrganizationInvitation
    return (i.organization == organization) & lists.called(search, i.email)


def _pending(now: int) -> Any:
    i = OrganizationInvitation
    columns = (i.digest, i.organization, i.organization.name, i.email, i.roles, i.invited_by, i.created_at)
    return i.select(*columns, i.expires_at).where(_usable(now))


def _invitation(row: Mapping[str, Any]) -> Invitation:
    return Invitation(
        key=_key(row["digest"]),
        organization=row["organization"],
        organization_name=row["organization.name"],
        email=row["email"],
        roles=tuple(row["roles"].split()),
        invited_by=row["invited_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


def _key(digest: str) -> str:
    return row_id("invitation", digest)
