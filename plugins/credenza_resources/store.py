"""Reading and writing APIs and roles, for the console and the desired-state file alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from piccolo.query import Select
from piccolo.query.functions import Lower

from credenza import (
    AuthorizationServer,
    Statement,
    Translated,
    bump_version,
    clear,
    clear_permissions,
    forget_permissions,
    forms_of,
    lists,
    transaction,
    users,
)

from .tables import ApiPermission, ApiResource, ClientRole, Role, RolePermission, UserRole, row_id


async def insert_resource(identifier: str, name: str, description: str, now: int) -> bool:
    """A new API; of several who create one of this identifier at once, one is told true."""
    r = ApiResource
    row = r(identifier=identifier, name=name, description=description, created_at=now)
    return bool(await r.insert(row).on_conflict(action="DO NOTHING").returning(r.identifier))


async def save_resource(identifier: str, name: Translated, description: str, token_lifetime: int, now: int) -> None:
    r = ApiResource
    row = r(
        identifier=identifier,
        name=str(name),
        name_translations=name.stored,
        description=description,
        token_lifetime=token_lifetime,
        created_at=now,
    )
    await r.insert(row).on_conflict(
        target=r.identifier,
        action="DO UPDATE",
        values=[
            (r.name, str(name)),
            (r.name_translations, name.stored),
            (r.description, description),
            (r.token_lifetime, token_lifetime),
        ],
    )


async def edit_resource(identifier: str, values: Mapping[str, Any]) -> None:
    """Write these columns only."""
    columns: dict[Any, Any] = dict(values)
    if columns:
        await ApiResource.update(columns).where(ApiResource.identifier == identifier)


async def insert_permission(identifier: str, name: str, description: Translated) -> bool:
    """A new permission of an API; of several who add one of this name at once, one is told true."""
    p = ApiPermission
    text, translations = str(description), description.stored
    row = p(id=row_id(identifier, name), resource=identifier, name=name, description=text, translations=translations)
    return bool(await p.insert(row).on_conflict(action="DO NOTHING").returning(p.id))


async def save_permission(identifier: str, name: str, description: Translated) -> None:
    p = ApiPermission
    text, translations = str(description), description.stored
    row = p(id=row_id(identifier, name), resource=identifier, name=name, description=text, translations=translations)
    values = [(p.description, text), (p.translations, translations)]
    await p.insert(row).on_conflict(target=p.id, action="DO UPDATE", values=values)


async def resource_permissions(identifier: str) -> dict[str, Translated]:
    """Names to descriptions."""
    p = ApiPermission
    rows = await p.select(p.name, p.description, p.translations).where(p.resource == identifier).order_by(p.name)
    return {row["name"]: Translated.load(row["description"], row["translations"]) for row in rows}


# Fixed: a file that declares a million users asks for them twice for each, and an export once for each.
_USER_ROLES = Statement(
    'SELECT r.id, r.name FROM credenza_user_role AS u JOIN credenza_role AS r ON r.id = u.role WHERE u."user" = {}'
)
_CLIENT_ROLES = Statement(
    "SELECT r.id, r.name FROM credenza_client_role AS c JOIN credenza_role AS r ON r.id = c.role WHERE c.client = {}"
)
_ROLE_CALLED = Statement("SELECT id FROM credenza_role WHERE name = {}")
_DEFAULT_ROLES = Statement('SELECT name FROM credenza_role WHERE "default"')


async def list_roles() -> list[dict[str, Any]]:
    r = Role
    return [dict(row) for row in await r.select().order_by(Lower(r.name), r.name)]


async def role_ids(names: Iterable[str]) -> dict[str, str]:
    """The roles that there are of these names, in whatever form: names as they are kept to ids."""
    ids = dict[str, str]()
    for name in names:
        for form in forms_of(name):
            if (row := await _ROLE_CALLED.first(form)) is not None:
                ids[form] = str(row["id"])
                break
    return ids


async def save_role(role_id: str, name: str, description: str, default: bool, now: int) -> None:
    r = Role
    row = r(id=role_id, name=name, description=description, default=default, created_at=now)
    await r.insert(row).on_conflict(
        target=r.id, action="DO UPDATE", values=[(r.name, name), (r.description, description), (r.default, default)]
    )


async def edit_role(role_id: str, values: Mapping[str, Any]) -> None:
    """Write these columns only."""
    columns: dict[Any, Any] = dict(values)
    if columns:
        await Role.update(columns).where(Role.id == role_id)


async def role_permissions(role_id: str) -> dict[str, list[str]]:
    """Identifiers of APIs to names of permissions."""
    r = RolePermission
    found: dict[str, list[str]] = {}
    for row in await r.select(r.permission.resource, r.permission.name).where(r.role == role_id):
        found.setdefault(row["permission.resource"], []).append(row["permission.name"])
    return {resource: sorted(names) for resource, names in sorted(found.items())}


async def set_role_permissions(role_id: str, permissions: Mapping[str, Iterable[str]]) -> None:
    r = RolePermission
    wanted = [row_id(resource, name) for resource, names in permissions.items() for name in names]
    async with transaction():
        await r.delete().where(r.role == role_id)
        rows = [r(id=row_id(role_id, permission), role=role_id, permission=permission) for permission in wanted]
        for start in range(0, len(rows), 100):
            await r.insert(*rows[start : start + 100])
        await bump_version()


async def user_roles(user_id: str) -> dict[str, str]:
    """Ids to names."""
    return {row["id"]: row["name"] for row in await _USER_ROLES.all(user_id)}


async def default_roles() -> set[str]:
    """The names of those that whoever is new gets."""
    return {row["name"] for row in await _DEFAULT_ROLES.all()}


async def set_user_roles(user_id: str, roles: Iterable[str]) -> None:
    async with transaction():
        await UserRole.delete().where(UserRole.user == user_id)
        rows = [UserRole(id=row_id(user_id, role), user=user_id, role=role) for role in roles]
        if rows:
            await UserRole.insert(*rows)


async def client_roles(client_id: str) -> dict[str, str]:
    """Names to ids."""
    return {row["name"]: row["id"] for row in await _CLIENT_ROLES.all(client_id)}


async def set_client_roles(client_id: str, roles: Iterable[str]) -> None:
    async with transaction():
        await ClientRole.delete().where(ClientRole.client == client_id)
        rows = [ClientRole(id=row_id(client_id, role), client=client_id, role=role) for role in roles]
        if rows:
            await ClientRole.insert(*rows)
        await bump_version()


# -- for the console --------------------------------------------------------------------------------------------------


async def find_resource(identifier: str) -> dict[str, Any] | None:
    row = await ApiResource.select().where(ApiResource.identifier == identifier).first()
    return dict(row) if row else None


async def list_apis() -> list[tuple[str, str, dict[str, str]]]:
    """Every API: identifier, name, and its permissions' names to descriptions."""
    p = ApiPermission
    permissions: dict[str, dict[str, str]] = {}
    for row in await p.select(p.resource, p.name, p.description).order_by(p.name):
        permissions.setdefault(row["resource"], {})[row["name"]] = row["description"]
    a = ApiResource
    apis = await a.select(a.identifier, a.name).order_by(Lower(a.name), a.identifier)
    return [(row["identifier"], row["name"], permissions.get(row["identifier"], {})) for row in apis]


