"""Three scope sources: a user's memberships, permissions of the template, and API permissions held in an organization.

The organization is chosen on the consent page, through the question of the first source. Whatever is held in one
organization is bound to it: it never shares a token with a right in another, or with a right everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from credenza import Asked, Branding, Choices, Permission, Question, Scope, ScopeProvider, Subject, Translated, Words

from .store import Membership, memberships, memberships_in, organization_branding, organization_name, permissions_in
from .tables import OrganizationPermission
from .template import forget_api_permissions

QUESTION = "organization"
ORGANIZATIONS = "urn:credenza:scope:organizations"
ORGANIZATION_ROLES = "urn:credenza:scope:organization_roles"
CLAIMS = (Words("Organizations"), Words("Organization data"), Words("Organization roles"))  # as claim_label calls them
AUDIENCE = "urn:credenza:organization:"


def chosen(choices: Choices) -> str:
    """The id of the chosen organization, or nothing."""
    return choices.get(QUESTION, "")


class MembershipScopes(ScopeProvider):
    """Which organization the user acts for, and with which roles there: claims, and the question itself."""

    name = "membership"
    title = "Membership"
    order = 300
    refuses = True
    steady = True
    question_parameter = ("organization_id", QUESTION)

    scopes = (
        Scope(
            Permission("membership", "", ORGANIZATIONS),
            Words("The organization you choose"),
            Words("Its name, and that you are a member"),
            group=Words("Your organization"),
            claims=("organizations", "organization_data"),
            icon="building",
        ),
        Scope(
            Permission("membership", "", ORGANIZATION_ROLES),
            Words("Your roles there"),
            Words("What you may do in the organization you choose"),
            group=Words("Your organization"),
            claims=("organization_roles",),
            icon="users",
        ),
    )

    async def catalogue(self) -> Sequence[Scope]:
        return self.scopes

    def implied(self, ceiling: Mapping[Permission, bool]) -> Mapping[Permission, bool]:
        """Who may ask for rights in an organization may know which one it is."""
        for permission in ceiling:
            if permission.source in ("organization", "organization_api"):
                return {self.scopes[0].permission: True}
        return {}

    async def held(
        self, subject: Subject, permissions: Sequence[Permission], choices: Choices
    ) -> Mapping[Permission, str]:
        """Who is in no organization has nothing to tell, and is not asked about it."""
        return dict.fromkeys(permissions, "") if await _memberships(subject, chosen(choices)) else {}

    async def question(self, subject: Subject, permissions: Sequence[Permission]) -> Question | None:
        """For the roles alone, too: without a choice they would be those in all organizations."""
        if subject.user is None or not any(scope.permission in permissions for scope in self.scopes):
            return None
        options = tuple((m.id, m.name) for m in await _memberships(subject))
        return (
            Question(
                QUESTION,
                Words("Which organization?"),
                options,
                Words("The application only learns about the one you choose."),
            )
            if options
            else None
        )

    async def still_valid(self, subject: Subject, choices: Choices) -> bool:
        """Not after the user has left it, or it was suspended."""
        wanted = chosen(choices)
        return not wanted or bool(await _memberships(subject, wanted))

    async def answer_title(self, question: str, answer: str) -> str | None:
        return await organization_name(answer) if question == QUESTION else None

    async def branding(self, choices: Choices) -> Branding | None:
        return await organization_branding(chosen(choices)) if chosen(choices) else None

    async def claims(self, subject: Subject, permissions: Sequence[Permission], choices: Choices) -> Mapping[str, Any]:
        """About the chosen organization only; all of them for our own applications, which nobody chose for."""
        mine = await _memberships(subject, chosen(choices))
        released: dict[str, Any] = {}
        if self.scopes[0].permission in permissions:
            released["organizations"] = [m.id for m in mine]
            released["organization_data"] = [{"id": m.id, "name": m.name, "description": m.description} for m in mine]
        if self.scopes[1].permission in permissions:
            released["organization_roles"] = [f"{m.id}:{role}" for m in mine for role in m.roles]
        return released


class OrganizationScopes(ScopeProvider):
    """Permissions of the organization template, for tokens whose audience is the organization itself."""

    name = "organization"
    title = "Organization permissions"
    order = 600
    steady = True
    section = "organization"

    async def catalogue(self) -> Sequence[Scope]:
        p = OrganizationPermission
        return [_scope(row) for row in await p.select().order_by(p.name)]

    async def knows(self, resource: str) -> bool:
        return resource.startswith(AUDIENCE)

    async def requested(self, asked: Asked) -> Sequence[Scope]:
        """Without the scope that says which organization, there is nothing to ask for."""
        if ORGANIZATIONS not in asked.scopes:
            return []
        p = OrganizationPermission
        return [_scope(row) for row in await p.select().where(p.name.is_in(list(asked.scopes))).order_by(p.name)]

    async def held(
        self, subject: Subject, permissions: Sequence[Permission], choices: Choices
    ) -> Mapping[Permission, str]:
        return await _held(subject, permissions, choices)

    def audience(self, permission: Permission, choices: Choices) -> str:
        return AUDIENCE + chosen(choices)

    def binding(self, permission: Permission, choices: Choices) -> str:
        return chosen(choices)

    async def access_token_claims(self, subject: Subject, audience: str, choices: Choices) -> Mapping[str, Any]:
        return {"organization_id": chosen(choices)}


class OrganizationApiScopes(ScopeProvider):
    """Permissions of APIs that a role in the organization carries. The APIs are another plugin's."""

    name = "organization_api"
    title = "API resources, in an organization"
    order = 700
    steady = True
    section = "organization"

    async def catalogue(self) -> Sequence[Scope]:
        apis = self.server.scope_providers.get("api")
        return [_in_organization(scope) for scope in await apis.catalogue()] if apis is not None else []

    async def knows(self, resource: str) -> bool:
        return False  # the APIs speak for themselves

    async def requested(self, asked: Asked) -> Sequence[Scope]:
        apis = self.server.scope_providers.get("api")
        if apis is None or ORGANIZATIONS not in asked.scopes:
            return []
        return [_in_organization(scope) for scope in await apis.requested(asked)]

    async def held(
        self, subject: Subject, permissions: Sequence[Permission], choices: Choices
    ) -> Mapping[Permission, str]:
        return await _held(subject, permissions, choices)

    def binding(self, permission: Permission, choices: Choices) -> str:
        return chosen(choices)

    async def access_token_claims(self, subject: Subject, audience: str, choices: Choices) -> Mapping[str, Any]:
        return {"organization_id": chosen(choices)}

    async def forget(self, resource: str, scope: str) -> None:
        await forget_api_permissions(resource, scope)

    async def access_token_lifetime(self, audience: str) -> int | None:
        apis = self.server.scope_providers.get("api")
        return await apis.access_token_lifetime(audience) if apis is not None else None


