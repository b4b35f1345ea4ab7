"""Addresses that wait for their owner to create an account."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Varchar

from credenza import NewTable

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "Addresses that wait for their owner to create an account."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza_signup", description=DESCRIPTION)
    table = NewTable(manager, "SignupRow", "credenza_signup")
    table.column("id", Varchar, length=64, primary_key=True)
    table.column("email", Varchar, length=320, index=True)
    table.column("expires_at", BigInt, default=0, index=True)
    return manager
