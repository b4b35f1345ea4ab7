"""Roles: bundles of API permissions, held by users and by services."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    AlreadyExists,
    ConsoleDone,
    ConsoleForm,
    ConsoleView,
    ConsoleVisit,
    Link,
    Listing,
    Reach,
    alone,
    changed_meanwhile,
    console_get,
    console_post,
    count_reach,
    naming_mistakes,
    new_id,
    state_of,
    unchanged,
)

from .. import store
from .api_resources import TEMPLATES

HERE = "/console/roles"
SHOWN = 100  # permissions on one page
ONE = HERE + "/{role:str}"
UP = Link("Roles", HERE)
TAKEN = "There is a role with this name already."


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    name: str
    description: str
    default: bool
    permissions: int
    users: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A permission with its checkbox: `key` is its value."""

    key: str
    name: str
    description: str
    chosen: bool


@dataclass(kw_only=True)
class RoleList(ConsoleView):
    template: ClassVar[str] = "roles/list.html"
    folder: ClassVar[Path | None] = TEMPLATES
    fragment: str = "table"
    listing: Listing
    rows: tuple[Row, ...]


@dataclass(kw_only=True)
class RolePage(ConsoleForm):
    """`apis` are titles, identifiers and choices: those of this page of the `listing`, the role's own first where there
    are others. `holders` counts users and services; both are 0 for a new role.
    """

    template: ClassVar[str] = "roles/role.html"
    folder: ClassVar[Path | None] = TEMPLATES
    action: str
    role: str
    listing: Listing
    apis: tuple[tuple[str, str, tuple[Choice, ...]], ...]
    holders: tuple[int, int] = (0, 0)


@dataclass(kw_only=True)
class DeletePage(ConsoleForm):
    template: ClassVar[str] = "roles/delete.html"
    folder: ClassVar[Path | None] = TEMPLATES
    role: str
    called: str
    holders: tuple[int, int]
    touched: Reach


@console_get(HERE, "roles:read")
async def list_roles(visit: ConsoleVisit) -> RoleList:
    listing = Listing.of(visit, ("name",))
    found = [row for row in await store.list_roles() if listing.finds(row["name"])]
    found = found[::-1] if listing.descending else found
    permissions, users = await store.count_role_permissions(), await store.count_role_users()
    shown = found[listing.offset : listing.offset + listing.size]
    return RoleList(
        title="Roles",
        lead="A role bundles permissions. Users hold a permission only through a role.",
        listing=replace(listing, total=len(found)),
        rows=tuple(
            Row(
                row["id"],
                row["name"],
                row["description"],
                row["default"],
                permissions.get(row["id"], 0),
                users.get(row["id"], 0),
            )
            for row in shown
        ),
    )


@console_get(HERE + "/create", "roles:write")
async def show_create(visit: ConsoleVisit) -> RolePage:
    return await _create_page(visit, ())


@console_post(HERE + "/create", "roles:write")
async def create(visit: ConsoleVisit) -> ConsoleDone | RolePage:
    return await _save(visit, None)


@console_get(ONE, "roles:read")
async def show_role(visit: ConsoleVisit, role: str) -> RolePage:
    row = await _find(role)
    stored = await store.role_permissions(role)
    return await _page(visit, row, stored, _keys(stored))


@console_post(ONE, "roles:write")
async def save_role(visit: ConsoleVisit, role: str) -> ConsoleDone | RolePage:
    return await _save(visit, await _find(role))


@console_get(ONE + "/delete", "roles:write")
async def show_delete(visit: ConsoleVisit, role: str) -> DeletePage:
    return await _delete_page(visit, await _find(role))


@console_post(ONE + "/delete", "roles:write")
async def delete(visit: ConsoleVisit, role: str) -> ConsoleDone | DeletePage:
    row = await _find(role)
    if not visit.confirms(row["name"]):
        errors = {"confirm": "That is not its name."}
        return (await _delete_page(visit, row)).refused(errors, confirm=visit.form.get("confirm", ""))
    before = _noted(row, await store.role_permissions(role))
    await store.clear_role(row, partial(visit.changed, "role", "withdrawn", row["name"]))
    async with alone():
        if not await store.delete_role(role):
            raise NotFoundException  # by somebody else in this very moment
        await visit.changed("role", "deleted", row["name"], before=before)
    return ConsoleDone(HERE, f"{row['name']} was deleted.")


