"""Clients, their secrets, and the permissions an administrator enabled on them."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, OnDelete, Text, Varchar
from piccolo.query.functions.string import Lower
from piccolo.table import Table

from ..protocol.clients import Branding, Client, ClientType, Secret
from ..protocol.scopes import Permission
from ..protocol.tokens import new_id
from .batches import batches, pages
from .branding import forget_branding
from .engine import Statement, database
from .lists import called, in_order
from .permission_rows import concerning
from .version import bump_version


class ClientRow(Table, tablename="credenza_client"):
    id = Varchar(length=255, primary_key=True)
    name = Varchar(length=200)
    description = Text(default="")
    type = Varchar(length=50)
    third_party = Boolean(default=True)
    enabled = Boolean(default=True)
    redirect_uris = Text(default="[]")
    post_logout_redirect_uris = Text(default="[]")
    cors_origins = Text(default="[]")
    grant_types = Text(default="[]")
    auth_method = Varchar(length=50)
    jwks = Text(default="{}")
    jwks_uri = Text(default="")
    require_pkce = Boolean(default=False)
    require_second_factor = Boolean(default=False)
    offline_access = Boolean(default=True)
    id_token_alg = Varchar(length=20, default="RS256")
    userinfo_alg = Varchar(length=20, default="")
    backchannel_logout_uri = Text(default="")
    access_token_lifetime = Integer(default=600)
    branding = Text(default="{}")
    metadata = Text(default="{}")
    created_at = BigInt(default=0)
    updated_at = BigInt(default=0)
    last_used_at = BigInt(null=True, default=None)


class ClientSecretRow(Table, tablename="credenza_client_secret"):
    id = Varchar(length=40, primary_key=True)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    name = Varchar(length=100)
    digest = Varchar(length=64)
    hint = Varchar(length=12, default="")
    created_at = BigInt(default=0)
    expires_at = BigInt(null=True, default=None)
    last_used_at = BigInt(null=True, default=None)


class ClientPermissionRow(Table, tablename="credenza_client_permission"):
    """What a client may ask for. Its key is made from the other columns, so it can stand here only once."""

    id = Varchar(length=40, primary_key=True)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    source = Varchar(length=50)
    resource = Varchar(length=1000, default="")
    scope = Varchar(length=255)
    required = Boolean(default=True)


_LISTS = ("redirect_uris", "post_logout_redirect_uris", "cors_origins", "grant_types")
_DERIVED = ("type", "secrets", "ceiling", "fingerprint", "trial_uri")
_PLAIN = tuple(f.name for f in fields(Client) if f.name not in (*_LISTS, *_DERIVED, "jwks", "branding", "metadata"))


_HOLD = Statement("SELECT id FROM credenza_client WHERE id = {}", locks=True)


def may_be_id(text: str) -> bool:
    """Whether a client can be called so; PostgreSQL holds no NUL."""
    return 0 < len(text) <= 255 and text.isprintable()


async def find_client(client_id: str, types: Mapping[str, ClientType]) -> Client | None:
    """The client with its secrets and its ceiling; None when there is none, or no plugin brings its type."""
    if not may_be_id(client_id):
        return None
    row = await ClientRow.select().where(ClientRow.id == client_id).first()
    if row is None or row["type"] not in types:
        return None
    secrets = await ClientSecretRow.select().where(ClientSecretRow.client == client_id)
    permissions = await ClientPermissionRow.select().where(ClientPermissionRow.client == client_id)
    return _client(row, types[row["type"]], secrets, permissions)


async def hold_client(client_id: str, types: Mapping[str, ClientType]) -> Client | None:
    """As `find_client`; nobody else changes its settings until the transaction ends."""
    await _HOLD.all(client_id)
    return await find_client(client_id, types)


async def every_client(types: Mapping[str, ClientType]) -> AsyncIterator[Client]:
    """By id, each once, as `find_client` finds it."""
    async for page in pages(ClientRow.id):
        ids = [row["id"] for row in page]
        secrets, permissions = await _by_client(ClientSecretRow, ids), await _by_client(ClientPermissionRow, ids)
        for row in page:
            if row["type"] in types:
                yield _client(row, types[row["type"]], secrets[row["id"]], permissions[row["id"]])


async def _by_client(table: type[ClientSecretRow | ClientPermissionRow], ids: list[str]) -> dict[str, list[Any]]:
    found = defaultdict(list)
    for row in await table.select().where(table.client.is_in(ids)):
        found[row["client"]].append(row)
    return found


def _client(
    row: Mapping[str, Any],
    kind: ClientType,
    secrets: Iterable[Mapping[str, Any]],
    permissions: Iterable[Mapping[str, Any]],
) -> Client:
    values: dict[str, Any] = {name: row[name] for name in _PLAIN}
    values |= {name: tuple(json.loads(row[name])) for name in _LISTS}
    # Whoever acts for itself is always held to what was enabled for it; people's rights are held by the people.
    limited = row["third_party"] or not kind.interactive
    ceiling = {Permission(p["source"], p["resource"], p["scope"]): bool(p["required"]) for p in permissions}
    client = Client(
        **values,
        type=kind,
        jwks=json.loads(row["jwks"]),
        metadata=json.loads(row["metadata"]),
        branding=Branding.load(json.loads(row["branding"])),
        secrets=tuple(Secret(s["id"], s["digest"], s["expires_at"]) for s in secrets),
        ceiling=ceiling if limited else None,
    )
    return replace(client, fingerprint=fingerprint(client))


def fingerprint(client: Client) -> str:
    """What a remembered consent was given to: changes here mean that it must be asked again."""
    # Not `display_name`: an unverified client's is its host, and the page shows the name that it chose as well.
    shown = [client.branding.display_name or client.name, client.branding.logo, client.branding.dark_logo]
    identity = [sorted(client.redirect_uris), client.jwks, client.jwks_uri, shown, client.metadata.get("logo_uri", "")]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]


def _columns(client: Client) -> dict[Any, Any]:
    values: dict[Any, Any] = {name: getattr(client, name) for name in _PLAIN}
    values |= {name: json.dumps(getattr(client, name)) for name in _LISTS}
    branding = {name: value for name, value in asdict(client.branding).items() if value}
    return values | {
        "type": client.type.name,
        "jwks": json.dumps(client.jwks),
        "metadata": json.dumps(client.metadata),
        "branding": json.dumps(branding),
    }


async def names_of_clients(ids: Iterable[str]) -> dict[str, str]:
    """By id, the names of those that there are by now; what was refused or deleted may be named somewhere still."""
    wanted = sorted(set(ids) - {""})
    rows = await ClientRow.select(ClientRow.id, ClientRow.name).where(ClientRow.id.is_in(wanted)) if wanted else []
    return {row["id"]: row["name"] for row in rows}


async def insert_client(client: Client, now: int) -> None:
    async with database().transaction():
        await ClientRow.insert(ClientRow(**{**_columns(client), "created_at": now, "updated_at": now}))
        await bump_version()


async def update_client(client: Client, now: int) -> None:
    """Write every setting; type and party were fixed at creation and stay as they are."""
    values = _columns(client)
    for fixed in ("id", "type", "third_party", "created_at"):
        del values[fixed]
    async with database().transaction():
        await ClientRow.update({**values, "updated_at": now}).where(ClientRow.id == client.id)
        await bump_version()


async def edit_client(client: Client, names: Iterable[str], now: int) -> None:
    """Write these members of the client only: whatever else is changed meanwhile stays."""
    columns = _columns(client)
    async with database().transaction():
        values: dict[Any, Any] = {name: columns[name] for name in names} | {"updated_at": now}
        await ClientRow.update(values).where(ClientRow.id == client.id)
        await bump_version()


async def switch_client(client_id: str, *, enabled: bool, now: int) -> bool:
    """From the next request on; whether it was not so before. What is disabled is refused."""
    c = ClientRow
    async with database().transaction():
        other = (c.id == client_id) & c.enabled.eq(not enabled)
        changed = await c.update({c.enabled: enabled, c.updated_at: now}).where(other).returning(c.id)
        await bump_version()
    return bool(changed)


async def delete_client(client_id: str) -> bool:
    """Remove the client; its secrets, permissions, consents, codes and tokens go with it."""
    async with database().transaction():
        rows = await ClientRow.delete().where(ClientRow.id == client_id).returning(ClientRow.id)
        await forget_branding(f"application {client_id}")
        await bump_version()
    return bool(rows)


async def list_clients(
    *,
    third_party: bool | None = None,
    search: str = "",
    kind: str = "",
    state: str = "",
    order: str = "name",
    descending: bool = False,
    offset: int = 0,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Rows for a list: id, name, description, type, third_party, enabled, created_at, last_used_at.

    `kind` is a type's name, `state` "active", "disabled" or "unused".
    """
    columns = [
        ClientRow.id,
        ClientRow.name,
        ClientRow.description,
        ClientRow.type,
        ClientRow.third_party,
        ClientRow.enabled,
        ClientRow.created_at,
        ClientRow.last_used_at,
    ]
    orders = {"created_at": ClientRow.created_at, "last_used_at": ClientRow.last_used_at}
    column = orders.get(order, Lower(ClientRow.name))
    query = in_order(ClientRow.select(*columns), column, descending=descending)
    if condition := _listed(third_party, search, kind, state):
        query = query.where(*condition)
    return [dict(row) for row in await query.offset(offset).limit(limit)]


