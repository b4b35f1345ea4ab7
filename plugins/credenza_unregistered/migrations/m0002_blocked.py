"""Which clients were switched off together with their host."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import Boolean

ID = "0002"
VERSION = "1.38.0"
DESCRIPTION = "Which clients were switched off together with their host."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza_unregistered", description=DESCRIPTION)
    manager.add_column(
        table_class_name="Registration",
        tablename="credenza_registration",
        column_name="blocked",
        db_column_name="blocked",
        column_class_name="Boolean",
        column_class=Boolean,
        params={"null": False, "default": False},
    )
    return manager
