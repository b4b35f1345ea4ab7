"""The section `api_resources` of the desired-state file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from credenza import (
    LONGEST_DESCRIPTION,
    LONGEST_PERMISSION_DESCRIPTION,
    StateError,
    StateMember,
    StateRun,
    StateSection,
    Translated,
    bump_version,
    check_keys,
    kept_name,
)

from ..naming import check_identifier, check_permission_name
from ..store import (
    clear_api,
    delete_permission,
    delete_resource,
    edit_resource,
    resource_permissions,
    save_permission,
    save_resource,
)
from ..tables import ApiResource

API = {
    "identifier": StateMember(str, most=1000, required=True),
    "name": StateMember(str, most=200),
    "translations": StateMember(dict, of=str),
    "description": StateMember(str, most=LONGEST_DESCRIPTION),
    "token_lifetime": StateMember(int),
    "permissions": StateMember(list, of=dict),
}
PERMISSION = {
    "name": StateMember(str, most=255, required=True),
    "description": StateMember(str, most=LONGEST_PERMISSION_DESCRIPTION),
    "translations": StateMember(dict, of=str),
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
                    note = partial(run.note, "withdrawn", "api_resource", row["identifier"])
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
    if members.get("name"):
        members = {**members, "name": kept_name(identifier, members["name"], (str(called),) if called else ())}
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
        note = partial(run.note, "withdrawn", "api_permission", " ".join((identifier, *gone)))
        await clear_api(run.server, note, identifier, *gone)
    await run.compare("api_resource", identifier, before, after, write)


def _removed(run: StateRun, identifier: str, names: Iterable[str]) -> None:
    """Nothing later in the file may refer to these permissions."""
    run.removed.setdefault("permission", set()).update(f"api {identifier} {name}" for name in names)


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


SECTION = StateSection("api_resources", 100, _apply_resources, _export_resources)
