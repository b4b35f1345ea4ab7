"""Roles of the organization template: permissions of the template and of APIs, held by members."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    AlreadyExists,
    ConsoleDone,
    ConsoleForm,
    ConsoleVisit,
    Link,
    alone,
    as_kept,
    changed_meanwhile,
    console_get,
    console_post,
    count_reach,
    naming_mistakes,
    new_id,
    permission_catalogue,
    state_of,
    unchanged,
)

from .. import template
from .organization import TEMPLATES
from .template import HERE, UP, DeletePage

ROLES = HERE + "/roles"
ONE = ROLES + "/{role:str}"
TAKEN = "There is a role with this name already."


@dataclass(frozen=True, slots=True)
class Choice:
    """A permission with its checkbox: `key` is its value."""

    key: str
    name: str
    description: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The template's own permissions (without `resource`), or those of one API."""

    title: str
    resource: str
    choices: tuple[Choice, ...]


@dataclass(kw_only=True)
class RolePage(ConsoleForm):
    """`role` is empty for a new one. `holders` counts members, and organizations that they are in."""

    template: ClassVar[str] = "organization_template/role.html"
    folder: ClassVar[Path | None] = TEMPLATES
    action: str
    role: str
    groups: tuple[Group, ...]
    holders: tuple[int, int] = (0, 0)


@console_get(ROLES + "/create", "organizations:write")
async def show_create(visit: ConsoleVisit) -> RolePage:
    return await _page(visit, None, set())


@console_post(ROLES + "/create", "organizations:write")
async def create(visit: ConsoleVisit) -> ConsoleDone | RolePage:
    return await _save(visit, None)


@console_get(ONE, "organizations:read")
async def show_role(visit: ConsoleVisit, role: str) -> RolePage:
    row = await _find(role)
    return await _page(visit, row, _keys(row))


@console_post(ONE, "organizations:write")
async def save_role(visit: ConsoleVisit, role: str) -> ConsoleDone | RolePage:
    return await _save(visit, await _find(role))


@console_get(ONE + "/delete", "organizations:write")
async def show_delete(visit: ConsoleVisit, role: str) -> DeletePage:
    return await _delete_page(visit, await _find(role))


@console_post(ONE + "/delete", "organizations:write")
async def delete(visit: ConsoleVisit, role: str) -> ConsoleDone | DeletePage:
    row = await _find(role)
    if not visit.confirms(row["name"]):
        errors = {"confirm": "That is not its name."}
        return (await _delete_page(visit, row)).refused(errors, confirm=visit.form.get("confirm", ""))
    async with alone():
        if not await template.delete_template_role(row["id"]):
            raise NotFoundException  # by somebody else in this very moment
        await visit.changed("organization_role", "deleted", row["name"], before=_noted(row))
    return ConsoleDone(HERE, f"{row['name']} was deleted.")


async def _save(visit: ConsoleVisit, row: dict[str, Any] | None) -> ConsoleDone | RolePage:
    """Create a role, or change one; every permission in the form must exist."""
    own = row["name"] if row is not None else ""
    typed = visit.typed("name", "description", kept=own)
    ticked = set(visit.form.all_values("permission"))
    page = await _page(visit, row, ticked)
    offered = {choice.key: (group.resource, choice.name) for group in page.groups for choice in group.choices}
    errors = naming_mistakes(typed, most=100)
    known = await template.template_roles()
    if typed["name"] != own and as_kept(typed["name"], known) in known:
        errors["name"] = TAKEN
    if unknown := sorted(ticked - offered.keys()):
        errors[""] = f"There is no permission {unknown[0].strip()[:200]}."
    if row is not None:
        errors = changed_meanwhile(visit.form, _noted(row), beside=errors)
    if errors:
        return page.refused(errors, **typed)
    carried: list[str] = []
    apis: dict[str, list[str]] = {}
    for resource, name in sorted(offered[key] for key in ticked):
        (apis.setdefault(resource, []) if resource else carried).append(name)
    after = {**typed, "permissions": carried, "api_permissions": apis}
    role_id = row["id"] if row is not None else new_id()
    action, before = ("updated", _noted(row)) if row is not None else ("created", {})
    done = ConsoleDone(f"{ROLES}/{role_id}", f"{typed['name']} was {'saved' if row is not None else 'created'}.")
    if after == before:
        return done
    try:
        async with unchanged(row, partial(_read, role_id)):
            await template.save_template_role(role_id, typed["name"], typed["description"], carried, apis)
            await visit.changed("organization_role", action, typed["name"], before=before, after=after)
    except AlreadyExists:
        return page.refused({"name": TAKEN}, **typed)  # somebody else was quicker
    return done


