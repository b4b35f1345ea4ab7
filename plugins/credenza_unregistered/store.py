"""Reading and writing registrations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from piccolo.query import Select

from credenza import ClientRow, bump_version, digest_secret, lists, transaction

from .tables import Registration

MOST_UNUSED = 10_000  # clients that never got a token; more of them push out the oldest
REPEATED = 600  # seconds in which an identical registration is the same one
UNUSED = 30 * 24 * 3600
BATCH = 200


@dataclass(frozen=True, slots=True)
class Registered:
    """A row to be written. `token` is the registration access token itself, of which only the hash is stored."""

    client_id: str
    host: str = ""
    token: str = ""
    declared: str = ""
    address: str = ""


async def insert_registration(registered: Registered, now: int) -> None:
    await Registration.insert(
        Registration(
            id=_key(registered.client_id),
            client=registered.client_id,
            token=digest_secret(registered.token) if registered.token else "",
            declared=registered.declared,
            address=registered.address,
            host=registered.host,
            registered_at=now,
        )
    )


async def move_host(client_id: str, host: str, *, doubted: bool) -> None:
    """A client that changed may stand for another host; what was decided about a `doubted` one has to be again."""
    r = Registration
    values: dict[Any, Any] = {r.host: host, **({r.decided_at: 0} if doubted else {})}
    await r.update(values).where(r.id == _key(client_id))


def _key(client_id: str) -> str:
    return hashlib.sha256(client_id.encode()).hexdigest()[:40]


def owner_of_logo(client_id: str) -> str:
    """Under which a copy of the client's logo is kept, until it has another one or is gone."""
    return _key(client_id)


async def find_repeat(declared: str, address: str, now: int) -> str | None:
    """The client that said the same from the same place a few minutes ago."""
    r = Registration
    row = (
        await r.select(r.client)
        .where((r.declared == declared) & (r.address == address) & (r.registered_at > now - REPEATED))
        .order_by(r.registered_at)
        .first()
    )
    return str(row["client"]) if row else None


async def may_manage(client_id: str, token: str) -> bool:
    """Whether this is the registration access token of that client."""
    r = Registration
    return bool(token) and await r.exists().where((r.id == _key(client_id)) & (r.token == digest_secret(token)))


async def replace_token(client_id: str, old: str, new: str) -> bool:
    """Exchange the registration access token; one of many parallel callers is told true."""
    r = Registration
    rows = (
        await r.update({r.token: digest_secret(new), r.declared: ""})
        .where((r.id == _key(client_id)) & (r.token == digest_secret(old)))
        .returning(r.id)
    )
    return bool(rows)


async def hold_enabled(client_id: str, now: int) -> bool:
    """Hold the client until the transaction ends; false when an administrator disabled it, or it is gone."""
    c = ClientRow
    return bool(await c.update({c.updated_at: now}).where((c.id == client_id) & c.enabled.eq(True)).returning(c.id))


async def spend_token(client_id: str, token: str) -> bool:
    """Take the registration, once."""
    r = Registration
    rows = await r.delete().where((r.id == _key(client_id)) & (r.token == digest_secret(token))).returning(r.id)
    return bool(rows)


async def make_room(now: int) -> None:
    """Whoever registers without ever coming back only pushes out the oldest of their kind, after an hour."""
    counted = await Registration.raw(f"SELECT count(*) AS unused {_UNUSED}", True)
    excess = int(counted[0]["unused"]) - MOST_UNUSED
    if excess > 0:
        rows = await Registration.raw(
            f"SELECT r.client {_UNUSED} AND r.registered_at < {{}} ORDER BY r.registered_at LIMIT {{}}",
            True,
            now - 3600,
            min(excess, BATCH),
        )
        await _delete_clients([row["client"] for row in rows])


# A client that an administrator disabled stays: it is how it is kept out.
_UNUSED = (
    "FROM credenza_registration r JOIN credenza_client c ON c.id = r.client "
    "WHERE c.last_used_at IS NULL AND c.enabled = {}"
)


async def delete_unused(now: int) -> int:
    """Delete a batch of clients that nobody used for a month, and that hold no live refresh token."""
    before = now - UNUSED
    rows = await Registration.raw(
        "SELECT r.client FROM credenza_registration r JOIN credenza_client c ON c.id = r.client "
        "WHERE r.registered_at < {} AND (c.last_used_at IS NULL OR c.last_used_at < {}) AND c.enabled = {} "
        'AND NOT EXISTS (SELECT 1 FROM credenza_refresh_token t JOIN credenza_grant g ON g.id = t."grant" '
        "WHERE g.client = c.id AND g.revoked_at IS NULL AND t.spent_at IS NULL AND t.expires_at > {} "
        "AND t.idle_expires_at > {}) LIMIT {}",
        before,
        before,
        True,
        now,
        now,
        BATCH,
    )
    return await _delete_clients([row["client"] for row in rows])


async def delete_logos(now: int) -> int:
    """Delete a batch of copies of logos whose client is gone, or was never registered after all."""
    return len(await Registration.raw(_LEFT, BATCH, now - 3600))


# An index is enough to see which these are; the rows themselves are large.
_LEFT = (
    "DELETE FROM credenza_image WHERE id IN (SELECT i.id FROM credenza_image i WHERE i.id > 'x' AND NOT EXISTS "
    "(SELECT 1 FROM credenza_registration r WHERE r.id = SUBSTR(i.id, 2, 40)) LIMIT {}) AND created_at < {} "
    "RETURNING id"
)


