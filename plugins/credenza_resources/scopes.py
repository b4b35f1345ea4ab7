"""Two scope sources: the permissions of APIs (held through roles), and the names of a user's roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

from piccolo.query.functions import Lower

from credenza import Asked, Cache, Choices, Permission, Scope, ScopeProvider, Statement, Subject, Translated, Words

from .tables import ApiPermission, ApiResource, ClientRole, Role, UserRole

BY_NAME = (Lower(ApiPermission.resource.name), ApiPermission.resource, ApiPermission.name)
CLAIM = Words("Roles")  # for translators: what claim_label makes of the claim `roles`


class ApiScopes(ScopeProvider):
    """A permission is named by its API (`resource`, RFC 8707) and its scope, and held through a role."""

    name = "api"
    title = "API resources"
    for_clients = True
    steady = True

    def __init__(self) -> None:
        self._lifetimes: Cache[int | None] = Cache()
        self._services: Cache[Mapping[tuple[str, str], str]] = Cache()

    async def catalogue(self) -> Sequence[Scope]:
        return [_scope(row) for row in await _described().order_by(*BY_NAME)]

    async def requested(self, asked: Asked) -> Sequence[Scope]:
        if not asked.resources or not asked.scopes:
            return []
        if "api" not in asked.memory:
            p = ApiPermission
            query = _described().where(p.resource.is_in(list(asked.resources)) & p.name.is_in(list(asked.scopes)))
            asked.memory["api"] = [_scope(row) for row in await query.order_by(*BY_NAME)]
        found: list[Scope] = asked.memory["api"]
        return found

    async def knows(self, resource: str) -> bool:
        return bool(await ApiResource.exists().where(ApiResource.identifier == resource))

    async def held(
        self, subject: Subject, permissions: Sequence[Permission], choices: Choices
    ) -> Mapping[Permission, str]:
        """Through global roles only: what somebody may do in one organization stays there. One query.

        What roles an application has is configuration, and kept until that changes.
        """
        resources = tuple(sorted({p.resource for p in permissions}))
        if subject.user is not None:
            through = await _held_through("user", subject.id, resources)
        else:
            load = partial(_held_through, "client", subject.id, resources)
            through = await self._services.get((subject.id, resources), load)
        return {p: f"role {through[p.resource, p.scope]}" for p in permissions if (p.resource, p.scope) in through}

    async def access_token_lifetime(self, audience: str) -> int | None:
        async def load() -> int | None:
            r = ApiResource
            row = await r.select(r.token_lifetime).where(r.identifier == audience).first()
            return int(row["token_lifetime"]) or None if row else None

        return await self._lifetimes.get(audience, load)


class RoleScopes(ScopeProvider):
    """The scope `roles` releases the names of the user's global roles."""

    name = "roles"
    title = "Roles"
    order = 200
    refuses = True
    steady = True
    scope = Scope(
        Permission("roles", "", "roles"),
        Words("Your roles"),
        Words("What you may do here"),
        group=Words("Your account"),
        claims=("roles",),
        icon="shield",
    )

    async def catalogue(self) -> Sequence[Scope]:
        return [self.scope]

    async def claims(self, subject: Subject, permissions: Sequence[Permission], choices: Choices) -> Mapping[str, Any]:
        return {"roles": await role_names(subject)}


async def _held_through(holder: str, holder_id: str, resources: tuple[str, ...]) -> Mapping[tuple[str, str], str]:
    """A role's name by resource and scope, for each permission that it gives at these APIs."""
    rows = await _role_permissions(holder, len(resources)).all(holder_id, *resources)
    return {(row["resource"], row["scope"]): row["role"] for row in rows}


@cache
def _role_permissions(holder: str, resources: int) -> Statement:
    """The permissions at so many APIs that a user's, or a client's, roles carry."""
    return Statement(
        "SELECT r.name AS role, p.resource, p.name AS scope FROM "  # noqa: S608  # names of columns and tables
        f"credenza_{holder}_role h JOIN credenza_role_permission rp ON rp.role = h.role "
        "JOIN credenza_role r ON r.id = h.role JOIN credenza_api_permission p ON p.id = rp.permission "
        f'WHERE h."{holder}" = {{}} AND p.resource IN ({", ".join(["{}"] * resources)})'
    )


def _roles_of(subject: Subject) -> Any:
    """The ids of a subject's roles, as a part of another query."""
    if subject.user is not None:
        return UserRole.select(UserRole.role).where(UserRole.user == subject.user.id)
    return ClientRole.select(ClientRole.role).where(ClientRole.client == subject.id)


async def role_names(subject: Subject) -> list[str]:
    rows = await Role.select(Role.name).where(Role.id.is_in(_roles_of(subject))).order_by(Role.name)
    return [row["name"] for row in rows]


def _described() -> Any:
    p = ApiPermission
    return p.select(
        p.resource,
        p.name,
        p.description,
        p.translations,
        p.resource.name.as_alias("api"),
        p.resource.name_translations.as_alias("api_translations"),
    )


def _scope(row: Mapping[str, Any]) -> Scope:
    permission = Permission("api", row["resource"], row["name"])
    title = Translated.load(row["description"] or row["name"], row["translations"])
    return Scope(permission, title, group=Translated.load(row["api"], row["api_translations"]), icon="database")
