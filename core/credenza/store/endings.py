"""Grants that have ended and are too many to be marked in one transaction, which nobody else could write beside.

A row here says in a moment what has ended, and tokens are refused from then on (`AuthorizationServer.has_ended`). The
grants are marked a little at a time afterwards, by whichever worker is there; then the row goes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from piccolo.columns import BigInt, ForeignKey, OnDelete, Text, Varchar
from piccolo.table import Table

from ..protocol.tokens import new_id
from .batches import batches
from .grants import Details, Grant, GrantRow
from .refresh_tokens import WITHOUT_REFRESH_TOKEN, RefreshTokenRow
from .user_rows import UserRow
from .version import bump_version

LARGE = 1000  # grants, which are marked in a tenth of a second
BATCH = 200
PAUSE = 0.05  # seconds, in which others write; nobody waits for this
ROUND = 5_000  # grants in memory
CLAIMED = 60  # seconds
SKEW = 10  # seconds that the clock of another machine may be behind


class EndingRow(Table, tablename="credenza_ending"):
    """`what` is JSON: sessions, or the client and the choices of one consent; where it is empty, all of the user's."""

    id = Varchar(length=40, primary_key=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    what = Text(default="{}")
    at = BigInt(default=0)
    claimed_until = BigInt(default=0)


class Ending(NamedTuple):
    id: str
    user_id: str
    at: int
    sessions: frozenset[str] = frozenset()
    client: str = ""
    choices: Mapping[str, str] = {}

    async def covers(self, grant: Grant) -> bool:
        if not grant.created_at:
            return False  # it begins when a code or a device is spent, and those that were there ended at once
        if self.sessions:
            r = RefreshTokenRow
            return grant.session_id in self.sessions and not await r.exists().where(r.grant == grant.id)
        if self.client and (grant.client_id != self.client or not grant.details.chose(self.choices)):
            return False
        return grant.created_at < self.at - SKEW

    def conditions(self) -> list[Any]:
        """Of the grants that are not marked yet; those of a consent are to be looked at, too."""
        g = GrantRow
        if self.sessions:
            # There is a refresh token only where access was granted while the user is away. Back-Channel Logout §2.7.
            return [
                g.session.is_in(ids) & g.revoked_at.is_null() & WITHOUT_REFRESH_TOKEN
                for ids in batches(sorted(self.sessions))
            ]
        old = (g.user == self.user_id) & (g.created_at < self.at - SKEW) & g.revoked_at.is_null()
        return [old & (g.client == self.client) if self.client else old]


async def are_many(*conditions: Any) -> bool:
    """Whether there are more grants of which one of these is true than can be marked at once."""
    found = 0
    for condition in conditions:
        found += len(await GrantRow.select(GrantRow.id).where(condition).limit(LARGE + 1 - found))
        if found > LARGE:
            return True
    return False


async def begin_ending(user_id: str, now: int, **what: Any) -> None:
    """Call it in the transaction that ends them."""
    r = EndingRow
    if not what:
        await r.delete().where(r.user == user_id)  # this is more
    # Nobody marks them in the first minute: what is ended so that it can be deleted goes in that time.
    await r.insert(r(id=new_id(), user=user_id, what=json.dumps(what), at=now, claimed_until=now + CLAIMED))
    await bump_version()


async def list_young(user_id: str, now: int) -> list[str]:
    """Grants that are to be marked by whoever begins an ending: one that begins afterwards may look as old as these."""
    g = GrantRow
    rows = await g.select(g.id, g.user).where(g.created_at >= now - SKEW)  # by the index that finds few
    return [row["id"] for row in rows if row["user"] == user_id]


async def list_endings() -> dict[str, list[Ending]]:
    """By user."""
    found: dict[str, list[Ending]] = {}
    for row in await EndingRow.select():
        found.setdefault(row["user"], []).append(_ending(row))
    return found


async def claim_ending(now: int) -> Ending | None:
    """One that no other worker has in hand."""
    r = EndingRow
    # Nobody claims one for longer: that was a clock which has been set back.
    free = (r.claimed_until <= now) | (r.claimed_until > now + CLAIMED + SKEW)
    for row in await r.select().where(free).order_by(r.at).limit(10):
        if await _claim(row["id"], now, free):
            return _ending(row)
    return None


async def mark_ended(ending: Ending, now: Callable[[], int]) -> None:
    """Mark each grant, a little at a time; if it stops in the middle, whoever claims it next goes on."""
    g, r = GrantRow, EndingRow
    columns = (g.id, g.details) if ending.client else (g.id,)
    for condition in ending.conditions():
        last = ""
        while rows := await g.select(*columns).where(condition & (g.id > last)).order_by(g.id).limit(ROUND):
            last = rows[-1]["id"]
            if not await _claim(ending.id, now()):
                return  # the user was deleted, or more has ended
            ended = [
                row["id"] for row in rows if not ending.client or Details.load(row["details"]).chose(ending.choices)
            ]
            for batch in batches(ended, BATCH):
                await g.update({g.revoked_at: ending.at}).where(g.id.is_in(batch) & g.revoked_at.is_null())
                await asyncio.sleep(PAUSE)
    await r.delete().where(r.id == ending.id)
    await bump_version()


async def _claim(key: str, now: int, *conditions: Any) -> bool:
    r = EndingRow
    return bool(await r.update({r.claimed_until: now + CLAIMED}).where(r.id == key, *conditions).returning(r.id))


def _ending(row: Mapping[str, Any]) -> Ending:
    what = json.loads(row["what"])
    sessions = frozenset(what.get("sessions", ()))
    return Ending(row["id"], row["user"], row["at"], sessions, what.get("client", ""), what.get("choices", {}))
