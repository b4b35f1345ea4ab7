"""The organization template in the database: the permissions and roles that every organization has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from piccolo.query import Select
from piccolo.query.functions import Lower

from credenza import (
    AuthorizationServer,
    Translated,
    bump_version,
    forget_permissions,
    lists,
    permission_catalogue,
    transaction,
)

from .tables import (
    OrganizationMemberRole,
    OrganizationPermission,
    OrganizationRole,
    OrganizationRolePermission,
    row_id,
)


async def template_permissions() -> dict[str, Translated]:
    """Names to descriptions."""
    p = OrganizationPermission
    rows = await p.select().order_by(Lower(p.name), p.name)
    return {row["name"]: Translated.load(row["description"], row["translations"]) for row in rows}


async def template_roles() -> dict[str, dict[str, Any]]:
    """Names to `id`, `description`, `permissions` (names) and `api_permissions` (resource to names)."""
    r, p = OrganizationRole, OrganizationRolePermission
    roles: dict[str, dict[str, Any]] = {}
    by_id: dict[str, dict[str, Any]] = {}
    for row in await r.select().order_by(Lower(r.name), r.name):
        role: dict[str, Any] = {
            "id": row["id"],
            "description": row["description"],
            "permissions": [],
            "api_permissions": {},
        }
        roles[row["name"]] = by_id[row["id"]] = role
    for row in await p.select().order_by(p.resource).order_by(p.scope):
        if (carrying := by_id.get(row["role"])) is None:
            continue  # of a role that was made since the roles were read
        if row["resource"]:
            carrying["api_permissions"].setdefault(row["resource"], []).append(row["scope"])
        else:
            carrying["permissions"].append(row["scope"])
    return roles


async def check_permission_name(server: AuthorizationServer, name: str) -> None:
    """Raise ValueError, with a sentence, unless the template may call a permission this. RFC 6749 §3.3.

    A scope of the provider itself would come with it whenever an application asks for the permission.
    """
    if not 1 <= len(name) <= 255:
        raise ValueError("a permission's name has 1 to 255 characters")
    if any(not 0x21 <= ord(c) <= 0x7E or c in '"\\' for c in name):
        raise ValueError(f"{name!r}: a permission's name has no spaces, quotes, backslashes or letters beyond ASCII")
    known = await permission_catalogue(server)
    if any((p.resource, p.scope) == ("", name) and p.source != "organization" for p in known):
        raise ValueError(
            f"{name!r} is a scope of the provider itself; name the permission for the organization, like members:read"
        )


async def insert_template_permission(name: str, description: Translated) -> bool:
    """A new permission of the template; of several who add one of this name at once, one is told true."""
    p = OrganizationPermission
    row = p(name=name, description=str(description), translations=description.stored)
    inserted = bool(await p.insert(row).on_conflict(action="DO NOTHING").returning(p.name))
    if inserted:
        await bump_version()
    return inserted


async def save_template_permission(name: str, description: Translated) -> None:
    p = OrganizationPermission
    text, translations = str(description), description.stored
    values = [(p.description, text), (p.translations, translations)]
    row = p(name=name, description=text, translations=translations)
    await p.insert(row).on_conflict(target=p.name, action="DO UPDATE", values=values)
    await bump_version()


async def delete_template_permission(server: AuthorizationServer, name: str) -> bool:
    """Roles, applications and consents lose it. Whether it was there."""
    o, p = OrganizationPermission, OrganizationRolePermission
    async with transaction():
        await forget_permissions(server, "", name, source="organization")
        rows = await o.delete().where(o.name == name).returning(o.name)
        await p.delete().where((p.resource == "") & (p.scope == name))
        await bump_version()
    return bool(rows)


async def forget_api_permissions(resource: str, scope: str) -> None:
    """Roles of the template lose what they carry of an API, or one of its permissions."""
    p = OrganizationRolePermission
    await p.delete().where(p.resource == resource, *([p.scope == scope] if scope else []))


async def save_template_role(
    role_id: str,
    name: str,
    description: str | None = None,
    permissions: Iterable[str] | None = None,
    api_permissions: Mapping[str, Iterable[str]] | None = None,
) -> None:
    """Write a role of the template with exactly these permissions; what is not given stays."""
    r, p = OrganizationRole, OrganizationRolePermission
    pairs = [("", scope) for scope in permissions or ()]
    pairs += [(resource, scope) for resource, scopes in (api_permissions or {}).items() for scope in scopes]
    async with transaction():
        row = r(id=role_id, name=name, description=description or "")
        values: list[tuple[Any, Any]] = [(r.name, name)]
        values += [(r.description, description)] if description is not None else []
        await r.insert(row).on_conflict(target=r.id, action="DO UPDATE", values=values)
        if permissions is not None:
            await p.delete().where((p.role == role_id) & (p.resource == ""))
        if api_permissions is not None:
            await p.delete().where((p.role == role_id) & (p.resource != ""))
        rows = [
            p(id=row_id(role_id, resource, scope), role=role_id, resource=resource, scope=scope)
            for resource, scope in pairs
        ]
        for start in range(0, len(rows), 100):
            await p.insert(*rows[start : start + 100])
        await bump_version()


async def delete_template_role(role_id: str) -> bool:
    """Whether it was there."""
    r = OrganizationRole
    async with transaction():
        rows = await r.delete().where(r.id == role_id).returning(r.id)
        await bump_version()
    return bool(rows)


async def search_template_roles(words: str, *, limit: int) -> list[tuple[str, str]]:
    """Ids and names."""
    r = OrganizationRole
    query = r.select(r.id, r.name).where(lists.called(words, r.name)).order_by(Lower(r.name), r.name).limit(limit)
    return [(row["id"], row["name"]) for row in await query]


async def search_template_permissions(words: str, *, limit: int) -> list[str]:
    p = OrganizationPermission
    query = p.select(p.name).where(lists.called(words, p.name)).order_by(Lower(p.name), p.name).limit(limit)
    return [row["name"] for row in await query]


async def count_role_members(role_id: str) -> tuple[int, int]:
    """How many members hold a role of the template, in how many organizations."""
    r = OrganizationMemberRole
    rows = await r.select(r.member.organization).where(r.role == role_id)
    return len(rows), len({row["member.organization"] for row in rows})


async def count_members_with(name: str) -> int:
    """How many members hold a permission of the template."""
    r, p = OrganizationMemberRole, OrganizationRolePermission
    carrying = p.select(p.role).where((p.resource == "") & (p.scope == name))
    return int(await r.count(distinct=[r.member]).where(r.role.is_in(carrying)))


def holding(role_id: str) -> Select[Any]:
    """The ids of the users who hold a role of the template somewhere, as a part of a larger query."""
    r = OrganizationMemberRole
    return r.select(r.member.user).where(r.role == role_id)
