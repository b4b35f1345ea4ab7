"""Sessions (one browser, signed in) and interactions (an authorization request that waits for its user)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from piccolo.columns import BigInt, ForeignKey, OnDelete, Text, Varchar
from piccolo.table import Table

from .batches import delete_batch, find_batch
from .engine import Statement, database
from .sealed import Sealed
from .statements import Insert, names, select
from .user_rows import UserRow
from .users import JOINED, User, hold_user, joined_user


class SessionRow(Table, tablename="credenza_session"):
    digest = Varchar(length=64, primary_key=True)
    id = Varchar(length=40, index=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    created_at = BigInt(default=0)
    authenticated_at = BigInt(default=0)
    last_seen_at = BigInt(default=0)
    expires_at = BigInt(default=0)
    amr = Varchar(length=100, default="")
    acr = Varchar(length=100, default="")
    address = Varchar(length=64, default="")
    user_agent = Varchar(length=300, default="")


class InteractionRow(Table, tablename="credenza_interaction"):
    digest = Varchar(length=64, primary_key=True)
    browser = Varchar(length=64)
    parameters = Text(default="")
    return_to = Sealed(default="")
    state = Text(default="{}")
    network = Varchar(length=64, default="")
    created_at = BigInt(default=0)
    expires_at = BigInt(default=0, index=True)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `id` is its public name (`sid`); `digest` the hash of what the cookie holds."""

    digest: str
    id: str
    user_id: str
    created_at: int
    authenticated_at: int
    last_seen_at: int
    expires_at: int
    amr: tuple[str, ...] = ()
    acr: str = ""
    address: str = ""
    user_agent: str = ""


@dataclass(slots=True)
class Interaction:
    """A question in progress: `parameters` is the request as it came (form-encoded), `return_to` a path of our own.

    `browser` is the hash of the cookie of the browser that began it, `network` where it came from. `state` is what the
    prompts have noted.
    """

    digest: str
    browser: str
    parameters: str
    return_to: str
    created_at: int
    expires_at: int
    state: dict[str, Any] = field(default_factory=dict)
    network: str = ""
    stored: str = field(default="", compare=False, repr=False)
    """What the database has of `state`."""


_SESSION = [(name, "user" if name == "user_id" else name) for name in Session.__slots__]


def _session(row: Mapping[str, Any]) -> Session:
    values = {name: row[column] for name, column in _SESSION}
    values["amr"] = tuple(values["amr"].split())
    return Session(**values)


async def insert_session(session: Session) -> None:
    values = {name: getattr(session, name) for name in Session.__slots__ if name != "user_id"}
    await SessionRow.insert(SessionRow(**{**values, "user": session.user_id, "amr": " ".join(session.amr)}))


_FIND = Statement(
    f'SELECT {names(SessionRow, "s")}, {JOINED} FROM credenza_session s JOIN credenza_user u ON u.id = s."user" '  # noqa: S608  # names of columns and tables
    "WHERE s.digest = {} AND s.expires_at > {} AND s.last_seen_at > {}"
)
_HOLD = Statement("SELECT digest FROM credenza_session WHERE digest = {}", locks=True)


async def find_session(digest: str, now: int, *, idle: int) -> tuple[Session, User] | None:
    """A live session and whose it is; `idle` is how many seconds it may rest."""
    row = await _FIND.first(digest, now, now - idle)
    return (_session(row), joined_user(row)) if row else None


async def touch_session(digest: str, now: int) -> None:
    await SessionRow.update({SessionRow.last_seen_at: now}).where(SessionRow.digest == digest)


async def hold_session(digest: str) -> bool:
    """Whether it is still there; it stays until the transaction ends, so that signing out waits for us or we for it."""
    return bool(await _HOLD.all(digest))


async def hold_signed_in(session: Session) -> bool:
    """Whether it and its user are still there; both stay until the transaction ends.

    The user first, as whoever suspends them does: else each would wait for the other.
    """
    return await hold_user(session.user_id) is not None and await hold_session(session.digest)


async def delete_session(digest: str) -> bool:
    """Whether it was still there; of two who end it, or go on with it, at the same moment one is told so."""
    return bool(await SessionRow.delete().where(SessionRow.digest == digest).returning(SessionRow.digest))


async def delete_user_session(user_id: str, session_id: str) -> bool:
    """End one session by its public name, if it is this user's."""
    s = SessionRow
    return bool(await s.delete().where((s.id == session_id) & (s.user == user_id)).returning(s.id))


