"""What people are found by, in an index of every three characters of it: SQLite's own, which triggers keep.

PostgreSQL has one in an extension, which docs/how-to/sizing.md describes.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

from credenza.store.engine import database

ID = "0004"
VERSION = "1.38.0"
DESCRIPTION = "What people are found by, in an index of every three characters of it."

FORGET = (
    "INSERT INTO credenza_user_trigrams(credenza_user_trigrams, rowid, words) VALUES ('delete', old.rowid, old.words)"
)
NOTE = "INSERT INTO credenza_user_trigrams(rowid, words) VALUES (new.rowid, new.words)"
STATEMENTS = (
    "CREATE VIRTUAL TABLE credenza_user_trigrams "
    "USING fts5(words, content='credenza_user', tokenize='trigram', detail='none')",
    "INSERT INTO credenza_user_trigrams(credenza_user_trigrams) VALUES ('rebuild')",
    f"CREATE TRIGGER credenza_user_trigrams_new AFTER INSERT ON credenza_user BEGIN {NOTE}; END",
    f"CREATE TRIGGER credenza_user_trigrams_gone AFTER DELETE ON credenza_user BEGIN {FORGET}; END",
    "CREATE TRIGGER credenza_user_trigrams_other AFTER UPDATE OF words ON credenza_user "
    f"WHEN old.words <> new.words BEGIN {FORGET}; {NOTE}; END",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza", description=DESCRIPTION)
    if database().engine_type == "sqlite":
        manager.add_raw(create)
    return manager


async def create() -> None:
    for statement in STATEMENTS:
        await Table.raw(statement)