async def _find(role: str) -> dict[str, Any]:
    """Raises NotFoundException."""
    row = await _read(role)
    if row is None:
        raise NotFoundException
    return row


async def _read(role: str) -> dict[str, Any] | None:
    """With its `name`."""
    roles = await template.template_roles()
    return next(({"name": name, **row} for name, row in roles.items() if row["id"] == role), None)


def _noted(row: dict[str, Any]) -> dict[str, Any]:
    """What the audit log keeps of a role."""
    apis = {resource: sorted(names) for resource, names in row["api_permissions"].items()}
    return {
        "name": row["name"],
        "description": row["description"],
        "permissions": sorted(row["permissions"]),
        "api_permissions": apis,
    }


def _keys(row: dict[str, Any]) -> set[str]:
    apis = {_key(resource, name) for resource, names in row["api_permissions"].items() for name in names}
    return apis | {_key("", name) for name in row["permissions"]}


def _key(resource: str, name: str) -> str:
    """The value of a checkbox; neither part has a space."""
    return f"{resource} {name}"


async def _groups(visit: ConsoleVisit, chosen: Collection[str]) -> tuple[Group, ...]:
    """Everything that a role can carry. The APIs are another plugin's."""

    def choice(resource: str, name: str, text: str) -> Choice:
        return Choice(_key(resource, name), name, text, _key(resource, name) in chosen)

    own = tuple(choice("", name, text) for name, text in (await template.template_permissions()).items())
    titles: dict[str, str] = {}
    named: dict[str, list[Choice]] = {}
    for permission, scope in (await permission_catalogue(visit.server)).items():
        if permission.source != "api":
            continue
        resource, name = permission.resource, permission.scope
        titles[resource] = scope.group
        named.setdefault(resource, []).append(choice(resource, name, scope.title))
    groups = [Group(titles[resource], resource, tuple(choices)) for resource, choices in named.items()]
    return (*([Group("In the organization", "", own)] if own else []), *groups)


async def _page(visit: ConsoleVisit, row: dict[str, Any] | None, chosen: Collection[str]) -> RolePage:
    groups = await _groups(visit, chosen)
    if row is None:
        return RolePage(title="Create role", path=(UP,), action=f"{ROLES}/create", role="", groups=groups)
    return RolePage(
        title=row["name"],
        lead=row["description"],
        path=(UP,),
        action=f"{ROLES}/{row['id']}",
        role=row["id"],
        groups=groups,
        holders=await template.count_role_members(row["id"]),
        seen=state_of(_noted(row)),
        values={"name": row["name"], "description": row["description"]},
    )


async def _delete_page(visit: ConsoleVisit, row: dict[str, Any]) -> DeletePage:
    address = f"{ROLES}/{row['id']}"
    members, organizations = await template.count_role_members(row["id"])
    return DeletePage(
        title=f"Delete the role {row['name']}",
        path=(UP, Link(row["name"], address)),
        action=f"{address}/delete",
        back=address,
        what="role",
        called=row["name"],
        used_by=(("Holders", members), ("Organizations", organizations)),
        touched=await count_reach(
            visit.server.now(),
            users=template.holding(row["id"]),
            sources=["organization", "organization_api"],
        ),
    )
