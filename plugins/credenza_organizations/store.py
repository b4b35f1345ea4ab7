"""Reading and writing organizations, for scopes, console, account page and desired-state file alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from piccolo.columns.combination import WhereRaw
from piccolo.query import Select
from piccolo.query.functions import Count, Lower

from credenza import (
    AuthorizationServer,
    Branding,
    Statement,
    Translated,
    branding,
    bump_version,
    clients,
    forget_permissions,
    permission_catalogue,
    transaction,
)

from .tables import (
    Organization,
    OrganizationMember,
    OrganizationMemberRole,
    OrganizationPermission,
    OrganizationRole,
    OrganizationRolePermission,
)


@dataclass(frozen=True, slots=True)
class Membership:
    """A user in one organization."""

    id: str
    name: str
    description: str
    roles: tuple[str, ...]


def row_id(*parts: str) -> str:
    """A key made of what the row is about, so that the row can stand only once."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


_MEMBERSHIPS = Statement(
    "SELECT o.id, o.name, o.description, r.name AS role FROM credenza_organization_member m "
    "JOIN credenza_organization o ON o.id = m.organization "
    "LEFT JOIN credenza_organization_member_role mr ON mr.member = m.id "
    "LEFT JOIN credenza_organization_role r ON r.id = mr.role "
    'WHERE m."user" = {} AND o.suspended = {} ORDER BY o.name, o.id, r.name'
)


async def memberships(user_id: str, *, suspended: bool = False) -> list[Membership]:
    """Where a user is a member, by name, with the names of the roles there; one query.

    Organizations that are suspended count for nothing, and are listed only by themselves.
    """
    rows = await _MEMBERSHIPS.all(user_id, suspended)
    found: dict[str, Membership] = {}
    for row in rows:
        before = found.get(row["id"])
        roles = (*(before.roles if before else ()), *([row["role"]] if row["role"] else ()))
        found[row["id"]] = Membership(row["id"], row["name"], row["description"], roles)
    return list(found.values())


_PERMISSIONS_IN = Statement(
    "SELECT r.name AS role, p.resource, p.scope FROM credenza_organization_member m "
    "JOIN credenza_organization o ON o.id = m.organization "
    "JOIN credenza_organization_member_role mr ON mr.member = m.id "
    "JOIN credenza_organization_role r ON r.id = mr.role "
    "JOIN credenza_organization_role_permission p ON p.role = r.id WHERE m.id = {} AND o.suspended = {}"
)


async def permissions_in(organization: str, user_id: str) -> dict[tuple[str, str], str]:
    """What the member's roles carry: (resource or empty, scope) to the name of the role; one query."""
    rows = await _PERMISSIONS_IN.all(row_id(organization, user_id), False)
    return {(row["resource"], row["scope"]): row["role"] for row in rows}


async def organization_name(organization: str) -> str | None:
    row = await Organization.select(Organization.name).where(Organization.id == organization).first()
    return str(row["name"]) if row else None


async def organization_branding(organization: str) -> Branding | None:
    """None when the organization shows nothing of its own, or is suspended."""
    o = Organization
    row = await o.select(o.branding).where((o.id == organization) & o.suspended.eq(False)).first()
    said = json.loads(row["branding"]) if row else {}
    return Branding.load(said) if said else None


async def save_branding(organization: str, shown: Branding) -> None:
    said = {name: value for name, value in asdict(shown).items() if value}
    await edit_organization(organization, {"branding": json.dumps(said)})


async def save_organization(organization: str, values: Mapping[str, Any], now: int) -> None:
    o = Organization
    row = o(
        id=organization,
        name=values["name"],
        description=values["description"],
        suspended=values["suspended"],
        created_at=now,
    )
    changed: list[tuple[Any, Any]] = [
        (o.name, values["name"]),
        (o.description, values["description"]),
        (o.suspended, values["suspended"]),
    ]
    await o.insert(row).on_conflict(target=o.id, action="DO UPDATE", values=changed)


async def edit_organization(organization: str, values: Mapping[str, Any]) -> None:
    """Write these columns only: whatever else is changed meanwhile stays."""
    columns: dict[Any, Any] = dict(values)
    await Organization.update(columns).where(Organization.id == organization)


