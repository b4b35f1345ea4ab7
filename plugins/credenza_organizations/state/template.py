"""The section `organization_template` of the desired-state file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from credenza import (
    LONGEST_DESCRIPTION,
    LONGEST_PERMISSION_DESCRIPTION,
    Asked,
    StateError,
    StateMember,
    StateRun,
    StateSection,
    Translated,
    check_keys,
    kept_name,
    new_id,
)

from ..template import (
    check_permission_name,
    delete_template_permission,
    delete_template_role,
    save_template_permission,
    save_template_role,
    template_permissions,
    template_roles,
)

PERMISSION = {
    "name": StateMember(str, most=255, required=True),
    "description": StateMember(str, most=LONGEST_PERMISSION_DESCRIPTION),
    "translations": StateMember(dict, of=str),
}
ROLE = {
    "name": StateMember(str, most=100, required=True),
    "description": StateMember(str, most=LONGEST_DESCRIPTION),
    "permissions": StateMember(list, of=str),
    "api_permissions": StateMember(dict, of=list),
}


async def _apply_template(part: Any, run: StateRun) -> None:
    template = check_keys(
        part or {},
        {"permissions": StateMember(list, of=dict), "roles": StateMember(list, of=dict)},
        "organization_template",
    )
    before = await template_permissions()
    declared = run.declared.setdefault("permission", set())
    removed = run.removed.setdefault("permission", set())
    # API permissions of this file can also be enabled for organizations.
    for keys in (declared, removed):
        keys |= {key.replace("api ", "organization_api ", 1) for key in keys if key.startswith("api ")}
    if run.prune:
        named = {str(item["name"]) for item in template.get("permissions", [])}
        removed |= {f"organization {name}" for name in before.keys() - named}
    for item in template.get("permissions", []):
        members = check_keys(item, PERMISSION, "a permission")
        name, description = members["name"], run.translated(members, "description", before.get(members["name"]))
        run.once("organization_permission", name)
        try:
            await check_permission_name(run.server, name)
        except ValueError as error:
            raise StateError(str(error)) from error
        declared.add(f"organization {name}")
        was = {"description": before[name].entry} if name in before else None

        async def write(name: str = name, description: Translated = description) -> None:
            await save_template_permission(name, description)

        await run.compare("organization_permission", name, was, {"description": description.entry}, write)
    roles = {await _apply_role(run, check_keys(item, ROLE, "a role")) for item in template.get("roles", [])}
    if run.prune:
        await _prune_template(run, template, before, roles)


async def _apply_role(run: StateRun, members: Mapping[str, Any]) -> str:
    """Its name, as it is kept."""
    known = await template_roles()
    name = kept_name("a role", members["name"], known)
    run.once("organization_role", name)
    row = known.get(name)
    after: dict[str, Any] = {
        "description": str(members.get("description", (row or {}).get("description", ""))),
        "permissions": sorted(set(members.get("permissions", (row or {}).get("permissions", [])))),
        "api_permissions": {
            str(resource): sorted({str(s) for s in scopes})
            for resource, scopes in sorted(
                members.get("api_permissions", (row or {}).get("api_permissions", {})).items()
            )
            if scopes
        },
    }
    await _check_known(run, name, {key: after[key] for key in after if key in members})
    before = {key: row[key] for key in after} if row is not None else None
    role_id = row["id"] if row is not None else new_id()

    async def write() -> dict[str, Any]:
        # Whatever else is changed meanwhile stays.
        differing = {key: after[key] for key in after if before is None or after[key] != before[key]}
        await save_template_role(role_id, name, **differing)
        return {"id": role_id}

    await run.compare("organization_role", name, before, after, write)
    return name


async def _check_known(run: StateRun, role: str, wanted: Mapping[str, Any]) -> None:
    """Every permission that a role is to carry exists and stays, or is declared in this file."""
    known = await template_permissions()
    for scope in wanted.get("permissions", ()):
        if not run.knows("permission", f"organization {scope}", there=scope in known):
            raise StateError(f"role {role}: the template has no permission {scope!r}")
    apis = run.server.scope_providers.get("api")
    for resource, scopes in wanted.get("api_permissions", {}).items():
        found = await apis.requested(Asked(tuple(scopes), (resource,))) if apis is not None else []
        names = {scope.permission.scope for scope in found}
        for scope in scopes:
            if not run.knows("permission", f"api {resource} {scope}", there=scope in names):
                raise StateError(f"role {role}: there is no permission {scope!r} at {resource}")


async def _prune_template(
    run: StateRun, template: Mapping[str, Any], before: Mapping[str, str], roles: Collection[str]
) -> None:
    named = {str(item["name"]) for item in template.get("permissions", [])}
    for name in [name for name in before if name not in named]:

        async def write(name: str = name) -> None:
            await delete_template_permission(run.server, name)

        await run.change("deleted", "organization_permission", name, write)
    for name, role in (await template_roles()).items():
        if name not in roles:

            async def write_role(role_id: str = role["id"]) -> None:
                await delete_template_role(role_id)

            await run.change("deleted", "organization_role", name, write_role)


async def _export_template() -> dict[str, Any]:
    permissions = [
        {"name": name, "description": str(text), **text.members}
        for name, text in sorted((await template_permissions()).items())
    ]
    roles = [
        {"name": name, **{key: value for key, value in role.items() if key != "id" and value}}
        for name, role in sorted((await template_roles()).items())
    ]
    return {"permissions": permissions, "roles": roles} if permissions or roles else {}


SECTION = StateSection("organization_template", 300, _apply_template, _export_template)
