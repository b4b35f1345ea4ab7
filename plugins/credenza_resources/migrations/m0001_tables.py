"""APIs, permissions and roles."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Boolean, Integer, Text, Varchar

from credenza import NewTable

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "APIs, permissions and roles."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza_resources", description=DESCRIPTION)
    for add in (api_resource, api_permission, role, role_permission, user_role, client_role):
        add(manager)
    return manager


def api_resource(manager: MigrationManager) -> None:
    table = NewTable(manager, "ApiResource", "credenza_api_resource")
    table.column("identifier", Varchar, length=1000, primary_key=True)
    table.column("name", Varchar, length=200, default="")
    table.column("name_translations", Text, default="")
    table.column("description", Text, default="")
    table.column("token_lifetime", Integer, default=0)
    table.column("created_at", BigInt, default=0)


def api_permission(manager: MigrationManager) -> None:
    table = NewTable(manager, "ApiPermission", "credenza_api_permission")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("resource", "credenza_api_resource", "identifier", length=1000)
    table.column("name", Varchar, length=255, default="")
    table.column("description", Text, default="")
    table.column("translations", Text, default="")


def role(manager: MigrationManager) -> None:
    table = NewTable(manager, "Role", "credenza_role")
    table.column("id", Varchar, length=40, primary_key=True)
    table.column("name", Varchar, length=100, default="", unique=True)
    table.column("description", Text, default="")
    table.column("default", Boolean, default=False)
    table.column("created_at", BigInt, default=0)


def role_permission(manager: MigrationManager) -> None:
    table = NewTable(manager, "RolePermission", "credenza_role_permission")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("role", "credenza_role", length=40)
    table.reference("permission", "credenza_api_permission", length=40)


def user_role(manager: MigrationManager) -> None:
    table = NewTable(manager, "UserRole", "credenza_user_role")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("user", "credenza_user", length=40)
    table.reference("role", "credenza_role", length=40)


def client_role(manager: MigrationManager) -> None:
    table = NewTable(manager, "ClientRole", "credenza_client_role")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("client", "credenza_client", length=255)
    table.reference("role", "credenza_role", length=40)
