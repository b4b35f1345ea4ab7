"""What a change would touch: live consents, the people who gave them, and tokens that would still be accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from piccolo.columns.combination import WhereRaw
from piccolo.query import Select

from .access_tokens import AccessTokenRow
from .consents import ConsentPermissionRow, ConsentRow
from .grants import GrantRow
from .lists import contains, count_up_to
from .refresh_tokens import RefreshTokenRow
from .sessions import list_sessions

Ids = list[str] | Select[Any]
Item = TypeVar("Item")
MANY = 10_000  # of anything that is counted: a million would take minutes, and decide nothing
APPLICATIONS = 1_000


@dataclass(frozen=True, slots=True)
class Reach:
    """The blast radius of a change. Signed access tokens are not counted: nobody keeps a list of them.

    With `least`, counting ended early: there are this many, or more.
    """

    consents: int = 0
    users: int = 0
    tokens: int = 0
    least: bool = False

    @property
    def any(self) -> bool:
        return bool(self.consents or self.tokens or self.least)


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
    c, tally = ConsentRow, _Tally()
    conditions: list[Any] = [c.expires_at.is_null() | (c.expires_at > now)]
    for column, ids in ((c.client, clients), (c.user, users)):
        if isinstance(ids, Select):
            await tally.count(ids)
        if ids is not None:
            conditions.append(column.is_in(ids))
    if sources:
        granting = _granting(sources, resource, scope)
        if clients is None and users is None:
            await tally.count(granting)
            conditions.append(c.id.is_in(granting))
        else:  # the first of these alone would have little in common with the first of those
            theirs = WhereRaw("credenza_consent_permission.consent = credenza_consent.id")
            conditions.append(WhereRaw("EXISTS ({})", granting.where(theirs).querystrings[0]))
    if choice:
        conditions.append(c.context.like(contains(f"={choice}")))
    found = tally.up_to(MANY, await c.select(c.user, c.client).where(*conditions).limit(MANY + 1))
    if sources:
        clients = tally.up_to(APPLICATIONS, sorted({row["client"] for row in found}))
    tokens = 0 if clients == [] else await _count_tokens(tally, now, clients, users, choice)
    return Reach(len(found), len({row["user"] for row in found}), tokens, tally.least)


async def count_open(user_id: str, now: int) -> tuple[int, Reach]:
    """How many sessions of a user are alive (the newest hundred are counted), and what else hangs on the user."""
    return len(await list_sessions(user_id, now)), await count_reach(now, users=[user_id])


class _Tally:
    """What was counted together: `least` when there was more of anything than is counted."""

    least = False

    async def count(self, query: Select[Any]) -> int:
        """How many rows there are. As a part of a larger query it has no more than that from here on."""
        found = await count_up_to(MANY, query)
        query.limit(MANY)
        self.least |= found > MANY
        return min(found, MANY)

    def up_to(self, limit: int, found: list[Item]) -> list[Item]:
        self.least |= len(found) > limit
        return found[:limit]


def _granting(sources: Sequence[str], resource: str | None, scope: str) -> Select[Any]:
    p = ConsentPermissionRow
    query = p.select(p.consent).where(p.source.is_in(list(sources)) & p.granted.eq(True))
    query = query.where(p.resource == resource) if resource is not None else query
    return query.where(p.scope == scope) if scope else query


async def _count_tokens(tally: _Tally, now: int, clients: Ids | None, users: Ids | None, choice: str) -> int:
    t, r, g = AccessTokenRow, RefreshTokenRow, GrantRow
    grants = g.select(g.id).where(g.revoked_at.is_null())
    access = t.select(t.digest).where((t.expires_at > now) & t.revoked_at.is_null())
    if clients is not None:
        grants, access = grants.where(g.client.is_in(clients)), access.where(t.client.is_in(clients))
    if users is not None:
        grants = grants.where(g.user.is_in(users))
        access = access.where(t.grant.is_in(grants))
    if choice:
        grants = grants.where(g.details.like(contains(f'"{choice}"')))
        access = access.where(t.context.like(contains(f"={choice}")))
    await tally.count(grants)
    refresh = r.select(r.digest).where((r.expires_at > now) & r.spent_at.is_null() & r.grant.is_in(grants))
    return await tally.count(access) + await tally.count(refresh)
