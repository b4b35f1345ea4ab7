"""Hosts that nobody decided about yet are found, and counted, in an index."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "0003"
VERSION = "1.38.0"
DESCRIPTION = "Hosts that nobody decided about yet are found, and counted, in an index."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza_unregistered", description=DESCRIPTION)
    manager.add_raw(create)
    return manager


async def create() -> None:
    await Table.raw(
        'CREATE INDEX credenza_registration_waiting ON credenza_registration ("host", "registered_at", "client") '
        "WHERE decided_at = 0"
    )
