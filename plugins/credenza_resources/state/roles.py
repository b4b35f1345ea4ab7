"""The section `roles` of the desired-state file, and the roles of users and of services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from credenza import (
    LONGEST_DESCRIPTION,
    Client,
    StateError,
    StateMember,
    StateRun,
    StateSection,
    User,
    as_kept,
    check_keys,
    kept_name,
    new_id,
)

from ..store import (
    clear_role,
    client_roles,
    default_roles,
    delete_role,
    edit_role,
    list_roles,
    resource_permissions,
    role_ids,
    role_permissions,
    save_role,
    set_client_roles,
    set_role_permissions,
    set_user_roles,
    user_roles,
)
from ..tables import Role

NAMES = StateMember(list, of=str)
ROLE = {
    "name": StateMember(str, most=100, required=True),
    "description": StateMember(str, most=LONGEST_DESCRIPTION),
    "permissions": StateMember(dict, of=list),
    "default": StateMember(bool),
}


async def _apply_roles(items: Any, run: StateRun) -> None:
    declared = {await _apply_role(run, check_keys(item, ROLE, "a role")) for item in items or []}
    if run.prune:
        for row in await list_roles():
            if row["name"] not in declared:

                async def write(role: str = row["id"]) -> None:
                    await delete_role(role)

                if not run.dry:
                    await clear_role(row, partial(run.note, "withdrawn", "role", row["name"]))
                await run.change("deleted", "role", row["name"], write)


async def _apply_role(run: StateRun, members: Mapping[str, Any]) -> str:
    """Its name, as it is kept."""
    name = kept_name("a role", members["name"], await role_ids([members["name"]]))
    run.once("role", name)
    wanted = {
        str(r): sorted({str(s) for s in scopes}) for r, scopes in members.get("permissions", {}).items() if scopes
    }
    await _check_known(run, name, wanted)
    row = await Role.select().where(Role.name == name).first()
    before = None
    if row is not None:
        before = {"description": row["description"], "default": row["default"]}
        before["permissions"] = await role_permissions(row["id"])
    after: dict[str, Any] = {
        "description": str(members.get("description", (row or {}).get("description", ""))),
        "default": bool(members.get("default", (row or {}).get("default", False))),
        "permissions": wanted if "permissions" in members else (before or {}).get("permissions", {}),
    }
    run.declared.setdefault("default role" if after["default"] else "other role", set()).add(name)
    role_id = row["id"] if row is not None else new_id()

    async def write() -> dict[str, Any]:
        if before is None:
            await save_role(role_id, name, after["description"], after["default"], run.server.now())
        else:  # whatever else is changed meanwhile stays
            columns = {key: after[key] for key in ("description", "default") if after[key] != before[key]}
            await edit_role(role_id, columns)
        if before is None or after["permissions"] != before["permissions"]:
            await set_role_permissions(role_id, after["permissions"])
        return {"id": role_id}

    await run.compare("role", name, before, after, write)
    return name


async def _check_known(run: StateRun, name: str, wanted: Mapping[str, list[str]]) -> None:
    """Every permission exists already, or is declared in this file."""
    for resource, scopes in wanted.items():
        known = await resource_permissions(resource)
        for scope in scopes:
            if not run.knows("permission", f"api {resource} {scope}", there=scope in known):
                raise StateError(f"{name}: there is no permission {scope!r} at {resource}")


async def _export_roles() -> list[dict[str, Any]]:
    return [
        {
            "name": row["name"],
            **({"description": row["description"]} if row["description"] else {}),
            **({"default": True} if row["default"] else {}),
            "permissions": await role_permissions(row["id"]),
        }
        for row in sorted(await list_roles(), key=lambda row: str(row["name"]))
    ]


async def _apply_user(run: StateRun, user: User, members: Mapping[str, Any]) -> None:
    members = check_keys(members, {"roles": NAMES}, f"{user.username}: roles")
    before = sorted((await user_roles(user.id)).values())
    if "roles" in members:
        wanted = sorted(set(members["roles"]))
    elif not before:
        declared, others = (run.declared.get(kind, set()) for kind in ("default role", "other role"))
        wanted = sorted((await default_roles() - others) | declared)
    else:
        return
    await _change(run, "user roles", user.username, before, wanted, partial(set_user_roles, user.id))


async def _export_user(user: User) -> Mapping[str, Any]:
    """Where it is made anew, a user without the member gets the default roles: who has none says so."""
    names = sorted((await user_roles(user.id)).values())
    return {"roles": names} if names or await default_roles() else {}


async def _apply_client(run: StateRun, client: Client, members: Mapping[str, Any]) -> None:
    """What a service holds; people who sign in to an application bring their own roles."""
    if client.type.interactive:
        raise StateError(f"{client.name}: only an application that acts for itself has roles")
    members = check_keys(members, {"roles": NAMES}, f"{client.name}: roles")
    before = sorted(await client_roles(client.id))
    wanted = sorted(set(members["roles"]))
    await _change(run, "application roles", client.name, before, wanted, partial(set_client_roles, client.id))


async def _change(
    run: StateRun,
    kind: str,
    who: str,
    before: Sequence[str],
    wanted: Sequence[str],
    save: Callable[[list[str]], Awaitable[None]],
) -> None:
    """From one list of names to another; `save` is given the ids. Raises StateError for a role that is nowhere.

    Roles are asked for by name: very many users have a few each.
    """
    known = await role_ids(wanted)
    wanted = sorted({as_kept(name, known) for name in wanted})
    for name in wanted:
        if not run.knows("role", name, there=name in known):
            raise StateError(f"{who}: there is no role {name!r}")

    async def write() -> None:
        await save([known[name] for name in wanted])

    if before != wanted:
        await run.change("updated", kind, who, write, before={"roles": before}, after={"roles": wanted})


async def _export_client(client: Client) -> Mapping[str, Any]:
    names = sorted(await client_roles(client.id))
    return {"roles": names} if names else {}


SECTION = StateSection(
    "roles",
    200,
    _apply_roles,
    _export_roles,
    user_keys=("roles",),
    apply_user=_apply_user,
    export_user=_export_user,
    client_keys=("roles",),
    apply_client=_apply_client,
    export_client=_export_client,
)
