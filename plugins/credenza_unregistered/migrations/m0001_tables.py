"""Registrations, and what was decided about hosts."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Text, Varchar

from credenza import NewTable

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "Registrations, and decisions about hosts."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza_unregistered", description=DESCRIPTION)
    table = NewTable(manager, "Registration", "credenza_registration")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("client", "credenza_client", length=255)
    table.column("token", Varchar, length=64, default="")
    table.column("declared", Varchar, length=64, default="", index=True)
    table.column("address", Varchar, length=64, default="")
    table.column("host", Varchar, length=255, default="", index=True)
    table.column("registered_at", BigInt, default=0, index=True)
    table.column("decided_at", BigInt, default=0)
    table = NewTable(manager, "HostDecision", "credenza_unregistered_host")
    table.column("host", Varchar, length=255, primary_key=True)
    table.column("decision", Varchar, length=20)
    table.column("ceiling", Text, default="[]")
    table.column("decided_by", Varchar, length=40, default="")
    table.column("decided_at", BigInt, default=0)
    return manager