STATES: dict[str, Any] = {
    "active": ClientRow.enabled.eq(True),
    "disabled": ClientRow.enabled.eq(False),
    "unused": ClientRow.last_used_at.is_null(),
}


async def count_clients(*, third_party: bool | None = None, search: str = "", kind: str = "", state: str = "") -> int:
    query = ClientRow.count()
    if condition := _listed(third_party, search, kind, state):
        query = query.where(*condition)
    return int(await query)


def _listed(third_party: bool | None, search: str, kind: str, state: str) -> list[Any]:
    conditions: list[Any] = [ClientRow.type == kind] if kind else []
    if state in STATES:
        conditions.append(STATES[state])
    if third_party is not None:
        conditions.append(ClientRow.third_party == third_party)
    if search:
        conditions.append(called(search, ClientRow.name, ClientRow.id))
    return conditions


async def list_client_types() -> list[str]:
    """The names of the types that applications have."""
    return [row["type"] for row in await ClientRow.select(ClientRow.type).distinct().order_by(ClientRow.type)]


async def list_permission_sources() -> list[str]:
    """The sources of what is enabled on applications."""
    p = ClientPermissionRow
    return [row["source"] for row in await p.select(p.source).distinct().order_by(p.source)]


async def count_clients_by_day(*, third_party: bool, since: int) -> dict[int, int]:
    """How many of these were created on each day (Unix time // 86400)."""
    rows = await ClientRow.raw(
        "SELECT created_at / 86400 AS day, COUNT(*) AS n FROM credenza_client "
        "WHERE third_party = {} AND created_at >= {} GROUP BY created_at / 86400",
        third_party,
        since,
    )
    return {int(row["day"]): int(row["n"]) for row in rows}


