"""Reading and writing providers, links and what is on its way. Accounts are found by issuer and subject only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from credenza import AuthorizationServer, Statement, delete_batch, digest_secret, transaction

from .tables import LinkRow, StateRow, UpstreamRow

LIFETIME = 600  # seconds that a sign-in elsewhere may take
SCOPE = "openid email profile"
SHOWN = ("title", "issuer", "client_id", "scope", "enabled", "create_users")
MOST = 10  # that one browser may have on their way, in as many tabs
_ENABLED = Statement(  # each sign-in page shows them
    "SELECT id, title, issuer, client_id, secret, scope, enabled, create_users, created_at FROM credenza_upstream "
    "WHERE enabled = {} ORDER BY title, id"
)


@dataclass(frozen=True, slots=True)
class Upstream:
    id: str
    title: str
    issuer: str
    client_id: str
    secret: str
    """Encrypted; `secret_of` opens it."""
    scope: str
    enabled: bool
    create_users: bool
    created_at: int


@dataclass(frozen=True, slots=True)
class Link:
    id: str
    upstream: str
    user: str
    subject: str
    label: str
    added_at: int
    last_used_at: int | None


def shown(upstream: Upstream) -> dict[str, Any]:
    """What an administrator sees of one, in files and in the audit log: all but its secret."""
    return {name: getattr(upstream, name) for name in SHOWN}


def _place(upstream_id: str) -> str:
    return f"credenza_upstream/{upstream_id}/secret"


def secret_of(server: AuthorizationServer, upstream: Upstream) -> str:
    if not upstream.secret:
        return ""
    return server.keyring.decrypt(upstream.secret, place=_place(upstream.id)).decode()


def sealed_secret(server: AuthorizationServer, upstream_id: str, secret: str) -> str:
    return server.keyring.encrypt(secret.encode(), place=_place(upstream_id)) if secret else ""


async def list_upstreams(*, enabled: bool = False) -> list[Upstream]:
    u = UpstreamRow
    rows = await (_ENABLED.all(True) if enabled else u.select().order_by(u.title, u.id))
    return [Upstream(**row) for row in rows]


async def find_upstream(upstream_id: str) -> Upstream | None:
    row = await UpstreamRow.select().where(UpstreamRow.id == upstream_id).first()
    return Upstream(**row) if row else None


async def insert_upstream(upstream: Upstream) -> bool:
    """A new one; of several who add one of this name at once, one is told true."""
    u = UpstreamRow
    row = u(**{name: getattr(upstream, name) for name in Upstream.__slots__})
    return bool(await u.insert(row).on_conflict(action="DO NOTHING").returning(u.id))


async def save_upstream(upstream: Upstream) -> None:
    u = UpstreamRow
    values: dict[Any, Any] = {name: getattr(upstream, name) for name in Upstream.__slots__ if name != "id"}
    if not await u.update(values).where(u.id == upstream.id).returning(u.id):
        await u.insert(u(id=upstream.id, **values))


async def edit_upstream(upstream: Upstream, names: Iterable[str]) -> None:
    """Write these members only: whatever else is changed meanwhile stays."""
    values: dict[Any, Any] = {name: getattr(upstream, name) for name in names}
    await UpstreamRow.update(values).where(UpstreamRow.id == upstream.id)


async def delete_upstream(upstream_id: str) -> bool:
    return bool(await UpstreamRow.delete().where(UpstreamRow.id == upstream_id).returning(UpstreamRow.id))


async def count_links(upstream_id: str) -> int:
    return int(await LinkRow.count().where(LinkRow.upstream == upstream_id))


def link_id(issuer: str, subject: str) -> str:
    """Only `iss` and `sub` together name somebody, for ever. OpenID Connect Core §5.7."""
    return hashlib.sha256(json.dumps([issuer, subject]).encode()).hexdigest()


async def find_link(issuer: str, subject: str) -> Link | None:
    row = await LinkRow.select().where(LinkRow.id == link_id(issuer, subject)).first()
    return Link(**row) if row else None


async def list_links(user_id: str) -> list[Link]:
    r = LinkRow
    return [Link(**row) for row in await r.select().where(r.user == user_id).order_by(r.added_at, r.id)]


async def linked(user_id: str) -> list[tuple[Link, Upstream]]:
    """The links of a user, each with its provider."""
    known = {upstream.id: upstream for upstream in await list_upstreams()}
    return [(link, known[link.upstream]) for link in await list_links(user_id)]


async def insert_link(upstream: Upstream, user_id: str, subject: str, label: str, now: int) -> bool:
    """False when their account is linked to one of ours already."""
    r = LinkRow
    row = r(
        id=link_id(upstream.issuer, subject),
        upstream=upstream.id,
        user=user_id,
        subject=subject,
        label=label[:320],
        added_at=now,
    )
    return bool(await r.insert(row).on_conflict(action="DO NOTHING").returning(r.id))


async def touch_link(link: Link, now: int) -> None:
    await LinkRow.update({LinkRow.last_used_at: now}).where(LinkRow.id == link.id)


async def delete_link(user_id: str, key: str) -> bool:
    r = LinkRow
    return bool(await r.delete().where((r.id == key) & (r.user == user_id)).returning(r.id))


async def keep_state(
    server: AuthorizationServer, state: str, upstream: Upstream, browser: str, values: Mapping[str, str]
) -> None:
    """Whoever begins one after the other without ever coming back only pushes out their own oldest."""
    s, key, mine = StateRow, digest_secret(state), digest_secret(browser)
    sealed = server.keyring.encrypt(json.dumps(dict(values)).encode(), place=f"credenza_upstream_state/{key}/sealed")
    row = s(id=key, upstream=upstream.id, browser=mine, sealed=sealed, expires_at=server.now() + LIFETIME)
    async with transaction():
        others = s.select(s.id).where(s.browser == mine).order_by(s.expires_at, ascending=False)
        too_many = await others.offset(MOST - 1).limit(1000)
        if too_many:
            await s.delete().where(s.id.is_in([other["id"] for other in too_many]))
        await s.insert(row)


async def spend_state(server: AuthorizationServer, state: str, browser: str, upstream_id: str) -> dict[str, str] | None:
    """What was kept; once, in the browser that began it, and back from the provider it was sent to."""
    s, key = StateRow, digest_secret(state)
    mine = (s.id == key) & (s.browser == digest_secret(browser)) & (s.upstream == upstream_id)
    rows = await s.delete().where(mine & (s.expires_at > server.now())).returning(s.sealed)
    if not rows:
        return None
    opened = server.keyring.decrypt(rows[0]["sealed"], place=f"credenza_upstream_state/{key}/sealed")
    kept: dict[str, str] = json.loads(opened)
    return kept


async def clean_up(now: int) -> int:
    return await delete_batch(StateRow, StateRow.expires_at < now)
