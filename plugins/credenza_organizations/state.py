"""The sections `organization_template` and `organizations` of the desired-state file."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from credenza import (
    Asked,
    Branding,
    StateError,
    StateMember,
    StateRun,
    StateSection,
    Translated,
    as_identifier,
    check_keys,
    declared_branding,
    new_id,
    transaction,
    users,
)

from .store import (
    add_member,
    clear_organization,
    delete_organization,
    edit_organization,
    find_organization,
    insert_organization,
    members_of,
    remove_member,
    save_branding,
    switch_organization,
)
from .tables import Organization
from .template import (
    check_permission_name,
    delete_template_permission,
    delete_template_role,
    save_template_permission,
    save_template_role,
    template_permissions,
    template_roles,
)

TEXT = StateMember(str)
PERMISSION = {
    "name": StateMember(str, most=255, required=True),
    "description": TEXT,
    "translations": StateMember(dict, of=str),
}
ROLE = {
    "name": StateMember(str, most=100, required=True),
    "description": TEXT,
    "permissions": StateMember(list, of=str),
    "api_permissions": StateMember(dict, of=list),
}
ORGANIZATION = {
    "id": StateMember(str, most=40),
    "name": StateMember(str, most=200, required=True),
    "description": TEXT,
    "suspended": StateMember(bool),
    "members": StateMember(list, of=dict),
    "branding": StateMember(dict),
}
MEMBER = {"username": StateMember(str, required=True), "roles": StateMember(list, of=str)}
ID = re.compile(r"[A-Za-z0-9_-]+")


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
    for item in template.get("roles", []):
        await _apply_role(run, check_keys(item, ROLE, "a role"))
    if run.prune:
        await _prune_template(run, template, before)


async def _apply_role(run: StateRun, members: Mapping[str, Any]) -> None:
    name = members["name"]
    run.once("organization_role", name)
    row = (await template_roles()).get(name)
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


async def _prune_template(run: StateRun, template: Mapping[str, Any], before: Mapping[str, str]) -> None:
    named = {str(item["name"]) for item in template.get("permissions", [])}
    for name in [name for name in before if name not in named]:

        async def write(name: str = name) -> None:
            await delete_template_permission(run.server, name)

        await run.change("deleted", "organization_permission", name, write)
    roles = {str(item["name"]) for item in template.get("roles", [])}
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


async def _apply_organizations(items: Any, run: StateRun) -> None:
    roles = {name: role["id"] for name, role in (await template_roles()).items()}
    kept = {
        await _apply_organization(run, check_keys(item, ORGANIZATION, "an organization"), roles) for item in items or []
    }
    if run.prune:
        for row in await Organization.select(Organization.id, Organization.name, Organization.suspended):
            if row["id"] not in kept:

                async def write(organization: str = row["id"]) -> None:
                    await delete_organization(organization)

                if not run.dry:
                    await clear_organization(row["id"], partial(_suspend, run, row))
                await run.change("deleted", "organization", row["name"], write)


async def _suspend(run: StateRun, row: Mapping[str, Any]) -> None:
    """Before it goes a little at a time."""
    async with transaction():
        if await switch_organization(row["id"], suspended=True):
            await run.note(
                "suspended", "organization", row["name"], before={"suspended": False}, after={"suspended": True}
            )


async def _apply_organization(run: StateRun, members: Mapping[str, Any], roles: Mapping[str, str]) -> str:
    """Its id."""
    name = members["name"]
    if members.get("id") and not ID.fullmatch(members["id"]):
        raise StateError(f"{name}: an id has letters, digits, - and _ only")
    run.once("organization", members.get("id") or name)
    row = await _find(members, name)
    before = {key: row[key] for key in ("name", "description", "suspended")} if row is not None else None
    after = {
        "name": name,
        "description": str(members.get("description", (row or {}).get("description", ""))),
        "suspended": bool(members.get("suspended", (row or {}).get("suspended", False))),
    }
    organization = row["id"] if row is not None else members.get("id") or new_id()

    async def write() -> dict[str, Any]:
        if before is None:
            await insert_organization(organization, after, run.server.now())
        else:  # whatever else is changed meanwhile stays
            await edit_organization(organization, {key: after[key] for key in after if after[key] != before[key]})
        return {"id": organization}

    await run.compare("organization", name, before, after, write)
    if "branding" in members:
        await _apply_branding(run, organization, name, row, members["branding"])
    if "members" in members:
        await _apply_members(run, organization, name, members["members"], roles)
    return organization


async def _apply_branding(
    run: StateRun, organization: str, name: str, row: Mapping[str, Any] | None, part: Mapping[str, Any]
) -> None:
    before = json.loads(row["branding"]) if row is not None else {}
    after = await declared_branding(run, part, name, before)
    after = dict.fromkeys(before, "") | after  # what is empty now is a difference, too

    async def write() -> None:
        now = await find_organization(organization)
        said = json.loads(now["branding"]) if now is not None else {}  # whatever else is changed meanwhile stays
        changed = {key: text for key, text in after.items() if before.get(key) != text}
        await save_branding(organization, Branding.load(said | changed))

    await run.compare("organization branding", name, before, after, write)


async def _find(members: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    o = Organization
    rows = await o.select().where((o.id == members["id"]) if members.get("id") else (o.name == name)).limit(2)
    if len(rows) > 1:
        raise StateError(f"{name}: several organizations have this name; say which by id")
    return dict(rows[0]) if rows else None


async def _apply_members(run: StateRun, organization: str, name: str, items: Any, roles: Mapping[str, str]) -> None:
    """The list is the whole membership: who is not named in it is removed only by `prune`."""
    before = await members_of(organization)
    named: set[str] = set()
    for item in items:
        entry = check_keys(item, MEMBER, f"{name}: a member")
        wanted = sorted(set(entry.get("roles", [])))
        for role in wanted:
            if not run.knows("organization_role", role, there=role in roles):
                raise StateError(f"{name}: the template has no role {role!r}")
        user = await users.find_user_by_identifier(entry["username"])
        username = user.username if user is not None else as_identifier(entry["username"])
        run.once("member", f"{username} of {name}")
        if not run.knows("user", username, there=user is not None):
            raise StateError(f"{name}: there is no user {username!r}")
        if user is not None:
            named.add(user.id)
        await _apply_member(run, organization, name, username, user, before, wanted, roles)
    if run.prune:
        gone = [user_id for user_id in before if user_id not in named]
        for user_id, user in (await users.list_users_by_id(gone)).items():

            async def write(user_id: str = user_id) -> None:
                await remove_member(organization, user_id)

            await run.change("deleted", "member", f"{user.username} of {name}", write)


async def _apply_member(
    run: StateRun,
    organization: str,
    name: str,
    username: str,
    user: users.User | None,
    before: Mapping[str, list[str]],
    wanted: list[str],
    roles: Mapping[str, str],
) -> None:
    was = before.get(user.id) if user is not None else None

    async def write() -> None:
        assert user is not None
        await add_member(organization, user.id, [roles[role] for role in wanted], run.server.now())

    await run.compare(
        "member", f"{username} of {name}", {"roles": was} if was is not None else None, {"roles": wanted}, write
    )


async def _export_organizations() -> AsyncIterator[dict[str, Any]]:
    for row in sorted(await Organization.select(), key=lambda row: (row["name"].casefold(), row["id"])):
        members = await members_of(row["id"], by="username")
        entry: dict[str, Any] = {"id": row["id"], "name": row["name"]}
        entry |= {key: row[key] for key in ("description", "suspended") if row[key]}
        entry |= {"branding": said} if (said := json.loads(row["branding"])) else {}
        if members:
            entry["members"] = [{"username": username, "roles": names} for username, names in sorted(members.items())]
        yield entry


SECTIONS = [
    StateSection("organization_template", 300, _apply_template, _export_template),
    StateSection("organizations", 500, _apply_organizations, _export_organizations),
]
