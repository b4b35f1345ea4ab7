"""The end of grants: of one, of a user's, of a client's, of a session's, of what hangs on one consent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .access_tokens import AccessTokenRow
from .authorization_codes import AuthorizationCodeRow
from .batches import batches
from .device_authorizations import APPROVED, DeviceAuthorizationRow
from .endings import are_many, begin_ending, list_young
from .engine import database
from .grants import Details, GrantRow
from .pushed_requests import PushedRequestRow
from .refresh_tokens import RefreshTokenRow
from .sessions import InteractionRow, SessionRow
from .user_rows import InvitationRow


async def revoke_grant(grant_id: str, now: int) -> bool:
    """End every token of the grant."""
    g = GrantRow
    return bool(
        await g.update({g.revoked_at: now}).where((g.id == grant_id) & (g.revoked_at.is_null())).returning(g.id)
    )


async def revoke_grants(
    now: int, *, user_id: str | None = None, client_id: str | None = None, session_ids: list[str] | None = None
) -> int:
    """End the grants of a user, of a client, of both together, or of sessions; codes not yet used die as well.

    Of a user's that are very many the most are marked later, and not counted; see `endings.py`.
    """
    g, c = GrantRow, AuthorizationCodeRow
    grant_conditions: list[Any] = [g.revoked_at.is_null()]
    code_conditions: list[Any] = [c.spent_at.is_null()]
    if user_id is not None:
        grant_conditions.append(g.user == user_id)
        code_conditions.append(c.user == user_id)
    if client_id is not None:
        grant_conditions.append(g.client == client_id)
        code_conditions.append(c.client == client_id)
    if session_ids is not None:
        grant_conditions.append(g.session.is_in(session_ids or [""]))
        code_conditions.append(c.session.is_in(session_ids or [""]))
    if len(grant_conditions) == 1:
        raise ValueError("say whose grants")
    async with database().transaction():
        # The codes first: that waits for whoever is exchanging one, and then there is a grant of it to end.
        await c.update({c.spent_at: now}).where(*code_conditions)
        if session_ids is None:
            await _forget_devices(user_id, client_id)
        if user_id is not None and client_id is None and session_ids is None and await are_many(g.user == user_id):
            await begin_ending(user_id, now)
            grant_conditions.append(g.id.is_in(await list_young(user_id, now) or [""]))
        rows = await g.update({g.revoked_at: now}).where(*grant_conditions).returning(g.id)
    return len(rows)


async def revoke_everything(now: int) -> dict[str, int]:
    """End every session, grant and token, and what was begun and not finished: nobody is signed in any more."""
    g, c, t = GrantRow, AuthorizationCodeRow, AccessTokenRow
    live: list[tuple[str, Any, Any, Any]] = [
        # The codes first: that waits for whoever is exchanging one, and then there is a grant of it to end.
        ("codes", c, c.spent_at, c.spent_at.is_null()),
        ("grants", g, g.revoked_at, g.revoked_at.is_null()),
        ("access_tokens", t, t.revoked_at, t.revoked_at.is_null() & (t.expires_at > now)),
    ]
    async with database().transaction():
        ended = {"sessions": int(await SessionRow.count())}
        await SessionRow.delete(force=True)
        for what, table, column, condition in live:
            ended[what] = int(await table.count().where(condition))  # of millions a row each would not fit into memory
            await table.update({column: now}).where(condition)
        for unfinished in (InteractionRow, PushedRequestRow, DeviceAuthorizationRow, InvitationRow):
            await unfinished.delete(force=True)
    return ended


async def revoke_consented_grants(user_id: str, client_id: str, choices: Mapping[str, str], now: int) -> int:
    """End what hangs on one consent: the user's grants to the client with these answers, and codes not yet used, those
    of devices as well.

    Of very many the most are marked later, and not counted; see `endings.py`.
    """
    g, c, d = GrantRow, AuthorizationCodeRow, DeviceAuthorizationRow
    async with database().transaction():
        devices = await d.select(d.digest, d.details).where((d.user == user_id) & (d.client == client_id))
        for digests in batches(row["digest"] for row in devices if Details.load(row["details"]).chose(choices)):
            await d.delete().where(d.digest.is_in(digests))
        # The codes first: that waits for whoever is exchanging one, and then there is a grant of it to end.
        codes = await c.select(c.digest, c.details).where(
            (c.user == user_id) & (c.client == client_id) & c.spent_at.is_null()
        )
        for digests in batches(row["digest"] for row in codes if Details.load(row["details"]).chose(choices)):
            await c.update({c.spent_at: now}).where(c.digest.is_in(digests) & c.spent_at.is_null())
        theirs = (g.user == user_id) & (g.client == client_id)
        live = theirs & g.revoked_at.is_null()
        if await are_many(theirs):
            await begin_ending(user_id, now, client=client_id, choices=dict(choices))
            live = live & g.id.is_in(await list_young(user_id, now) or [""])
        found = await g.select(g.id, g.details).where(live)
        ended = [row["id"] for row in found if Details.load(row["details"]).chose(choices)]
        for ids in batches(ended):
            await g.update({g.revoked_at: now}).where(g.id.is_in(ids))
    return len(ended)


async def list_session_clients(session_ids: list[str]) -> list[tuple[str, str]]:
    """Pairs of a session and a client that the user signed in to during it, whatever became of the tokens."""
    g = GrantRow
    pairs: dict[tuple[str, str], None] = {}
    for ids in batches(session_ids):
        rows = await g.select(g.session, g.client).distinct().where(g.session.is_in(ids))
        pairs |= dict.fromkeys((row["session"], row["client"]) for row in rows)
    return list(pairs)


async def end_session_grants(user_id: str, session_ids: list[str], now: int) -> None:
    """End what was granted in these sessions, but for access while the user is away. Back-Channel Logout §2.7."""
    async with database().transaction():
        await _end_codes_of(user_id, session_ids, now)
        if await are_many(*(GrantRow.session.is_in(ids) for ids in batches(session_ids))):
            await begin_ending(user_id, now, sessions=session_ids)
            return
        for ids in batches(session_ids):
            await _end_grants_of(ids, now)


async def _end_codes_of(user_id: str, session_ids: list[str], now: int) -> None:
    """By the user: no index of theirs has the session, and there may be very many of both."""
    c, d = AuthorizationCodeRow, DeviceAuthorizationRow
    codes = await c.select(c.digest, c.session).where((c.user == user_id) & c.spent_at.is_null())
    # What no device has fetched yet, likewise; that waits for one that is fetching, and then there is a grant.
    waiting = (d.user == user_id) & (d.state == APPROVED) & d.offline.eq(False)
    devices = await d.select(d.digest, d.session).where(waiting)
    ended = set(session_ids)
    for digests in batches(row["digest"] for row in codes if row["session"] in ended):
        await c.update({c.spent_at: now}).where(c.digest.is_in(digests) & c.spent_at.is_null())
    for digests in batches(row["digest"] for row in devices if row["session"] in ended):
        await d.delete().where(d.digest.is_in(digests))


async def _end_grants_of(session_ids: list[str], now: int) -> None:
    g, r = GrantRow, RefreshTokenRow
    found = await g.select(g.id).where(g.session.is_in(session_ids) & g.revoked_at.is_null())
    for grants in batches(row["id"] for row in found):
        # There is a refresh token only where such access was granted, whatever was asked for.
        stay = {row["grant"] for row in await r.select(r.grant).where(r.grant.is_in(grants))}
        if ended := [grant for grant in grants if grant not in stay]:
            await g.update({g.revoked_at: now}).where(g.id.is_in(ended))


async def revoke_access_token(digest: str, now: int) -> bool:
    t = AccessTokenRow
    return bool(
        await t.update({t.revoked_at: now}).where((t.digest == digest) & (t.revoked_at.is_null())).returning(t.digest)
    )


async def _forget_devices(user_id: str | None, client_id: str | None) -> None:
    """What was approved and no device has fetched yet dies with the rest of what was granted."""
    r = DeviceAuthorizationRow
    conditions = [] if user_id is None else [r.user == user_id]
    conditions += [] if client_id is None else [r.client == client_id]
    await r.delete().where(*conditions)
