"""What a change would touch: live consents, the people who gave them, and tokens that would still be accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from piccolo.query import Select

from .access_tokens import AccessTokenRow
from .consents import ConsentPermissionRow, ConsentRow
from .grants import GrantRow
from .lists import contains
from .refresh_tokens import RefreshTokenRow
from .sessions import list_sessions

Ids = list[str] | Select[Any]


@dataclass(frozen=True, slots=True)
class Reach:
    """The blast radius of a change. Signed access tokens are not counted: nobody keeps a list of them."""

    consents: int = 0
    users: int = 0
    tokens: int = 0

    @property
    def any(self) -> bool:
        return bool(self.consents or self.tokens)


async def count_reach(
    now: int,
    *,
    clients: Ids | None = None,
    users: Ids | None = None,
    sources: Sequence[str] = (),
    resource: str | None = None,
    scope: str = "",
    choice: str = "",
) -> Reach:
    """Count what belongs to these clients and users, each a list of ids or a select of one column; None is everybody.

    With `sources`, only consents in which one of their permissions was granted (at a resource, of a scope), and the
    tokens of the clients that hold them. With `choice`, only what is for that answer, as an organization's id.
    """
    c = ConsentRow
    conditions: list[Any] = [c.expires_at.is_null() | (c.expires_at > now)]
    conditions += [column.is_in(ids) for column, ids in ((c.client, clients), (c.user, users)) if ids is not None]
    if sources:
        conditions.append(c.id.is_in(_granting(sources, resource, scope)))
    if choice:
        conditions.append(c.context.like(contains(f"={choice}")))
    consents = int(await c.count().where(*conditions))
    people = int(await c.count(distinct=[c.user]).where(*conditions))
    if sources:
        clients = c.select(c.client).where(*conditions)
    return Reach(consents, people, await _count_tokens(now, clients, users, choice))


async def count_open(user_id: str, now: int) -> tuple[int, Reach]:
    """How many sessions of a user are alive (the newest hundred are counted), and what else hangs on the user."""
    return len(await list_sessions(user_id, now)), await count_reach(now, users=[user_id])


def _granting(sources: Sequence[str], resource: str | None, scope: str) -> Select[Any]:
    p = ConsentPermissionRow
    query = p.select(p.consent).where(p.source.is_in(list(sources)) & p.granted.eq(True))
    query = query.where(p.resource == resource) if resource is not None else query
    return query.where(p.scope == scope) if scope else query


async def _count_tokens(now: int, clients: Ids | None, users: Ids | None, choice: str) -> int:
    t, r, g = AccessTokenRow, RefreshTokenRow, GrantRow
    grants = g.select(g.id).where(g.revoked_at.is_null())
    access = t.count().where((t.expires_at > now) & t.revoked_at.is_null())
    if clients is not None:
        grants, access = grants.where(g.client.is_in(clients)), access.where(t.client.is_in(clients))
    if users is not None:
        grants = grants.where(g.user.is_in(users))
        access = access.where(t.grant.is_in(grants))
    if choice:
        grants = grants.where(g.details.like(contains(f'"{choice}"')))
        access = access.where(t.context.like(contains(f"={choice}")))
    refresh = r.count().where((r.expires_at > now) & r.spent_at.is_null() & r.grant.is_in(grants))
    return int(await access) + int(await refresh)