async def list_cors_origins() -> frozenset[str]:
    """Every origin that an enabled client registered."""
    query = ClientRow.select(ClientRow.cors_origins).where(
        ClientRow.enabled.eq(True) & (ClientRow.cors_origins != "[]")
    )
    return frozenset(origin for row in await query for origin in json.loads(row["cors_origins"]))


async def list_secrets(client_id: str) -> list[dict[str, Any]]:
    """Rows of id, name, hint, created_at, expires_at, last_used_at, newest first; never a digest."""
    c = ClientSecretRow
    query = c.select(c.id, c.name, c.hint, c.created_at, c.expires_at, c.last_used_at).where(c.client == client_id)
    return [dict(row) for row in await query.order_by(c.created_at, ascending=False)]


async def insert_secret(
    client_id: str, *, name: str, digest: str, hint: str, now: int, expires_at: int | None = None
) -> str:
    """Returns its id. `digest` is what `digest_secret` makes, `hint` is for people; times are Unix times."""
    secret_id = new_id()
    async with database().transaction():
        await ClientSecretRow.insert(
            ClientSecretRow(
                id=secret_id,
                client=client_id,
                name=name,
                digest=digest,
                hint=hint,
                created_at=now,
                expires_at=expires_at,
            )
        )
        await bump_version()
    return secret_id


async def delete_secret(client_id: str, secret_id: str) -> bool:
    """Whether it was there."""
    c = ClientSecretRow
    async with database().transaction():
        rows = await c.delete().where((c.id == secret_id) & (c.client == client_id)).returning(c.id)
        await bump_version()
    return bool(rows)


async def touch_client(client_id: str, secret_id: str | None, now: int) -> None:
    """Remember when it was last used, at most once a minute."""
    await ClientRow.update({ClientRow.last_used_at: now}).where(
        (ClientRow.id == client_id) & ((ClientRow.last_used_at.is_null()) | (ClientRow.last_used_at < now - 60))
    )
    if secret_id is not None:
        c = ClientSecretRow
        await c.update({c.last_used_at: now}).where(
            (c.id == secret_id) & ((c.last_used_at.is_null()) | (c.last_used_at < now - 60))
        )


async def save_permissions(client_id: str, permissions: Mapping[Permission, bool]) -> None:
    """Replace the ceiling."""
    async with database().transaction():
        await ClientPermissionRow.delete().where(ClientPermissionRow.client == client_id)
        rows = [_permission_row(client_id, permission, required) for permission, required in permissions.items()]
        for chunk in batches(rows, 100):
            await ClientPermissionRow.insert(*chunk)
        await bump_version()


def _permission_row(client_id: str, permission: Permission, required: bool) -> ClientPermissionRow:
    key = hashlib.sha256(f"{client_id}\0{permission.key}".encode()).hexdigest()[:40]
    return ClientPermissionRow(
        id=key,
        client=client_id,
        source=permission.source,
        resource=permission.resource,
        scope=permission.scope,
        required=required,
    )


async def forget_enabled(source: str, resource: str, scope: str) -> None:
    """Take something at a resource away from every client; an empty `source` or `scope` is each."""
    await ClientPermissionRow.delete().where(concerning(ClientPermissionRow, source, resource, scope))


async def count_enabling(source: str, resource: str, scope: str = "") -> int:
    """On how many clients something at a resource is enabled, or one scope of it; an empty `source` is each."""
    p = ClientPermissionRow
    return int(await p.count(distinct=[p.client]).where(concerning(p, source, resource, scope)))


async def list_enabling(resource: str, *, limit: int) -> list[tuple[str, str]]:
    """Clients on which something at a resource is enabled, by name: ids and names."""
    c, p = ClientRow, ClientPermissionRow
    enabling = c.id.is_in(p.select(p.client).where(p.resource == resource))
    rows = await c.select(c.id, c.name).where(enabling).order_by(Lower(c.name), c.id).limit(limit)
    return [(row["id"], row["name"]) for row in rows]
