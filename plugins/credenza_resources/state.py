"""The sections `api_resources` and `roles` of the desired-state file, and the roles of users."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from credenza import (
    Client,
    StateError,
    StateMember,
    StateRun,
    StateSection,
    Translated,
    User,
    bump_version,
    check_keys,
    new_id,
)

from .naming import check_identifier, check_permission_name
from .store import (
    clear_api,
    clear_role,
    client_roles,
    default_roles,
    delete_permission,
    delete_resource,
    delete_role,
    edit_resource,
    edit_role,
    list_roles,
    resource_permissions,
    role_ids,
    role_permissions,
    save_permission,
    save_resource,
    save_role,
    set_client_roles,
    set_role_permissions,
    set_user_roles,
    user_roles,
)
from .tables import ApiResource, Role

TEXT = StateMember(str)
NAMES = StateMember(list, of=str)
API = {
    "identifier": StateMember(str, most=1000, required=True),
    "name": StateMember(str, most=200),
    "translations": StateMember(dict, of=str),
    "description": TEXT,
    "token_lifetime": StateMember(int),
    "permissions": StateMember(list, of=dict),
}
PERMISSION = {
    "name": StateMember(str, most=255, required=True),
    "description": TEXT,
    "translations": StateMember(dict, of=str),
}
ROLE = {
    "name": StateMember(str, most=100, required=True),
    "description": TEXT,
    "permissions": StateMember(dict, of=list),
    "default": StateMember(bool),
}


async def _apply_resources(items: Any, run: StateRun) -> None:
    for item in items or []:
        members = check_keys(item, API, "an API")
        await _apply_resource(run, members)
    if run.prune:
        declared = {str(item["identifier"]) for item in items or []}
        for row in await ApiResource.select(ApiResource.identifier):
            if row["identifier"] not in declared:
                _removed(run, row["identifier"], await resource_permissions(row["identifier"]))

                async def write(identifier: str = row["identifier"]) -> None:
                    await delete_resource(run.server, identifier)

                if not run.dry:
                    note = _withdrawn(run, "api_resource", row["identifier"])
                    await clear_api(run.server, note, row["identifier"])
                await run.change("deleted", "api_resource", row["identifier"], write)


async def _apply_resource(run: StateRun, members: Mapping[str, Any]) -> None:
    identifier = members["identifier"]
    try:
        check_identifier(identifier)
    except ValueError as error:
        raise StateError(f"{identifier}: {error}") from error
    run.once("api_resource", identifier)
    row = await ApiResource.select().where(ApiResource.identifier == identifier).first()
    before, known = None, dict[str, Translated]()
    if row is not None:
        known = await resource_permissions(identifier)
        before = {key: row[key] for key in ("description", "token_lifetime")}
        before["name"] = Translated.load(row["name"], row["name_translations"]).entry
        before["permissions"] = {name: text.entry for name, text in known.items()}
    permissions = known
    if "permissions" in members:
        declared = _permissions(run, identifier, members["permissions"], known)
        permissions = declared if run.prune else known | declared
    run.declared.setdefault("permission", set()).update(f"api {identifier} {name}" for name in permissions)
    called = Translated.load(row["name"], row["name_translations"]) if row is not None else None
    name = run.translated(members, "name", called)
    name = name if str(name) else Translated(str(called or identifier), name.translations)
    after: dict[str, Any] = {
        "name": name.entry,
        "description": str(members.get("description", (row or {}).get("description", ""))),
        "token_lifetime": members.get("token_lifetime", (row or {}).get("token_lifetime", 0)),
        "permissions": {name: text.entry for name, text in permissions.items()},
    }
    if not 0 <= after["token_lifetime"] <= 24 * 3600:
        raise StateError(f"{identifier}: token_lifetime is 0 to 86400 seconds")

    async def write() -> dict[str, Any]:
        if before is None:
            await save_resource(identifier, name, after["description"], after["token_lifetime"], run.server.now())
        else:  # whatever else is changed meanwhile stays
            values = {**after, "name": str(name), "name_translations": name.stored}
            differing = [key for key in before if before[key] != after[key]]
            differing += ["name_translations"] if "name" in differing else []
            await edit_resource(identifier, {key: values[key] for key in differing if key != "permissions"})
        for permission, description in permissions.items():
            if before is None or before["permissions"].get(permission) != description.entry:
                await save_permission(identifier, permission, description)
        for permission in gone:
            await delete_permission(run.server, identifier, permission)
        await bump_version()
        return {"identifier": identifier}

    gone = sorted(known.keys() - permissions.keys())
    _removed(run, identifier, gone)
    if gone and not run.dry:
        await clear_api(run.server, _withdrawn(run, "api_permission", " ".join((identifier, *gone))), identifier, *gone)
    await run.compare("api_resource", identifier, before, after, write)


def _removed(run: StateRun, identifier: str, names: Iterable[str]) -> None:
    """Nothing later in the file may refer to these permissions."""
    run.removed.setdefault("permission", set()).update(f"api {identifier} {name}" for name in names)


def _withdrawn(run: StateRun, kind: str, target: str) -> Callable[[], Awaitable[None]]:
    """Says in the audit log that nobody has it any more."""
    return partial(run.note, "withdrawn", kind, target)


def _permissions(
    run: StateRun, identifier: str, entries: list[Any], known: Mapping[str, Translated]
) -> dict[str, Translated]:
    """Names with the descriptions that users read. Raises StateError."""
    permissions = {}
    for entry in entries:
        members = check_keys(entry, PERMISSION, f"{identifier}: a permission")
        name = members["name"]
        run.once(f"{identifier}: permission", name)
        try:
            check_permission_name(name)
        except ValueError as error:
            raise StateError(f"{identifier}: {error}") from error
        permissions[name] = run.translated(members, "description", known.get(name))
    return permissions


async def _export_resources() -> list[dict[str, Any]]:
    return [
        {
            "identifier": row["identifier"],
            "name": row["name"],
            **({"translations": json.loads(row["name_translations"])} if row["name_translations"] else {}),
            **({"description": row["description"]} if row["description"] else {}),
            **({"token_lifetime": row["token_lifetime"]} if row["token_lifetime"] else {}),
            "permissions": [
                {"name": name, "description": str(text), **text.members}
                for name, text in sorted((await resource_permissions(row["identifier"])).items())
            ],
        }
        for row in sorted(await ApiResource.select(), key=lambda row: str(row["identifier"]))
    ]


async def _apply_roles(items: Any, run: StateRun) -> None:
    for item in items or []:
        members = check_keys(item, ROLE, "a role")
        await _apply_role(run, members)
    if run.prune:
        declared = {str(item["name"]) for item in items or []}
        for row in await list_roles():
            if row["name"] not in declared:

                async def write(role: str = row["id"]) -> None:
                    await delete_role(role)

                if not run.dry:
                    await clear_role(row, _withdrawn(run, "role", row["name"]))
                await run.change("deleted", "role", row["name"], write)


async def _apply_role(run: StateRun, members: Mapping[str, Any]) -> None:
    name = members["name"]
    run.once("role", name)
    wanted = {
        str(r): sorted({str(s) for s in scopes}) for r, scopes in members.get("permissions", {}).items() if scopes
    }
    await check_known(run, name, wanted)
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


async def check_known(run: StateRun, name: str, wanted: Mapping[str, list[str]]) -> None:
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
    known = await _known_roles(run, user.username, wanted)

    async def write() -> None:
        await set_user_roles(user.id, [known[name] for name in wanted])

    if before != wanted:
        await run.change(
            "updated", "user roles", user.username, write, before={"roles": before}, after={"roles": wanted}
        )


async def _export_user(user: User) -> Mapping[str, Any]:
    """Where it is made anew, a user without the member gets the default roles: who has none says so."""
    names = sorted((await user_roles(user.id)).values())
    return {"roles": names} if names or await default_roles() else {}


async def _known_roles(run: StateRun, who: str, names: Sequence[str]) -> dict[str, str]:
    """The ids of those that there are, and the others are declared. Asked for by name: very many users have a few each.

    Raises StateError.
    """
    known = await role_ids(names)
    for name in names:
        if not run.knows("role", name, there=name in known):
            raise StateError(f"{who}: there is no role {name!r}")
    return known


async def _apply_client(run: StateRun, client: Client, members: Mapping[str, Any]) -> None:
    """What a service holds; people who sign in to an application bring their own roles."""
    if client.type.interactive:
        raise StateError(f"{client.name}: only an application that acts for itself has roles")
    members = check_keys(members, {"roles": NAMES}, f"{client.name}: roles")
    before = sorted(await client_roles(client.id))
    wanted = sorted(set(members["roles"]))
    known = await _known_roles(run, client.name, wanted)

    async def write() -> None:
        await set_client_roles(client.id, [known[name] for name in wanted])

    if before != wanted:
        await run.change(
            "updated", "application roles", client.name, write, before={"roles": before}, after={"roles": wanted}
        )


async def _export_client(client: Client) -> Mapping[str, Any]:
    names = sorted(await client_roles(client.id))
    return {"roles": names} if names else {}


SECTIONS = [
    StateSection("api_resources", 100, _apply_resources, _export_resources),
    StateSection(
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
    ),
]
