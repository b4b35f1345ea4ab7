"""The permissions of an API: their names, and the words that users read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    LONGEST_PERMISSION_DESCRIPTION,
    ConsoleDone,
    ConsoleForm,
    ConsoleVisit,
    Link,
    Listing,
    Translated,
    alone,
    bump_version,
    changed_meanwhile,
    clients,
    console_get,
    console_post,
    count_reach,
    identifier_of,
    state_of,
    typed_of,
    unchanged,
)

from .. import store
from ..naming import check_permission_name
from .api_resources import ONE, TEMPLATES, UP, DeletePage, address_of, find

TAKEN = "The API has this permission already."


@dataclass(kw_only=True)
class PermissionPage(ConsoleForm):
    """`fixed` when the permission exists already: its name stays."""

    template: ClassVar[str] = "api_resources/permission.html"
    folder: ClassVar[Path | None] = TEMPLATES
    action: str
    back: str
    fixed: bool


@console_get(ONE + "/permissions/{permission:str}", "api-resources:write")
async def show_permission(visit: ConsoleVisit, resource: str, permission: str) -> PermissionPage:
    return await _permission_page(visit, await find(resource), permission)


@console_post(ONE + "/permissions/{permission:str}", "api-resources:write")
async def save_permission(visit: ConsoleVisit, resource: str, permission: str) -> ConsoleDone | PermissionPage:
    row = await find(resource)
    page = await _permission_page(visit, row, permission)
    name = page.values["name"] if page.fixed else visit.form.get("name", "").strip()
    description = visit.form.get("description", "").strip()
    read = partial(_entry, row["identifier"], name)
    before = await read()
    errors = {}
    if not page.fixed:
        try:
            check_permission_name(name)
        except ValueError as error:
            errors["name"] = f"{error}."
        if before is not None:
            errors["name"] = TAKEN
    if not 1 <= len(description) <= LONGEST_PERMISSION_DESCRIPTION:
        errors["description"] = "Say in a few words what it allows. Users see this when they are asked."
    texts, typed, wrong = visit.translations("description")
    errors |= wrong
    if page.fixed:
        errors = changed_meanwhile(visit.form, before, beside=errors)
    if errors:
        return page.refused(errors, name=name, description=description, **typed)
    said = Translated(description, texts)
    done = ConsoleDone(page.back, f"{name} was {'saved' if page.fixed else 'created'}.")
    if said.entry == before:
        return done
    async with unchanged(before, read):
        if page.fixed:
            await store.save_permission(row["identifier"], name, said)
        elif not await store.insert_permission(row["identifier"], name, said):  # somebody else was quicker
            return page.refused({"name": TAKEN}, name=name, description=description, **typed)
        await bump_version()
        await visit.changed(
            "api_permission",
            "updated" if page.fixed else "created",
            f"{row['identifier']} {name}",
            before={"description": before} if page.fixed else {},
            after={"description": said.entry},
        )
    return done


@console_get(ONE + "/permissions/{permission:str}/delete", "api-resources:write")
async def show_delete_permission(visit: ConsoleVisit, resource: str, permission: str) -> DeletePage:
    return await _delete_permission_page(visit, await find(resource), permission)


@console_post(ONE + "/permissions/{permission:str}/delete", "api-resources:write")
async def delete_permission(visit: ConsoleVisit, resource: str, permission: str) -> ConsoleDone | DeletePage:
    row = await find(resource)
    page = await _delete_permission_page(visit, row, permission)
    if not visit.confirms(page.called):
        return page.refused({"confirm": "That is not its name."}, confirm=visit.form.get("confirm", ""))
    description = (await store.resource_permissions(row["identifier"])).get(page.called)
    if description is None:
        raise NotFoundException
    target = f"{row['identifier']} {page.called}"
    withdrawn = partial(visit.changed, "api_permission", "withdrawn", target)
    await store.clear_api(visit.server, withdrawn, row["identifier"], page.called)
    async with alone():
        if not await store.delete_permission(visit.server, row["identifier"], page.called):
            raise NotFoundException  # by somebody else in this very moment
        await visit.changed("api_permission", "deleted", target, before={"description": description.entry})
    return ConsoleDone(page.back, f"{page.called} was deleted.")


async def _entry(identifier: str, name: str) -> object:
    """What a permission allows, in all languages; None when there is none of this name."""
    text = (await store.resource_permissions(identifier)).get(name)
    return text.entry if text is not None else None


async def _permission_page(visit: ConsoleVisit, row: dict[str, Any], segment: str) -> PermissionPage:
    """`~new` is no permission's name: a tilde is written ~7E in an address."""
    address, query = address_of(row["identifier"]), Listing.of(visit).query
    name = "" if segment == "~new" else identifier_of(segment)
    known = await store.resource_permissions(row["identifier"])
    if name and name not in known:
        raise NotFoundException
    return PermissionPage(
        title=f"Permission {name}" if name else "Create permission",
        path=(UP, Link(row["name"], address)),
        action=f"{address}/permissions/{segment}{query}",
        back=address + query,
        fixed=bool(name),
        seen=state_of(known[name].entry) if name else "",
        values={"name": name, **typed_of("description", known.get(name))},
    )


async def _delete_permission_page(visit: ConsoleVisit, row: dict[str, Any], segment: str) -> DeletePage:
    address, query = address_of(row["identifier"]), Listing.of(visit).query
    name = identifier_of(segment)
    if name not in await store.resource_permissions(row["identifier"]):
        raise NotFoundException
    return DeletePage(
        title=f"Delete the permission {name}",
        path=(UP, Link(row["name"], address)),
        action=f"{address}/permissions/{segment}/delete{query}",
        back=address + query,
        what="permission",
        called=name,
        roles=await store.count_roles_with(row["identifier"], name),
        applications=await clients.count_enabling("api", row["identifier"], name),
        touched=await count_reach(visit.server.now(), sources=["api"], resource=row["identifier"], scope=name),
    )
