"""Since when somebody has their email address: of several with one that nobody has confirmed, whoever had it first is
meant by it. Of those who have one already it is not known, and when the account was made counts.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt

ID = "0007"
VERSION = "1.38.0"
DESCRIPTION = "Since when somebody has their email address."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza", description=DESCRIPTION)
    manager.add_column(
        table_class_name="UserRow",
        tablename="credenza_user",
        column_name="email_since",
        db_column_name="email_since",
        column_class_name="BigInt",
        column_class=BigInt,
        params={"null": True, "default": None},
    )
    return manager
