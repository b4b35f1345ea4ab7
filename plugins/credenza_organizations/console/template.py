"""The template that all organizations share: its permissions and roles; adding, changing and deleting permissions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    LONGEST_PERMISSION_DESCRIPTION,
    ConsoleDone,
    ConsoleForm,
    ConsoleView,
    ConsoleVisit,
    Link,
    Reach,
    Translated,
    alone,
    changed_meanwhile,
    clients,
    console_get,
    console_post,
    count_reach,
    identifier_of,
    segment_of,
    state_of,
    typed_of,
    unchanged,
)

from .. import template
from .organization import TEMPLATES

HERE = "/console/organization-template"
UP = Link("Organization template", HERE)
PERMISSION = HERE + "/permissions/{permission:str}"
TAKEN = "The template has this permission already."


@dataclass(frozen=True, slots=True)
class RoleRow:
    address: str
    name: str
    description: str
    permissions: int


@dataclass(kw_only=True)
class TemplatePage(ConsoleView):
    """`permissions` are names, descriptions and addresses."""

    template: ClassVar[str] = "organization_template/template.html"
    folder: ClassVar[Path | None] = TEMPLATES
    permissions: tuple[tuple[str, str, str], ...]
    roles: tuple[RoleRow, ...]


@dataclass(kw_only=True)
class PermissionPage(ConsoleForm):
    """`fixed` when the permission exists already: its name stays."""

    template: ClassVar[str] = "organization_template/permission.html"
    folder: ClassVar[Path | None] = TEMPLATES
    action: str
    fixed: bool


@dataclass(kw_only=True)
class DeletePage(ConsoleForm):
    """Deletes `what` ("permission", "role") that is `called` something; `used_by` are labels and numbers."""

    template: ClassVar[str] = "organization_template/delete.html"
    folder: ClassVar[Path | None] = TEMPLATES
    action: str
    back: str
    what: str
    called: str
    used_by: tuple[tuple[str, int], ...]
    touched: Reach


@console_get(HERE, "organizations:read")
async def show_template(visit: ConsoleVisit) -> TemplatePage:
    permissions, roles = await template.template_permissions(), await template.template_roles()
    return TemplatePage(
        title="Organization template",
        lead="All organizations share these permissions and roles. Members get their roles in each organization.",
        permissions=tuple((name, text, address_of_permission(name)) for name, text in permissions.items()),
        roles=tuple(
            RoleRow(
                f"{HERE}/roles/{role['id']}",
                name,
                role["description"],
                len(role["permissions"]) + sum(len(names) for names in role["api_permissions"].values()),
            )
            for name, role in roles.items()
        ),
    )


@console_get(PERMISSION, "organizations:write")
async def show_permission(visit: ConsoleVisit, permission: str) -> PermissionPage:
    return await _permission_page(permission)


@console_post(PERMISSION, "organizations:write")
async def save_permission(visit: ConsoleVisit, permission: str) -> ConsoleDone | PermissionPage:
    page = await _permission_page(permission)
    name = page.values["name"] if page.fixed else visit.form.get("name", "").strip()
    description = visit.form.get("description", "").strip()
    before = await _entry(name)
    errors = {}
    if not page.fixed and (message := await _name_mistake(visit, name, before)):
        errors["name"] = message
    if not 1 <= len(description) <= LONGEST_PERMISSION_DESCRIPTION:
        errors["description"] = "Say in a few words what it allows. Users see this when they are asked."
    texts, typed, wrong = visit.translations("description")
    errors |= wrong
    if page.fixed:
        errors = changed_meanwhile(visit.form, before, beside=errors)
    if errors:
        return page.refused(errors, name=name, description=description, **typed)
    said = Translated(description, texts)
    done = ConsoleDone(HERE, f"{name} was {'saved' if page.fixed else 'created'}.")
    if said.entry == before:
        return done
    async with unchanged(before, partial(_entry, name)):
        if page.fixed:
            await template.save_template_permission(name, said)
        elif not await template.insert_template_permission(name, said):  # somebody else was quicker
            return page.refused({"name": TAKEN}, name=name, description=description, **typed)
        await visit.changed(
            "organization_permission",
            "updated" if page.fixed else "created",
            name,
            before={"description": before} if page.fixed else {},
            after={"description": said.entry},
        )
    return done


@console_get(PERMISSION + "/delete", "organizations:write")
async def show_delete_permission(visit: ConsoleVisit, permission: str) -> DeletePage:
    return await _delete_page(visit, permission)


@console_post(PERMISSION + "/delete", "organizations:write")
async def delete_permission(visit: ConsoleVisit, permission: str) -> ConsoleDone | DeletePage:
    page = await _delete_page(visit, permission)
    if not visit.confirms(page.called):
        return page.refused({"confirm": "That is not its name."}, confirm=visit.form.get("confirm", ""))
    description = (await template.template_permissions()).get(page.called)
    if description is None:
        raise NotFoundException
    async with alone():
        if not await template.delete_template_permission(visit.server, page.called):
            raise NotFoundException  # by somebody else in this very moment
        await visit.changed(
            "organization_permission", "deleted", page.called, before={"description": description.entry}
        )
    return ConsoleDone(HERE, f"{page.called} was deleted.")


async def _entry(name: str) -> object:
    """What a permission allows, in all languages; None when there is none of this name."""
    text = (await template.template_permissions()).get(name)
    return text.entry if text is not None else None


async def _name_mistake(visit: ConsoleVisit, name: str, known: object) -> str:
    """What is wrong with the name of a new permission; empty when nothing is."""
    try:
        await template.check_permission_name(visit.server, name)
    except ValueError as error:
        return f"{error}."
    return TAKEN if known is not None else ""


def address_of_permission(name: str) -> str:
    return f"{HERE}/permissions/{segment_of(name)}"


async def _permission_page(segment: str) -> PermissionPage:
    """`~new` is no permission's name: a tilde is written ~7E in an address."""
    name = "" if segment == "~new" else identifier_of(segment)
    known = await template.template_permissions()
    if segment != "~new" and name not in known:
        raise NotFoundException
    return PermissionPage(
        title=f"Permission {name}" if name else "Create permission",
        path=(UP,),
        action=f"{HERE}/permissions/{segment}",
        fixed=bool(name),
        seen=state_of(known[name].entry) if name else "",
        values={"name": name, **typed_of("description", known.get(name))},
    )


async def _delete_page(visit: ConsoleVisit, segment: str) -> DeletePage:
    name = identifier_of(segment)
    if name not in await template.template_permissions():
        raise NotFoundException
    roles = await template.template_roles()
    return DeletePage(
        title=f"Delete the permission {name}",
        path=(UP,),
        action=f"{address_of_permission(name)}/delete",
        back=HERE,
        what="permission",
        called=name,
        used_by=(
            ("Roles", sum(name in role["permissions"] for role in roles.values())),
            ("Members", await template.count_members_with(name)),
            ("Applications", await clients.count_enabling("organization", "", name)),
        ),
        touched=await count_reach(visit.server.now(), sources=["organization"], scope=name),
    )