async def _memberships(subject: Subject, organization: str = "") -> list[Membership]:
    """In that organization, or in all of them."""
    key = f"memberships {organization}"
    if key not in subject.memory:
        read = memberships_in(organization, subject.id) if organization else memberships(subject.id)
        subject.memory[key] = await read
    found: list[Membership] = subject.memory[key]
    return found


async def _held(subject: Subject, permissions: Sequence[Permission], choices: Choices) -> Mapping[Permission, str]:
    """Through the roles of this member in this organization, and no other."""
    if subject.user is None or not chosen(choices):
        return {}
    key = f"organization {chosen(choices)}"
    if key not in subject.memory:
        subject.memory[key] = await permissions_in(chosen(choices), subject.id)
    through = subject.memory[key]
    return {p: f"role {through[p.resource, p.scope]}" for p in permissions if (p.resource, p.scope) in through}


def _scope(row: Mapping[str, Any]) -> Scope:
    permission = Permission("organization", "", row["name"])
    title = Translated.load(row["description"] or row["name"], row["translations"])
    return Scope(permission, title, group=Words("In the organization"), icon="building")


def _in_organization(scope: Scope) -> Scope:
    permission = scope.permission._replace(source="organization_api")
    return replace(scope, permission=permission, group=Words("%(api)s, in the organization", api=scope.group))
