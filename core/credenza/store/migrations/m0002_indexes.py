"""Indexes that leave out rows without a value: every entry that is not there is a page that is not written."""

from __future__ import annotations

from functools import partial

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

from credenza.store.engine import database

ID = "0002"
VERSION = "1.38.0"
DESCRIPTION = "Indexes that leave out rows without a value."

INDEXES = {  # name: (table, columns); rows without a value in the first column, which may be null, are left out
    "credenza_access_token_grant": ("credenza_access_token", ("grant",)),
    "credenza_audit_event_user_id": ("credenza_audit_event", ("user", "id")),
    "credenza_audit_event_person_id": ("credenza_audit_event", ("person", "id")),
    "credenza_audit_event_client_id": ("credenza_audit_event", ("client", "id")),
    "credenza_audit_event_error_id": ("credenza_audit_event", ("error_id",)),
}
OTHERS = {  # name: what it is on
    # What a search over all users reads, in the order of the list.
    "credenza_user_words": 'credenza_user ("words", "id")',
    # Very many may have been imported in one second, and have never signed in.
    "credenza_user_created_at": 'credenza_user ("created_at", "id")',
    "credenza_user_last_sign_in_at": 'credenza_user ("last_sign_in_at"{nulls_first}, "id")',
    # What few people are, in the order of the list.
    "credenza_user_administrator": 'credenza_user ("words", "id") WHERE administrator <> \'\'',
    "credenza_user_suspended": 'credenza_user ("words", "id") WHERE suspended',
    "credenza_user_invited": 'credenza_user ("words", "id") WHERE password_hash IS NULL AND NOT suspended',
    # Most of what happens is a token: those are found without, and none of them has to write one entry more.
    "credenza_audit_event_seldom": 'credenza_audit_event ("name", "id") WHERE name <> \'TokenIssued\'',
    # Who uses an application, newest first: a late page of very many reads nothing else.
    "credenza_consent_newest": 'credenza_consent ("client", "updated_at", "id")',
    # What everybody said about a permission goes with it, and is found among all that anybody said.
    "credenza_consent_permission_about": 'credenza_consent_permission ("resource", "scope")',
    # What went wrong is rare where all is well, and is what somebody looks for.
    "credenza_audit_event_failed": "credenza_audit_event (\"id\") WHERE result <> 'success'",
    # Who is to be told of a session's end is read from the index, and not from each of very many grants.
    "credenza_grant_session_client": 'credenza_grant ("session", "client")',
    # Whoever is still to be told is looked for every five seconds, among a week of those who have been.
    "credenza_logout_delivery_due": 'credenza_logout_delivery ("next_at") WHERE delivered_at IS NULL',
    # Which applications count for nothing is asked of each of very many that registered themselves.
    "credenza_client_disabled": 'credenza_client ("id") WHERE NOT enabled',
    # Clean-up asks for the oldest every minute.
    "credenza_grant_created_at": 'credenza_grant ("created_at")',
}


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza", description=DESCRIPTION)
    for name, (table, columns) in INDEXES.items():
        manager.add_raw(partial(create, name, table, columns))
    for name, place in OTHERS.items():
        manager.add_raw(partial(create_other, name, place))
    return manager


async def create(name: str, table: str, columns: tuple[str, ...]) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    await Table.raw(f'CREATE INDEX {name} ON {table} ({listed}) WHERE "{columns[0]}" IS NOT NULL')


async def create_other(name: str, place: str) -> None:
    nulls_first = "" if database().engine_type == "sqlite" else " NULLS FIRST"  # where SQLite has them
    await Table.raw(f"CREATE INDEX {name} ON {place.format(nulls_first=nulls_first)}")
