"""Passkeys."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Boolean, Text, Varchar

from credenza import NewTable

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "Passkeys."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza_passkeys", description=DESCRIPTION)
    table = NewTable(manager, "PasskeyRow", "credenza_passkey")
    table.column("id", Varchar, length=64, primary_key=True)
    table.reference("user", "credenza_user", length=40)
    table.column("credential_id", Text)
    table.column("public_key", Text)
    table.column("sign_count", BigInt, default=0)
    table.column("synced", Boolean, default=False)
    table.column("transports", Varchar, length=200, default="")
    table.column("name", Varchar, length=100, default="")
    table.column("added_at", BigInt, default=0)
    table.column("last_used_at", BigInt, null=True, default=None)
    return manager