async def _delete_clients(client_ids: list[str]) -> int:
    """Their secrets, consents, codes and tokens go with them."""
    if not client_ids:
        return 0
    async with transaction():
        await ClientRow.delete().where(ClientRow.id.is_in(client_ids))
        await bump_version()
    return len(client_ids)


# -- for the console --------------------------------------------------------------------------------------------------

_GROUPED = (
    "SELECT r.host, COUNT(*) AS n, MIN(c.name) AS one, MAX(c.name) AS other, MIN(r.registered_at) AS first_at, "
    "MAX(c.last_used_at) AS used_at FROM credenza_registration r JOIN credenza_client c ON c.id = r.client"
)
# Read from two indexes: what clients are called is asked of the hosts of one page only.
_WAITING = (
    "r.decided_at = 0 AND r.client NOT IN (SELECT id FROM credenza_client WHERE NOT enabled) "
    "AND NOT EXISTS (SELECT 1 FROM credenza_unregistered_host h WHERE h.host = r.host)"
)
_SOUGHT = "(r.host LIKE {} OR r.client IN (SELECT id FROM credenza_client WHERE LOWER(name) LIKE {}))"
_HOSTS = f"SELECT r.host FROM credenza_registration r WHERE {_WAITING}"  # noqa: S608  # fixed, as all of these
_NEWEST = "GROUP BY r.host ORDER BY MIN(r.registered_at) DESC, r.host LIMIT {} OFFSET {}"
_COUNTED = f"SELECT COUNT(DISTINCT r.host) AS n FROM credenza_registration r WHERE {_WAITING}"  # noqa: S608
AT_ONCE = 50
_OF_HOSTS = f"{_GROUPED} WHERE r.host IN ({', '.join(['{}'] * AT_ONCE)})"
_EACH = "GROUP BY r.host"


@dataclass(frozen=True, slots=True)
class HostRow:
    """The clients of one host, together: how many, two of their names, and when they came and were used."""

    host: str
    count: int
    names: tuple[str, ...]
    first_at: int
    used_at: int | None


async def list_waiting(*, search: str, offset: int, limit: int) -> tuple[list[HostRow], int]:
    """Hosts about which nobody decided yet, newest first, and how many there are; `limit` is at most AT_ONCE."""
    if search.strip():
        sought = [lists.contains(search.lower())] * 2
        rows = await Registration.raw(f"{_HOSTS} AND {_SOUGHT} {_NEWEST}", *sought, limit, offset)
        counted = await Registration.raw(f"{_COUNTED} AND {_SOUGHT}", *sought)
        hosts = [row["host"] for row in rows]
        found = await Registration.raw(f"{_OF_HOSTS} AND {_WAITING} AND {_SOUGHT} {_EACH}", *_filled(hosts), *sought)
    else:
        rows = await Registration.raw(f"{_HOSTS} {_NEWEST}", limit, offset)
        counted = await Registration.raw(_COUNTED)
        hosts = [row["host"] for row in rows]
        found = await Registration.raw(f"{_OF_HOSTS} AND {_WAITING} {_EACH}", *_filled(hosts))
    by_host = {row["host"]: _host_row(row) for row in found}
    return [by_host[host] for host in hosts if host in by_host], int(counted[0]["n"])


async def summarize(hosts: list[str]) -> dict[str, HostRow]:
    """The clients of each of these hosts; hosts without any are left out."""
    found: dict[str, HostRow] = {}
    for start in range(0, len(hosts), AT_ONCE):
        rows = await Registration.raw(f"{_OF_HOSTS} {_EACH}", *_filled(hosts[start : start + AT_ONCE]))
        found |= {row["host"]: _host_row(row) for row in rows}
    return found


def _filled(hosts: list[str]) -> list[str]:
    """With "~", which is no host; the empty one is that of clients without any."""
    return [*hosts, *["~"] * (AT_ONCE - len(hosts))]


def _host_row(row: dict[str, Any]) -> HostRow:
    names = tuple(dict.fromkeys((row["one"], row["other"])))
    return HostRow(row["host"], int(row["n"]), names, int(row["first_at"]), row["used_at"])


async def list_of_host(host: str, *, offset: int, limit: int) -> list[tuple[str, int]]:
    """Clients that a host stands for, newest first: ids, and when somebody decided about this one alone (or 0)."""
    r = Registration
    query = r.select(r.client, r.decided_at).where(r.host == host).order_by(r.registered_at, ascending=False)
    return [(row["client"], row["decided_at"]) for row in await query.order_by(r.id).offset(offset).limit(limit)]


def under_host(host: str) -> Select[Any]:
    """The ids of the clients that a block of the host ends, see `hosts.blocking`, as a part of a larger query.

    One too many where something else is decided about a port of the host.
    """
    r, c = Registration, ClientRow
    there = [c.redirect_uris.like(lists.contains(f'"https://{host}{end}')) for end in ':/?"']
    there.append(c.id.like(lists.contains(f"https://{host}:")))
    return r.select(r.client).where((r.host == host) | r.client.is_in(c.select(c.id).where(reduce(or_, there))))


async def count_under_host(host: str) -> int:
    return int(await ClientRow.count().where(ClientRow.id.is_in(under_host(host))))


async def find_registration(client_id: str) -> dict[str, Any] | None:
    row = await Registration.select().where(Registration.id == _key(client_id)).first()
    return dict(row) if row else None


async def mark_decided(client_id: str, at: int) -> bool:
    """An administrator decided about this client alone, or with 0 takes it back; whether it was not so before."""
    r = Registration
    other = (r.id == _key(client_id)) & ((r.decided_at == 0) if at else (r.decided_at != 0))
    return bool(await r.update({r.decided_at: at}).where(other).returning(r.id))