async def delete_organization(organization: str) -> None:
    """With its members and invitations, and what was drafted and published of its branding."""
    async with transaction():
        await Organization.delete().where(Organization.id == organization)
        await branding.forget_branding(f"organization {organization}")


async def add_member(organization: str, user_id: str, roles: Iterable[str], now: int) -> None:
    """Make the user a member with exactly these roles (ids)."""
    m, r = OrganizationMember, OrganizationMemberRole
    member = row_id(organization, user_id)
    async with transaction():
        row = m(id=member, organization=organization, user=user_id, joined_at=now)
        await m.insert(row).on_conflict(target=m.id, action="DO NOTHING")
        await r.delete().where(r.member == member)
        rows = [r(id=row_id(member, role), member=member, role=role) for role in dict.fromkeys(roles)]
        if rows:
            await r.insert(*rows)


async def remove_member(organization: str, user_id: str) -> bool:
    m = OrganizationMember
    return bool(await m.delete().where(m.id == row_id(organization, user_id)).returning(m.id))


async def members_of(organization: str, *, offset: int = 0, limit: int = 1_000_000) -> dict[str, list[str]]:
    """Ids of users to the names of their roles."""
    m, r = OrganizationMember, OrganizationMemberRole
    rows = await m.select(m.id, m.user).where(m.organization == organization).order_by(m.id).offset(offset).limit(limit)
    users = {row["id"]: row["user"] for row in rows}
    found: dict[str, list[str]] = {user: [] for user in users.values()}
    for row in await r.select(r.member, r.role.name).where(r.member.organization == organization):
        if row["member"] in users:
            found[users[row["member"]]].append(row["role.name"])
    return {user: sorted(names) for user, names in found.items()}


async def template_permissions() -> dict[str, Translated]:
    """Names to descriptions."""
    p = OrganizationPermission
    rows = await p.select().order_by(p.name)
    return {row["name"]: Translated.load(row["description"], row["translations"]) for row in rows}


async def template_roles() -> dict[str, dict[str, Any]]:
    """Names to `id`, `description`, `permissions` (names) and `api_permissions` (resource to names)."""
    r, p = OrganizationRole, OrganizationRolePermission
    roles: dict[str, dict[str, Any]] = {}
    by_id: dict[str, dict[str, Any]] = {}
    for row in await r.select().order_by(r.name):
        role: dict[str, Any] = {
            "id": row["id"],
            "description": row["description"],
            "permissions": [],
            "api_permissions": {},
        }
        roles[row["name"]] = by_id[row["id"]] = role
    for row in await p.select().order_by(p.resource).order_by(p.scope):
        role = by_id[row["role"]]
        if row["resource"]:
            role["api_permissions"].setdefault(row["resource"], []).append(row["scope"])
        else:
            role["permissions"].append(row["scope"])
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


async def delete_template_permission(server: AuthorizationServer, name: str) -> None:
    """Roles, applications and consents lose it."""
    p = OrganizationRolePermission
    async with transaction():
        await forget_permissions(server, "", name, source="organization")
        await OrganizationPermission.delete().where(OrganizationPermission.name == name)
        await p.delete().where((p.resource == "") & (p.scope == name))
        await bump_version()


async def forget_api_permissions(resource: str, scope: str) -> None:
    """Roles of the template lose what they carry of an API, or one of its permissions."""
    p = OrganizationRolePermission
    await p.delete().where(p.resource == resource, *([p.scope == scope] if scope else []))


async def save_template_role(
    role_id: str, name: str, description: str, permissions: Iterable[str], api_permissions: Mapping[str, Iterable[str]]
) -> None:
    """Write a role of the template with exactly these permissions."""
    r, p = OrganizationRole, OrganizationRolePermission
    pairs = [("", scope) for scope in permissions]
    pairs += [(resource, scope) for resource, scopes in api_permissions.items() for scope in scopes]
    async with transaction():
        row = r(id=role_id, name=name, description=description)
        await r.insert(row).on_conflict(
            target=r.id, action="DO UPDATE", values=[(r.name, name), (r.description, description)]
        )
        await p.delete().where(p.role == role_id)
        rows = [
            p(id=row_id(role_id, resource, scope), role=role_id, resource=resource, scope=scope)
            for resource, scope in pairs
        ]
        for start in range(0, len(rows), 100):
            await p.insert(*rows[start : start + 100])
        await bump_version()


