"""Whether somebody holds a role, asked of one person after the other while very many do."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "0002"
VERSION = "1.38.0"
DESCRIPTION = "Whether somebody holds a role, asked of one person after the other while very many do."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza_resources", description=DESCRIPTION)
    manager.add_raw(create)
    return manager


async def create() -> None:
    await Table.raw('CREATE INDEX credenza_user_role_both ON credenza_user_role ("user", "role")')
