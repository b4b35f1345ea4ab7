"""Grants that have ended and are too many to be marked in one transaction, which nobody else could write beside.

A row here says in a moment what has ended, and tokens are refused from then on (`AuthorizationServer.has_ended`). The
grants are marked a little at a time afterwards, by whichever worker is there; then the row goes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from piccolo.columns import BigInt, ForeignKey, OnDelete, Text, Varchar
from piccolo.columns.combination import WhereRaw
from piccolo.table import Table

from ..protocol.tokens import new_id
from .grants import Grant, GrantRow
from .users import UserRow
from .version import bump_version

LARGE = 1000  # grants, which are marked in a tenth of a second
BATCH = 200
PAUSE = 0.05  # seconds, in which others write; nobody waits for this
ROUND = 20_000  # keys in memory
CLAIMED = 60  # seconds
# There is a refresh token only where access was granted while the user is away. Back-Channel Logout §2.7.
_ENDS_WITH_SESSION = (
    'NOT EXISTS (SELECT 1 FROM credenza_refresh_token WHERE credenza_refresh_token."grant" = credenza_grant.id)'
)


class EndingRow(Table, tablename="credenza_ending"):
    """`sessions` is a list in JSON; an empty one is everything of the user's that began before `at`."""

    id = Varchar(length=40, primary_key=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    sessions = Text(default="[]")
    at = BigInt(default=0)
    claimed_until = BigInt(default=0)


class Ending(NamedTuple):
    id: str
    user_id: str
    sessions: frozenset[str]
    at: int

    def covers(self, grant: Grant) -> bool:
        """What asked for access while the user is away stays with its session's end until it is looked at closely."""
        if self.sessions:
            return grant.session_id in self.sessions and "offline_access" not in grant.details.scopes
        return 0 < grant.created_at < self.at  # that of a device which fetches it only now has not begun

    def conditions(self) -> list[Any]:
        """Of the grants that are not marked yet."""
        g = GrantRow
        if not self.sessions:
            return [(g.user == self.user_id) & (g.created_at < self.at) & g.revoked_at.is_null()]
        return [
            g.session.is_in(ids) & g.revoked_at.is_null() & WhereRaw(_ENDS_WITH_SESSION)
            for ids in batches(sorted(self.sessions))
        ]


def batches(keys: Iterable[str], size: int = 500) -> list[list[str]]:
    """A statement takes only so many parameters."""
    rest = list(keys)
    return [rest[start : start + size] for start in range(0, len(rest), size)]


async def are_many(*conditions: Any) -> bool:
    """Whether there are more grants of which one of these is true than can be marked at once."""
    found = 0
    for condition in conditions:
        found += len(await GrantRow.select(GrantRow.id).where(condition).limit(LARGE + 1 - found))
        if found > LARGE:
            return True
    return False


async def begin_ending(user_id: str, sessions: Sequence[str], now: int) -> None:
    """Call it in the transaction that ends them."""
    r = EndingRow
    if not sessions:
        await r.delete().where(r.user == user_id)  # this is more
    listed = json.dumps(list(sessions))
    # Nobody marks them in the first minute: what is ended so that it can be deleted goes in that time.
    await r.insert(r(id=new_id(), user=user_id, sessions=listed, at=now, claimed_until=now + CLAIMED))
    await bump_version()


async def list_endings() -> dict[str, list[Ending]]:
    """By user."""
    found: dict[str, list[Ending]] = {}
    for row in await EndingRow.select():
        found.setdefault(row["user"], []).append(_ending(row))
    return found


async def claim_ending(now: int) -> Ending | None:
    """One that no other worker has in hand."""
    r = EndingRow
    for row in await r.select().where(r.claimed_until <= now).order_by(r.at).limit(10):
        if await _claim(row["id"], now, (r.claimed_until <= now)):
            return _ending(row)
    return None


async def mark_ended(ending: Ending, now: Callable[[], int]) -> None:
    """Mark each grant, a little at a time; if it stops in the middle, whoever claims it next goes on."""
    g, r = GrantRow, EndingRow
    for condition in ending.conditions():
        while ids := [row["id"] for row in await g.select(g.id).where(condition).limit(ROUND)]:
            if not await _claim(ending.id, now()):
                return  # the user was deleted
            for batch in batches(ids, BATCH):
                await g.update({g.revoked_at: ending.at}).where(g.id.is_in(batch) & g.revoked_at.is_null())
                await asyncio.sleep(PAUSE)
    await r.delete().where(r.id == ending.id)
    await bump_version()


async def _claim(key: str, now: int, *conditions: Any) -> bool:
    r = EndingRow
    return bool(await r.update({r.claimed_until: now + CLAIMED}).where(r.id == key, *conditions).returning(r.id))


def _ending(row: Mapping[str, Any]) -> Ending:
    return Ending(row["id"], row["user"], frozenset(json.loads(row["sessions"])), row["at"])
