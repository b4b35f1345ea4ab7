"""Organizations."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Boolean, Text, Varchar

from credenza import NewTable

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "Organizations."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza_organizations", description=DESCRIPTION)
    for add in (
        organization,
        organization_permission,
        organization_role,
        organization_role_permission,
        organization_member,
        organization_member_role,
        organization_invitation,
    ):
        add(manager)
    return manager


def organization(manager: MigrationManager) -> None:
    table = NewTable(manager, "Organization", "credenza_organization")
    table.column("id", Varchar, length=40, primary_key=True)
    table.column("name", Varchar, length=200, default="", index=True)
    table.column("description", Text, default="")
    table.column("branding", Text, default="{}")
    table.column("suspended", Boolean, default=False)
    table.column("created_at", BigInt, default=0)


def organization_permission(manager: MigrationManager) -> None:
    table = NewTable(manager, "OrganizationPermission", "credenza_organization_permission")
    table.column("name", Varchar, length=255, primary_key=True)
    table.column("description", Text, default="")
    table.column("translations", Text, default="")


def organization_role(manager: MigrationManager) -> None:
    table = NewTable(manager, "OrganizationRole", "credenza_organization_role")
    table.column("id", Varchar, length=40, primary_key=True)
    table.column("name", Varchar, length=100, default="", unique=True)
    table.column("description", Text, default="")


def organization_role_permission(manager: MigrationManager) -> None:
    table = NewTable(manager, "OrganizationRolePermission", "credenza_organization_role_permission")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("role", "credenza_organization_role", length=40)
    table.column("resource", Varchar, length=1000, default="")
    table.column("scope", Varchar, length=255, default="")


def organization_member(manager: MigrationManager) -> None:
    table = NewTable(manager, "OrganizationMember", "credenza_organization_member")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("organization", "credenza_organization", length=40)
    table.reference("user", "credenza_user", length=40)
    table.column("joined_at", BigInt, default=0)


def organization_member_role(manager: MigrationManager) -> None:
    table = NewTable(manager, "OrganizationMemberRole", "credenza_organization_member_role")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("member", "credenza_organization_member", length=40)
    table.reference("role", "credenza_organization_role", length=40)


def organization_invitation(manager: MigrationManager) -> None:
    table = NewTable(manager, "OrganizationInvitation", "credenza_organization_invitation")
    table.column("digest", Varchar, length=64, primary_key=True)
    table.reference("organization", "credenza_organization", length=40)
    table.column("email", Varchar, length=320, default="")
    table.column("roles", Text, default="")
    table.column("invited_by", Varchar, length=40, default="")
    table.column("created_at", BigInt, default=0)
    table.column("expires_at", BigInt, default=0)
    table.column("spent_at", BigInt, default=None, null=True)
