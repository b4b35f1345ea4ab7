"""Organizations and their members, in the database: for scopes, console, account page and desired-state file alike."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from piccolo.query import Select
from piccolo.query.functions import Count, Lower

from credenza import Branding, Statement, User, branding, clear, lists, transaction, users

from .tables import Organization, OrganizationInvitation, OrganizationMember, OrganizationMemberRole, row_id


@dataclass(frozen=True, slots=True)
class Membership:
    """A user in one organization."""

    id: str
    name: str
    description: str
    roles: tuple[str, ...]


_OF_MEMBERS = (
    "SELECT o.id, o.name, o.description, r.name AS role FROM credenza_organization_member m "
    "JOIN credenza_organization o ON o.id = m.organization "
    "LEFT JOIN credenza_organization_member_role mr ON mr.member = m.id "
    "LEFT JOIN credenza_organization_role r ON r.id = mr.role "
)
_MEMBERSHIPS = Statement(
    f'{_OF_MEMBERS} WHERE m."user" = {{}} AND o.suspended = {{}} ORDER BY LOWER(o.name), o.id, r.name'
)
_MEMBERSHIP = Statement(f"{_OF_MEMBERS} WHERE m.id = {{}} AND o.suspended = {{}} ORDER BY r.name")


async def memberships(user_id: str, *, suspended: bool = False) -> list[Membership]:
    """Where a user is a member, by name, with the names of the roles there; one query.

    Organizations that are suspended count for nothing, and are listed only by themselves.
    """
    return _grouped(await _MEMBERSHIPS.all(user_id, suspended))


async def memberships_in(organization: str, user_id: str) -> list[Membership]:
    """`memberships` for one organization: of thousands nobody reads the others for a token."""
    return _grouped(await _MEMBERSHIP.all(row_id(organization, user_id), False))


def _grouped(rows: Iterable[Mapping[str, Any]]) -> list[Membership]:
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


async def insert_organization(organization: str, values: Mapping[str, Any], now: int) -> None:
    """`values` are name, description and suspended."""
    await Organization.insert(Organization(id=organization, created_at=now, **values))


async def edit_organization(organization: str, values: Mapping[str, Any]) -> None:
    """Write these columns only: whatever else is changed meanwhile stays."""
    columns: dict[Any, Any] = dict(values)
    await Organization.update(columns).where(Organization.id == organization)


async def switch_organization(organization: str, *, suspended: bool) -> bool:
    """Whether it was not so before."""
    o = Organization
    other = (o.id == organization) & o.suspended.eq(not suspended)
    return bool(await o.update({o.suspended: suspended}).where(other).returning(o.id))


async def clear_organization(organization: str, suspend: Callable[[], Awaitable[None]]) -> None:
    """Before it is deleted; `clear` says how."""
    m, i = OrganizationMember, OrganizationInvitation
    await clear(suspend, m.organization == organization, i.organization == organization)


async def delete_organization(organization: str) -> bool:
    """With its members and invitations, and what was drafted and published of its branding. Whether it was there."""
    o = Organization
    async with transaction():
        rows = await o.delete().where(o.id == organization).returning(o.id)
        await branding.forget_branding(f"organization {organization}")
    return bool(rows)


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


_MEMBERS = Statement(
    'SELECT m."user", u.username, r.name AS role FROM credenza_organization_member m '
    'JOIN credenza_user u ON u.id = m."user" '
    "LEFT JOIN credenza_organization_member_role mr ON mr.member = m.id "
    "LEFT JOIN credenza_organization_role r ON r.id = mr.role WHERE m.organization = {}"
)


async def members_of(organization: str, *, by: Literal["user", "username"] = "user") -> dict[str, list[str]]:
    """Ids of users, or their user names, to the names of their roles; one query."""
    found: dict[str, list[str]] = {}
    for row in await _MEMBERS.all(organization):
        found.setdefault(row[by], []).extend([row["role"]] if row["role"] else [])
    return {member: sorted(roles) for member, roles in found.items()}


async def find_organization(organization: str) -> dict[str, Any] | None:
    row = await Organization.select().where(Organization.id == organization).first()
    return dict(row) if row else None


async def list_organizations(
    *, search: str = "", order: str = "name", descending: bool = False, offset: int = 0, limit: int = 25
) -> list[dict[str, Any]]:
    """Each with the number of its `members`."""
    o, m = Organization, OrganizationMember
    column = o.created_at if order == "created_at" else Lower(o.name)
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
        await o.select(o.id, o.name).where(_called(words) | (o.id == words)).order_by(Lower(o.name), o.id).limit(limit)
    )
    return [(row["id"], row["name"]) for row in rows]


def _called(search: str) -> Any:
    return lists.called(search, Organization.name)


async def list_members(
    organization: str, *, search: str = "", descending: bool = False, offset: int = 0, limit: int = 25
) -> list[tuple[User, int, list[str]]]:
    """Users, by their names, when they joined and the names of their roles."""
    m, r = OrganizationMember, OrganizationMemberRole
    among = await users.among(m.user, m.organization == organization)
    listed = await users.list_users(search=search, among=among, descending=descending, offset=offset, limit=limit)
    ids = [row_id(organization, user.id) for user in listed] or [""]
    rows = {row["user"]: row for row in await m.select(m.id, m.user, m.joined_at).where(m.id.is_in(ids))}
    roles: dict[str, list[str]] = {row["id"]: [] for row in rows.values()}
    held = r.select(r.member, r.role.name).where(r.member.is_in(list(roles) or [""])).order_by(r.role.name)
    for row in await held:
        roles[row["member"]].append(row["role.name"])
    members = [(user, rows[user.id]) for user in listed if user.id in rows]
    return [(user, row["joined_at"], roles[row["id"]]) for user, row in members]


async def count_members(organization: str, *, search: str = "") -> int:
    m = OrganizationMember
    return await users.count_among(m.user, m.organization == organization, search=search)


def belonging(organization: str) -> Select[Any]:
    """The ids of its members, as a part of a larger query."""
    return OrganizationMember.select(OrganizationMember.user).where(OrganizationMember.organization == organization)


async def member_roles(organization: str, user_id: str) -> dict[str, str] | None:
    """Ids to names; None for who is no member."""
    m, r, member = OrganizationMember, OrganizationMemberRole, row_id(organization, user_id)
    if not await m.exists().where(m.id == member):
        return None
    return {row["role"]: row["role.name"] for row in await r.select(r.role, r.role.name).where(r.member == member)}