async def search_resources(words: str, *, limit: int) -> list[tuple[str, str]]:
    """Identifiers and names of the APIs that are called so, or have a permission that is."""
    r, p = ApiResource, ApiPermission
    having = p.select(p.resource).where(lists.called(words, p.name))
    either = lists.called(words, r.name, r.identifier) | r.identifier.is_in(having)
    rows = await r.select(r.identifier, r.name).where(either).order_by(Lower(r.name), r.identifier).limit(limit)
    return [(row["identifier"], row["name"]) for row in rows]


async def clear_api(
    server: AuthorizationServer, note: Callable[[], Awaitable[None]], identifier: str, *names: str
) -> None:
    """Before an API or some of its permissions are deleted, as `clear_permissions` says; `note` writes it down."""
    p, r = ApiPermission, RolePermission
    gone = p.select(p.id).where(p.resource == identifier, *([p.name.is_in(list(names))] if names else []))

    async def withdraw() -> None:
        await r.delete().where(r.permission.is_in(gone))
        await note()

    await clear_permissions(server, withdraw, identifier, *names)


async def delete_resource(server: AuthorizationServer, identifier: str) -> bool:
    """With its permissions; roles, applications and consents lose them. Whether it was there."""
    r = ApiResource
    async with transaction():
        await forget_permissions(server, identifier)
        rows = await r.delete().where(r.identifier == identifier).returning(r.identifier)
        await bump_version()
    return bool(rows)


