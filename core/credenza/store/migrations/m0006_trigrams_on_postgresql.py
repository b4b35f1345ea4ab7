"""What people are found by on PostgreSQL, in an index of every three characters of it, as 0004 makes for SQLite.

It is made of what every PostgreSQL has: `pg_trgm` is an extension, knows letters and digits of the database's locale
only, and reads all of its index where a search has fewer than three of those in a row.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

from credenza.store.engine import database

ID = "0006"
VERSION = "1.38.0"
DESCRIPTION = "What people are found by on PostgreSQL, in an index of every three characters of it."

FUNCTION = """
CREATE OR REPLACE FUNCTION credenza_trigrams(words text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 300 AS $$
DECLARE
    found text[];
BEGIN
    FOR start IN 1 .. length(words) - 2 LOOP
        found[start] := substr(words, start, 3);
    END LOOP;
    RETURN found;
END $$"""
"""Its cost, which is about right, has PostgreSQL ask the index and not each person."""


async def forwards() -> MigrationManager:
    # Nobody who signs in meanwhile waits for the index: it may be made outside of transactions only.
    manager = MigrationManager(migration_id=ID, app_name="credenza", description=DESCRIPTION, wrap_in_transaction=False)
    if database().engine_type == "postgres":
        manager.add_raw(create)
    return manager


async def create() -> None:
    await Table.raw(FUNCTION)
    await Table.raw(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS credenza_user_threes ON credenza_user "
        "USING gin (credenza_trigrams(words)) WITH (fastupdate = off)"  # else one sign-in in thousands takes 0.2 s
    )
    invalid = "SELECT 1 FROM pg_index WHERE indexrelid = 'credenza_user_threes'::regclass AND NOT indisvalid"
    if await Table.raw(invalid):  # of somebody who was interrupted
        await Table.raw("REINDEX INDEX CONCURRENTLY credenza_user_threes")
    await Table.raw("ANALYZE credenza_user")  # what stands in an index of an expression is not known before
