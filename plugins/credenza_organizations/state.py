"""The sections `organization_template` and `organizations` of the desired-state file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from credenza import (
    Asked,
    Branding,
    StateError,
    StateRun,
    StateSection,
    Translated,
    check_branding,
    check_keys,
    new_id,
    stored_logos,
    users,
)

from .store import (
    add_member,
    check_permission_name,
    delete_organization,
    delete_template_permission,
    delete_template_role,
    members_of,
    remove_member,
    save_branding,
    save_organization,
    save_template_permission,
    save_template_role,
    template_permissions,
    template_roles,
)
from .tables import Organization

# Custom CSS is the provider's.
SHOWN = tuple(f.name for f in fields(Branding) if f.name != "stylesheet")


async def _apply_template(part: Any, run: StateRun) -> None:
    template = check_keys(part or {}, ("permissions", "roles"), "organization_template")
    before = await template_permissions()
    declared = run.declared.setdefault("permission", set())
    # API permissions of this file can also be enabled for organizations.
    declared |= {key.replace("api ", "organization_api ", 1) for key in declared if key.startswith("api ")}
    for item in template.get("permissions") or []:
        members = check_keys(item, ("name", "description", "translations"), "a permission")
        name, description = str(members["name"]), run.translated(members, "description")
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
    for item in template.get("roles") or []:
        await _apply_role(run, check_keys(item, ("name", "description", "permissions", "api_permissions"), "a role"))
    if run.prune:
        await _prune_template(run, template, before)


async def _apply_role(run: StateRun, members: Mapping[str, Any]) -> None:
    name = str(members["name"])
    run.once("organization_role", name)
    row = (await template_roles()).get(name)
    after: dict[str, Any] = {
        "description": str(members.get("description", (row or {}).get("description", ""))),
        "permissions": sorted(str(p) for p in members.get("permissions") or []),
        "api_permissions": {
            str(resource): sorted(str(s) for s in scopes or [])
            for resource, scopes in sorted((members.get("api_permissions") or {}).items())
        },
    }
    await _check_known(run, name, after)
    before = {key: row[key] for key in after} if row is not None else None
    role_id = row["id"] if row is not None else new_id()

    async def write() -> dict[str, Any]:
        await save_template_role(role_id, name, after["description"], after["permissions"], after["api_permissions"])
        return {"id": role_id}

    await run.compare("organization_role", name, before, after, write)


async def _check_known(run: StateRun, role: str, after: Mapping[str, Any]) -> None:
    """Every permission that a role carries exists, or is declared in this file."""
    declared = run.declared.get("permission", set())
    known = await template_permissions()
    for scope in after["permissions"]:
        if scope not in known and f"organization {scope}" not in declared:
            raise StateError(f"role {role}: the template has no permission {scope!r}")
    apis = run.server.scope_providers.get("api")
    for resource, scopes in after["api_permissions"].items():
        found = await apis.requested(Asked(tuple(scopes), (resource,))) if apis is not None else []
        names = {scope.permission.scope for scope in found}
        for scope in scopes:
            if scope not in names and f"api {resource} {scope}" not in declared:
                raise StateError(f"role {role}: there is no permission {scope!r} at {resource}")


async def _prune_template(run: StateRun, template: Mapping[str, Any], before: Mapping[str, str]) -> None:
    named = {str(item["name"]) for item in template.get("permissions") or []}
    for name in [name for name in before if name not in named]:

        async def write(name: str = name) -> None:
            await delete_template_permission(run.server, name)

        await run.change("deleted", "organization_permission", name, write)
    roles = {str(item["name"]) for item in template.get("roles") or []}
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
    for item in items or []:
        members = check_keys(item, ("id", "name", "description", "suspended", "members", "branding"), "an organization")
        await _apply_organization(run, members, roles)
    if run.prune:
        named = {str(item["name"]) for item in items or []}
        for row in await Organization.select(Organization.id, Organization.name):
            if row["name"] not in named:

                async def write(organization: str = row["id"]) -> None:
                    await delete_organization(organization)

                await run.change("deleted", "organization", row["name"], write)


async def _apply_organization(run: StateRun, members: Mapping[str, Any], roles: Mapping[str, str]) -> None:
    name = str(members["name"])
    run.once("organization", str(members.get("id") or name))
    row = await _find(members, name)
    before = {key: row[key] for key in ("name", "description", "suspended")} if row is not None else None
    after = {
        "name": name,
        "description": str(members.get("description", (row or {}).get("description", ""))),
        "suspended": bool(members.get("suspended", (row or {}).get("suspended", False))),
    }
    organization = row["id"] if row is not None else str(members.get("id") or new_id())

    async def write() -> dict[str, Any]:
        await save_organization(organization, after, run.server.now())
        return {"id": organization}

    await run.compare("organization", name, before, after, write)
    if "branding" in members:
        await _apply_branding(run, organization, name, row, members["branding"] or {})
    if "members" in members:
        await _apply_members(run, organization, name, members["members"] or [], roles)


async def _apply_branding(
    run: StateRun, organization: str, name: str, row: Mapping[str, Any] | None, part: Mapping[str, Any]
) -> None:
    declared = check_keys(part, SHOWN, f"{name}: branding")
    before = json.loads(row["branding"]) if row is not None else {}
    after = before | {key: str(value or "") for key, value in declared.items()}
    after = {key: value for key, value in (after | await stored_logos(run, declared, name)).items() if value}
    try:
        check_branding(after)
    except ValueError as error:
        raise StateError(f"{name}: branding: {error}") from error

    async def write() -> None:
        await save_branding(organization, Branding.load(after))

    await run.compare("organization branding", name, before, after, write)


async def _find(members: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    o = Organization
    rows = await o.select().where((o.id == str(members["id"])) if "id" in members else (o.name == name)).limit(2)
    if len(rows) > 1:
        raise StateError(f"{name}: several organizations have this name; say which by id")
    return dict(rows[0]) if rows else None


async def _apply_members(run: StateRun, organization: str, name: str, items: Any, roles: Mapping[str, str]) -> None:
    """The list is the whole membership: who is not named in it is removed only by `prune`."""
    before = await members_of(organization)
    declared_roles = run.declared.get("organization_role", set())
    named: set[str] = set()
    for item in items:
        entry = check_keys(item, ("username", "roles"), f"{name}: a member")
        wanted = sorted({str(role) for role in entry.get("roles") or []})
        for role in wanted:
            if role not in roles and role not in declared_roles:
                raise StateError(f"{name}: the template has no role {role!r}")
        username = str(entry["username"]).strip().lower()
        run.once("member", f"{username} of {name}")
        user = await users.find_user_by_identifier(username)
        if user is None and username not in run.declared.get("user", set()):
            raise StateError(f"{name}: there is no user {username!r}")
        if user is not None:
            named.add(user.id)
        await _apply_member(run, organization, name, username, user, before, wanted, roles)
    if run.prune:
        for user_id in [user_id for user_id in before if user_id not in named]:

            async def write(user_id: str = user_id) -> None:
                await remove_member(organization, user_id)

            await run.change("deleted", "member", f"{user_id} of {name}", write)


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


async def _export_organizations() -> list[dict[str, Any]]:
    found = []
    for row in sorted(await Organization.select(), key=lambda row: (row["name"].casefold(), row["id"])):
        members = await members_of(row["id"])
        people = await users.list_users_by_id(list(members))
        entry: dict[str, Any] = {"id": row["id"], "name": row["name"]}
        entry |= {key: row[key] for key in ("description", "suspended") if row[key]}
        entry |= {"branding": said} if (said := json.loads(row["branding"])) else {}
        if members:
            entry["members"] = sorted(
                ({"username": people[user].username, "roles": names} for user, names in members.items()),
                key=lambda member: str(member["username"]),
            )
        found.append(entry)
    return found


SECTIONS = [
    StateSection("organization_template", 300, _apply_template, _export_template),
    StateSection("organizations", 500, _apply_organizations, _export_organizations),
]