async def _save(visit: ConsoleVisit, row: dict[str, Any] | None) -> ConsoleDone | RolePage:
    """Create a role, or change one; every permission in the form must exist.

    Where only some are `listed` in the form, the others stay.
    """
    own = row["name"] if row is not None else ""
    typed = visit.typed("name", "description", "default", kept=own)
    ticked, listed = (set(visit.form.all_values(name)) for name in ("permission", "listed"))
    role_id = row["id"] if row is not None else new_id()
    stored = await store.role_permissions(role_id)
    known = {f"{api} {name}": (api, name) for api, _, names in await store.list_apis() for name in names}
    errors = naming_mistakes(typed, most=100)
    if typed["name"] != own and await store.role_ids([typed["name"]]):
        errors["name"] = TAKEN
    if unknown := sorted(ticked - set(known)):
        errors[""] = f"There is no permission {unknown[0][:200]}."
    chosen = ticked | ((_keys(stored) & set(known)) - listed if listed else set())
    if row is not None:
        errors = changed_meanwhile(visit.form, *_stored(row, stored), beside=errors)
    page = await (_page(visit, row, stored, chosen, listed) if row is not None else _create_page(visit, chosen, listed))
    if errors:
        return page.refused(errors, **typed)
    wanted: dict[str, list[str]] = {}
    for api, name in (known[key] for key in sorted(chosen)):
        wanted.setdefault(api, []).append(name)
    default = typed["default"] == "on"
    before = _noted(row, stored) if row is not None else {}
    after = _noted({**typed, "default": default}, wanted)
    back = page.listing.here if row is not None else f"{HERE}/{role_id}"
    done = ConsoleDone(back, f"{typed['name']} was {'saved' if row is not None else 'created'}.")
    if after == before:
        return done
    try:
        async with unchanged((row, stored), partial(_read, role_id)):
            await store.save_role(role_id, typed["name"], typed["description"], default, visit.server.now())
            await store.set_role_permissions(role_id, wanted)
            action = "updated" if row is not None else "created"
            await visit.changed("role", action, typed["name"], before=before, after=after)
    except AlreadyExists:
        return page.refused({"name": TAKEN}, **typed)  # somebody else was quicker
    return done


def tabs(role: str, current: str) -> tuple[Link, ...]:
    views = (("Role", ""), ("Holders", "/holders"))
    return tuple(Link(title, f"{HERE}/{role}{path}", current=title == current) for title, path in views)


async def _read(role: str) -> tuple[dict[str, Any] | None, dict[str, list[str]]]:
    return await store.find_role(role), await store.role_permissions(role)


async def _find(role: str) -> dict[str, Any]:
    row = await store.find_role(role)
    if row is None:
        raise NotFoundException
    return row


def _noted(row: Mapping[str, Any], permissions: Mapping[str, list[str]]) -> dict[str, Any]:
    """What the audit log keeps of a role."""
    return {
        "name": row["name"],
        "description": row["description"],
        "default": row["default"],
        "permissions": permissions,
    }


def _stored(row: Mapping[str, Any], permissions: Mapping[str, list[str]]) -> tuple[object, ...]:
    return row["name"], row["description"], row["default"], sorted(_keys(permissions))


def _keys(permissions: Mapping[str, list[str]]) -> set[str]:
    return {f"{api} {name}" for api, names in permissions.items() for name in names}


async def _choices(
    visit: ConsoleVisit, own: Collection[str], chosen: Collection[str], listed: Collection[str]
) -> dict[str, Any]:
    """A form that comes back has what was `listed` in it: others may be on this page of the list by now."""
    listing = Listing.of(visit, size=SHOWN)
    found = [
        ((title, api), Choice(f"{api} {name}", name, text, f"{api} {name}" in chosen))
        for api, title, names in await store.list_apis()
        for name, text in names.items()
        if listing.finds(title, api, name, text)
    ]
    if len(found) > SHOWN:
        found.sort(key=lambda item: item[1].key not in own)
    shown = found[listing.offset : listing.offset + listing.size]
    if listed:
        shown = [item for item in found if item[1].key in listed]
    apis = groupby(shown, key=lambda item: item[0])
    return {
        "listing": replace(listing, total=len(found)),
        "apis": tuple((title, api, tuple(choice for _, choice in choices)) for (title, api), choices in apis),
    }


async def _create_page(visit: ConsoleVisit, chosen: Collection[str], listed: Collection[str] = ()) -> RolePage:
    choices = await _choices(visit, (), chosen, listed)
    return RolePage(title="Create role", path=(UP,), action=choices["listing"].here, role="", **choices)


async def _page(
    visit: ConsoleVisit,
    row: dict[str, Any],
    stored: Mapping[str, list[str]],
    chosen: Collection[str],
    listed: Collection[str] = (),
) -> RolePage:
    choices = await _choices(visit, _keys(stored), chosen, listed)
    return RolePage(
        title=row["name"],
        lead=row["description"],
        path=(UP,),
        tabs=tabs(row["id"], "Role"),
        action=choices["listing"].here,
        role=row["id"],
        **choices,
        holders=await store.count_holders(row["id"]),
        seen=state_of(*_stored(row, stored)),
        values={
            "name": row["name"],
            "description": row["description"],
            "default": "on" if row["default"] else "",
        },
    )


async def _delete_page(visit: ConsoleVisit, row: dict[str, Any]) -> DeletePage:
    return DeletePage(
        title=f"Delete the role {row['name']}",
        path=(UP, Link(row["name"], f"{HERE}/{row['id']}")),
        role=row["id"],
        called=row["name"],
        holders=await store.count_holders(row["id"]),
        touched=await count_reach(visit.server.now(), users=store.holding(row["id"]), sources=["api"]),
    )