async def delete_sessions(user_id: str, *, but: str = "", most: int | None = None) -> list[str]:
    """End a user's sessions, all but one if asked, or so many of them; returns their public names."""
    s = SessionRow
    theirs = (s.user == user_id) & (s.id != but)
    if most is None:
        return await _delete_sessions(theirs)
    while keys := await find_batch(s, theirs, most):
        if ended := await _delete_sessions(s.digest.is_in(keys) & theirs):
            return ended  # else somebody else has just ended all of these, and there may be others
    return []


async def _delete_sessions(condition: Any) -> list[str]:
    return [row["id"] for row in await SessionRow.delete().where(condition).returning(SessionRow.id)]


async def has_more_sessions(user_id: str, than: int) -> bool:
    s = SessionRow
    return bool(await s.select(s.digest).where(s.user == user_id).offset(than).limit(1))


async def list_sessions(user_id: str, now: int) -> list[Session]:
    """Those that have not expired, the last used first, a hundred at most."""
    s = SessionRow
    query = s.select().where((s.user == user_id) & (s.expires_at > now)).order_by(s.last_seen_at, ascending=False)
    return [_session(row) for row in await query.limit(100)]


# An interaction that a crash of the database forgets is begun again.
_INSERT_INTERACTION = Insert(InteractionRow, may_be_lost=True)
_FIND_INTERACTION = select(InteractionRow, "digest = {} AND expires_at > {}")
_UPDATE_INTERACTION = Statement(
    "UPDATE credenza_interaction SET state = {} WHERE digest = {} RETURNING digest", may_be_lost=True
)
# The newest of each network has place 1: whoever has very many loses the oldest of them before anybody else does.
_MAKE_ROOM = Statement(
    "DELETE FROM credenza_interaction WHERE digest IN (SELECT digest FROM (SELECT digest, expires_at, "
    "ROW_NUMBER() OVER (PARTITION BY network ORDER BY expires_at DESC) AS place FROM credenza_interaction) AS placed "
    "ORDER BY place DESC, expires_at LIMIT {}) RETURNING digest"
)
_SPEND_INTERACTION = Statement("DELETE FROM credenza_interaction WHERE digest = {} RETURNING digest")


async def insert_interaction(interaction: Interaction, *, most: int) -> None:
    """Keep at most so many: whoever asks without ever answering only pushes out their own, or else the oldest."""
    r = InteractionRow
    await _INSERT_INTERACTION(
        digest=interaction.digest,
        browser=interaction.browser,
        parameters=interaction.parameters,
        return_to=interaction.return_to,
        state=_dumped(interaction.state),
        network=interaction.network,
        created_at=interaction.created_at,
        expires_at=interaction.expires_at,
    )
    # Counting costs; one in 256 of the digests is random enough to do it for all.
    if interaction.digest.startswith("00"):
        async with database().transaction():
            await r.delete().where(r.expires_at <= interaction.created_at)
            excess = await r.count() - most
            if excess > 0:
                await _MAKE_ROOM.all(excess)


async def find_interaction(digest: str, now: int) -> Interaction | None:
    """None when it is unknown, finished or expired."""
    row = await _FIND_INTERACTION.first(digest, now)
    return Interaction(**{**row, "state": json.loads(row["state"])}, stored=row["state"]) if row else None


async def update_interaction(interaction: Interaction) -> None:
    """Write its state; to look at a page once more changes nothing."""
    text = _dumped(interaction.state)
    if text != interaction.stored:
        await _UPDATE_INTERACTION.all(text, interaction.digest)
        interaction.stored = text


def _dumped(state: Mapping[str, Any]) -> str:
    """What was begun and has nothing in it yet is left out."""
    return json.dumps({name: value for name, value in state.items() if value != {}})


async def spend_interaction(digest: str) -> bool:
    """Take it; only one caller is told true, so only one code comes out of it."""
    return bool(await _SPEND_INTERACTION.all(digest))


async def clean_up_sessions(now: int, *, batch: int = 500) -> int:
    """Delete a batch of expired sessions and interactions; returns how many."""
    interactions = await delete_batch(InteractionRow, InteractionRow.expires_at < now, batch=batch)
    return interactions + await delete_batch(SessionRow, SessionRow.expires_at < now, batch=batch)
