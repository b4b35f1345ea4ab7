"""The section `organizations` of the desired-state file."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from credenza import (
    LONGEST_DESCRIPTION,
    Branding,
    StateError,
    StateMember,
    StateRun,
    StateSection,
    as_identifier,
    as_kept,
    check_keys,
    declared_branding,
    forms_of,
    kept_name,
    new_id,
    transaction,
    users,
)

from ..store import (
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
from ..tables import Organization
from ..template import template_roles

ORGANIZATION = {
    "id": StateMember(str, most=40),
    "name": StateMember(str, most=200, required=True),
    "description": StateMember(str, most=LONGEST_DESCRIPTION),
    "suspended": StateMember(bool),
    "members": StateMember(list, of=dict),
    "branding": StateMember(dict),
}
MEMBER = {"username": StateMember(str, required=True), "roles": StateMember(list, of=str)}
ID = re.compile(r"[A-Za-z0-9_-]+")


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
    row = await _find(members)
    name = kept_name("an organization", members["name"], (row["name"],) if row is not None else ())
    if members.get("id") and not ID.fullmatch(members["id"]):
        raise StateError(f"{name}: an id has letters, digits, - and _ only")
    run.once("organization", members.get("id") or name)
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


async def _find(members: Mapping[str, Any]) -> dict[str, Any] | None:
    """By its id, else by its name in whatever form."""
    if members.get("id"):
        return await find_organization(members["id"])
    o = Organization
    for name in forms_of(members["name"]):
        rows = await o.select().where(o.name == name).limit(2)
        if len(rows) > 1:
            raise StateError(f"{name}: several organizations have this name; say which by id")
        if rows:
            return dict(rows[0])
    return None


async def _apply_members(run: StateRun, organization: str, name: str, items: Any, roles: Mapping[str, str]) -> None:
    """The list is the whole membership: who is not named in it is removed only by `prune`."""
    before = await members_of(organization)
    named: set[str] = set()
    for item in items:
        entry = check_keys(item, MEMBER, f"{name}: a member")
        wanted = sorted({as_kept(role, roles) for role in entry.get("roles", [])})
        for role in wanted:
            if not run.knows("organization_role", role, there=role in roles):
                raise StateError(f"{name}: the template has no role {role!r}")
        user = await run.find_user(entry["username"])
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


SECTION = StateSection("organizations", 500, _apply_organizations, _export_organizations)