async def delete_template_role(role_id: str) -> None:
    async with transaction():
        await OrganizationRole.delete().where(OrganizationRole.id == role_id)
        await bump_version()


# -- for the console --------------------------------------------------------------------------------------------------


async def find_organization(organization: str) -> dict[str, Any] | None:
    row = await Organization.select().where(Organization.id == organization).first()
    return dict(row) if row else None


async def list_organizations(
    *, search: str = "", order: str = "name", descending: bool = False, offset: int = 0, limit: int = 25
) -> list[dict[str, Any]]:
    """Each with the number of its `members`."""
    o, m = Organization, OrganizationMember
    column = o.created_at if order == "created_at" else o.name
    query = o.select().where(_called(search)).order_by(column, ascending=not descending)
    rows = [dict(row) for row in await query.order_by(o.id).offset(offset).limit(limit)]
    counts = (
        await m.select(m.organization, Count())
        .where(m.organization.is_in([row["id"] for row in rows] or [""]))
        .group_by(m.organization)
    )
    members = {row["organization"]: row["count"] for row in counts}
    return [{**row, "members": members.get(row["id"], 0)} for row in rows]


async def count_organizations(*, search: str = "") -> int:
    return int(await Organization.count().where(_called(search)))


async def search_organizations(words: str, *, limit: int) -> list[tuple[str, str]]:
    """Ids and names of those that are called so, or have this id."""
    o = Organization
    rows = (
        await o.select(o.id, o.name)
        .where(WhereRaw("{}", _called(words)) | (o.id == words))
        .order_by(o.name, o.id)
        .limit(limit)
    )
    return [(row["id"], row["name"]) for row in rows]


async def search_template_roles(words: str, *, limit: int) -> list[tuple[str, str]]:
    """Ids and names."""
    r = OrganizationRole
    called = Lower(r.name).like(clients.contains(words.lower()))
    return [
        (row["id"], row["name"]) for row in await r.select(r.id, r.name).where(called).order_by(r.name).limit(limit)
    ]


async def search_template_permissions(words: str, *, limit: int) -> list[str]:
    p = OrganizationPermission
    called = Lower(p.name).like(clients.contains(words.lower()))
    return [row["name"] for row in await p.select(p.name).where(called).order_by(p.name).limit(limit)]


def _called(search: str) -> Any:
    return Lower(Organization.name).like(clients.contains(search.lower()))


async def list_members(
    organization: str, *, search: str = "", descending: bool = False, offset: int = 0, limit: int = 25
) -> dict[str, tuple[int, list[str]]]:
    """Ids of users, by their names, to when they joined and the names of their roles."""
    m, r = OrganizationMember, OrganizationMemberRole
    query = m.select(m.id, m.user, m.joined_at).where(_members(organization, search))
    rows = await query.order_by(m.user.username, ascending=not descending).offset(offset).limit(limit)
    found: dict[str, tuple[int, list[str]]] = {row["id"]: (row["joined_at"], []) for row in rows}
    held = r.select(r.member, r.role.name).where(r.member.is_in(list(found) or [""])).order_by(r.role.name)
    for row in await held:
        found[row["member"]][1].append(row["role.name"])
    return {row["user"]: found[row["id"]] for row in rows}


async def count_members(organization: str, *, search: str = "") -> int:
    return int(await OrganizationMember.count().where(_members(organization, search)))


def _members(organization: str, search: str) -> Any:
    m, pattern = OrganizationMember, clients.contains(search.lower())
    mine = m.organization == organization
    return mine & m.user.words.like(pattern) if search else mine


async def member_roles(organization: str, user_id: str) -> dict[str, str] | None:
    """Ids to names; None for who is no member."""
    m, r, member = OrganizationMember, OrganizationMemberRole, row_id(organization, user_id)
    if not await m.exists().where(m.id == member):
        return None
    return {row["role"]: row["role.name"] for row in await r.select(r.role, r.role.name).where(r.member == member)}


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