async def delete_permission(server: AuthorizationServer, identifier: str, name: str) -> bool:
    """Whether it was there."""
    p = ApiPermission
    async with transaction():
        await forget_permissions(server, identifier, name)
        rows = await p.delete().where((p.resource == identifier) & (p.name == name)).returning(p.id)
        await bump_version()
    return bool(rows)


async def count_roles_with(identifier: str, name: str = "") -> int:
    """How many roles hold some permission of an API, or one of them."""
    r = RolePermission
    query = r.select(r.role).distinct().where(r.permission.resource == identifier)
    return len(await (query.where(r.permission.name == name) if name else query))


async def list_roles_with(identifier: str, *, limit: int) -> list[tuple[str, str]]:
    """Roles that hold some permission of an API, by name: ids and names."""
    r, p = Role, RolePermission
    holding_some = r.id.is_in(p.select(p.role).where(p.permission.resource == identifier))
    rows = await r.select(r.id, r.name).where(holding_some).order_by(Lower(r.name), r.name).limit(limit)
    return [(row["id"], row["name"]) for row in rows]


async def find_role(role_id: str) -> dict[str, Any] | None:
    row = await Role.select().where(Role.id == role_id).first()
    return dict(row) if row else None


async def search_roles(words: str, *, limit: int) -> list[tuple[str, str]]:
    """Ids and names of the roles that are called so."""
    r = Role
    query = r.select(r.id, r.name).where(lists.called(words, r.name)).order_by(Lower(r.name), r.name).limit(limit)
    return [(row["id"], row["name"]) for row in await query]


async def clear_role(row: Mapping[str, Any], note: Callable[[], Awaitable[None]]) -> None:
    """Before a role is deleted: it gives nothing any more, and then its holders lose it; `clear` says how."""

    async def withdraw() -> None:
        async with transaction():
            await edit_role(row["id"], {"default": False})
            await set_role_permissions(row["id"], {})
            await note()

    await clear(withdraw, UserRole.role == row["id"])


async def delete_role(role_id: str) -> bool:
    """Whether it was there."""
    async with transaction():
        rows = await Role.delete().where(Role.id == role_id).returning(Role.id)
        await bump_version()
    return bool(rows)


async def count_role_permissions() -> dict[str, int]:
    """By role; roles without any are left out."""
    rows = await RolePermission.raw("SELECT role, COUNT(*) AS n FROM credenza_role_permission GROUP BY role")
    return {row["role"]: int(row["n"]) for row in rows}


async def count_role_users() -> dict[str, int]:
    """By role; roles without any are left out."""
    rows = await UserRole.raw("SELECT role, COUNT(*) AS n FROM credenza_user_role GROUP BY role")
    return {row["role"]: int(row["n"]) for row in rows}


async def count_holders(role_id: str) -> tuple[int, int]:
    """How many users and how many services hold a role."""
    users = await UserRole.count().where(UserRole.role == role_id)
    return int(users), int(await ClientRole.count().where(ClientRole.role == role_id))


async def list_holders(
    role_id: str, *, search: str = "", descending: bool = False, offset: int = 0, limit: int = 25
) -> list[tuple[str, str, str]]:
    """Users who hold a role, by user name: ids, user names and email addresses."""
    among = await users.among(UserRole.user, UserRole.role == role_id)
    found = await users.list_users(search=search, among=among, descending=descending, offset=offset, limit=limit)
    return [(user.id, user.username, user.email or "") for user in found]


async def count_role_holders(role_id: str, *, search: str = "") -> int:
    return await users.count_among(UserRole.user, UserRole.role == role_id, search=search)


async def list_services(role_id: str) -> list[tuple[str, str]]:
    """Applications that act for themselves and hold a role: ids and names."""
    c = ClientRole.client
    rows = await ClientRole.select(c, c.name).where(ClientRole.role == role_id).order_by(Lower(c.name)).limit(100)
    return [(row["client"], row["client.name"]) for row in rows]


def holding(role_id: str) -> Select[Any]:
    """The ids of the users who hold a role, as a part of a larger query."""
    return UserRole.select(UserRole.user).where(UserRole.role == role_id)


async def give_default_roles(user_id: str) -> None:
    """To somebody new."""
    defaults = [row["id"] for row in await list_roles() if row["default"]]
    if defaults and not await user_roles(user_id):
        await set_user_roles(user_id, defaults)
