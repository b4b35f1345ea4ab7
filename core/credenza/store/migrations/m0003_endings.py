"""Grants that have ended and are marked a little at a time."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Text, Varchar

from credenza.store.schema import NewTable

ID = "0003"
VERSION = "1.38.0"
DESCRIPTION = "Grants that have ended and are marked a little at a time."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza", description=DESCRIPTION)
    table = NewTable(manager, "EndingRow", "credenza_ending")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("user", "credenza_user", length=40)
    table.column("what", Text, default="{}")
    table.column("at", BigInt, default=0)
    table.column("claimed_until", BigInt, default=0)
    return manager
