"""The members of an organization and their roles there. Everybody is looked up through the organization."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsoleVisit,
    Link,
    Listing,
    Moment,
    Reach,
    User,
    alone,
    changed_meanwhile,
    console_get,
    console_post,
    count_reach,
    state_of,
    unchanged,
    users,
)

from .. import store
from .organization import (
    GONE,
    ONE,
    OrganizationView,
    RoleChoices,
    address_of,
    back_to,
    chosen_in,
    find,
    role_choices,
    tabs,
    wanted_roles,
)

ORDERS = ("username",)
MEMBERS = ONE + "/members"
MEMBER = MEMBERS + "/{user:str}"


@dataclass(frozen=True, slots=True)
class Row:
    user: str
    username: str
    name: str
    roles: tuple[str, ...]
    joined: Moment | None


@dataclass(kw_only=True)
class MemberList(OrganizationView):
    template: ClassVar[str] = "organizations/members.html"
    fragment: str = "table"
    listing: Listing
    rows: tuple[Row, ...]


@dataclass(kw_only=True)
class AddPage(OrganizationView, ConsoleForm):
    template: ClassVar[str] = "organizations/add_member.html"
    roles: RoleChoices


@dataclass(kw_only=True)
class MemberPage(OrganizationView, ConsoleForm):
    """`query` leads back to the page of the list that one came from."""

    template: ClassVar[str] = "organizations/member.html"
    user: User
    query: str
    roles: RoleChoices


@dataclass(kw_only=True)
class RemovePage(OrganizationView, ConsoleForm):
    """`query` leads back to the page of the list that one came from."""

    template: ClassVar[str] = "organizations/remove_member.html"
    user: User
    query: str
    roles: tuple[str, ...]
    touched: Reach


@console_get(MEMBERS, "organizations:read")
async def list_members(visit: ConsoleVisit, organization: str) -> MemberList:
    row = await find(organization)
    listing = Listing.of(visit, ORDERS)
    found = await store.list_members(
        row["id"],
        search=listing.search,
        descending=listing.descending,
        offset=listing.offset,
        limit=listing.size + 1,
    )
    return MemberList(
        title=row["name"],
        tabs=tabs(row, "Members"),
        organization=row,
        listing=await listing.counted(
            found, lambda: store.count_members(row["id"], search=listing.search), most=users.MANY
        ),
        rows=tuple(
            Row(user.id, user.username, user.display_name, tuple(roles), visit.moment(joined))
            for user, joined, roles in found[: listing.size]
        ),
    )


@console_get(MEMBERS + "/add", "organizations:write")
async def show_add(visit: ConsoleVisit, organization: str) -> AddPage:
    return await _add_page(await find(organization))


@console_post(MEMBERS + "/add", "organizations:write")
async def add(visit: ConsoleVisit, organization: str) -> ConsoleDone | AddPage:
    row = await find(organization)
    page = await _add_page(row)
    typed = visit.form.get("user", "").strip()
    wanted = wanted_roles(visit, page.roles)
    page.roles = chosen_in(page.roles, set(visit.form.all_values("role")))
    user = await users.find_user_by_identifier(typed)
    if user is None:
        return page.refused({"user": "Nobody has this username or email address."}, user=typed)
    if not user.answers_to(typed):
        message = f"Nobody has confirmed this email address. If you mean {user.username}, enter that username."
        return page.refused({"user": message}, user=typed)
    if await store.member_roles(row["id"], user.id) is not None:
        return page.refused({"user": f"{user.username} is a member already."}, user=typed)
    if wanted is None:
        return page.refused({"": GONE}, user=typed)
    async with unchanged(None, partial(store.member_roles, row["id"], user.id)):
        await store.add_member(row["id"], user.id, wanted, visit.server.now())
        await visit.changed(
            "member",
            "created",
            f"{user.username} of {row['name']}",
            user=user.id,
            after={"roles": sorted(wanted.values())},
        )
    return ConsoleDone(f"{page.address}/members", f"{user.username} was added.")


@console_get(MEMBER, "organizations:read")
async def show_member(visit: ConsoleVisit, organization: str, user: str) -> MemberPage:
    row = await find(organization)
    found, roles = await _find_member(row, user)
    return await _member_page(visit, row, found, roles, set(roles))


@console_post(MEMBER, "organizations:write")
async def save_member(visit: ConsoleVisit, organization: str, user: str) -> ConsoleDone | MemberPage:
    row = await find(organization)
    found, roles = await _find_member(row, user)
    page = await _member_page(visit, row, found, roles, set(visit.form.all_values("role")))
    wanted = wanted_roles(visit, page.roles)
    errors = changed_meanwhile(visit.form, sorted(roles), beside={"": GONE} if wanted is None else {})
    if wanted is None or errors:
        return page.refused(errors)
    if wanted != roles:
        async with unchanged(roles, partial(store.member_roles, row["id"], found.id)):
            await store.add_member(row["id"], found.id, wanted, visit.server.now())
            await visit.changed(
                "member",
                "updated",
                f"{found.username} of {row['name']}",
                user=found.id,
                before={"roles": sorted(roles.values())},
                after={"roles": sorted(wanted.values())},
            )
    return ConsoleDone(f"{page.address}/members{page.query}", f"The roles of {found.username} were saved.")


@console_get(MEMBER + "/remove", "organizations:write")
async def show_remove(visit: ConsoleVisit, organization: str, user: str) -> RemovePage:
    row = await find(organization)
    return await _remove_page(visit, row, *await _find_member(row, user))


@console_post(MEMBER + "/remove", "organizations:write")
async def remove(visit: ConsoleVisit, organization: str, user: str) -> ConsoleDone | RemovePage:
    row = await find(organization)
    found, roles = await _find_member(row, user)
    if not visit.confirms(found.username):
        page = await _remove_page(visit, row, found, roles)
        errors = {"confirm": "That is not the username."}
        return page.refused(errors, confirm=visit.form.get("confirm", ""))
    async with alone():
        if not await store.remove_member(row["id"], found.id):
            raise NotFoundException  # by somebody else in this very moment
        await visit.changed(
            "member",
            "deleted",
            f"{found.username} of {row['name']}",
            user=found.id,
            before={"roles": sorted(roles.values())},
        )
    return ConsoleDone(
        f"{address_of(row['id'])}/members{Listing.of(visit, ORDERS).query}", f"{found.username} was removed."
    )


async def _find_member(row: dict[str, Any], user_id: str) -> tuple[User, dict[str, str]]:
    """A member of this organization, with ids and names of the roles. Raises NotFoundException for everybody else."""
    roles = await store.member_roles(row["id"], user_id)
    user = await users.find_user(user_id) if roles is not None else None
    if user is None or roles is None:
        raise NotFoundException
    return user, roles


async def _add_page(row: dict[str, Any]) -> AddPage:
    return AddPage(
        title="Add member",
        path=_back_to_members(row),
        organization=row,
        roles=await role_choices(),
    )


async def _member_page(
    visit: ConsoleVisit, row: dict[str, Any], user: User, held: Collection[str], chosen: set[str]
) -> MemberPage:
    return MemberPage(
        title=f"Roles of {user.display_name}",
        lead=f"In {row['name']}. Changes apply from the next token on.",
        path=_back_to_members(row),
        organization=row,
        user=user,
        query=Listing.of(visit, ORDERS).query,
        seen=state_of(sorted(held)),
        roles=chosen_in(await role_choices(), chosen),
    )


async def _remove_page(visit: ConsoleVisit, row: dict[str, Any], user: User, roles: dict[str, str]) -> RemovePage:
    return RemovePage(
        title=f"Remove {user.display_name}",
        path=_back_to_members(row),
        organization=row,
        user=user,
        query=Listing.of(visit, ORDERS).query,
        roles=tuple(sorted(roles.values())),
        touched=await count_reach(visit.server.now(), users=[user.id], choice=row["id"]),
    )


def _back_to_members(row: dict[str, Any]) -> tuple[Link, ...]:
    return (*back_to(row), Link("Members", f"{address_of(row['id'])}/members"))
