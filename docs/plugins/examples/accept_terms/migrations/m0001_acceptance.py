"""The table of acceptances."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import Integer, Varchar

from credenza import NewTable

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "The table of acceptances."


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="accept_terms", description=DESCRIPTION)
    table = NewTable(manager, "Acceptance", "accept_terms_acceptance")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("user", "credenza_user", length=40)
    table.column("version", Integer, default=0)
    return manager
