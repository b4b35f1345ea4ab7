"""From one release to the next: a populated database of an older schema is migrated, and old workers go on meanwhile.

Migrations after the first release expand: what they add, the release before can ignore; what nobody uses any more goes
a release later. SECURITY.md F-15.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import credenza.store.migrations.m0002_indexes as m0002
from credenza.store.migrate import migrations_of
from credenza.store.piccolo_app import APP_CONFIG
from credenza.testing import Callback, Credenza, RelyingParty, UserAgent, running, test_settings

CONTRACTING = re.compile(
    r"drop_table|drop_column|rename_table|rename_column|alter_column|DROP |RENAME |ALTER COLUMN|\bSET NOT NULL"
)


def run_sql(url: str, *statements: str) -> list[list[Any]]:
    """Past the server: each statement's rows."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            return [[tuple(row) for row in connection.execute(statement)] for statement in statements]

    async def run() -> list[list[Any]]:
        import asyncpg

        connection = await asyncpg.connect(url)
        try:
            return [[tuple(row) for row in await connection.fetch(statement)] for statement in statements]
        finally:
            await connection.close()

    return asyncio.run(run())


def contents(url: str) -> dict[str, list[Any]]:
    """Every row of every table of ours."""
    listing = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if url.startswith("sqlite")
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    tables = sorted(name for (name,) in run_sql(url, listing)[0] if name.startswith("credenza_"))
    return {
        table: sorted(map(repr, rows))
        for table, rows in zip(tables, run_sql(url, *(f"SELECT * FROM {t}" for t in tables)), strict=True)
    }


def use(credenza: Credenza) -> tuple[RelyingParty, dict[str, Any]]:
    """A sign-in, so that there are sessions, grants, tokens, consents and audit events."""
    client = RelyingParty(credenza, "app", "https://app.example.com/cb")
    seen = UserAgent(credenza).authorize(client, scope="openid profile email offline_access")
    assert isinstance(seen, Callback)
    return client, client.tokens(seen)


def test_a_populated_database_of_an_older_schema_is_migrated(filled_database_url: str) -> None:
    with running(test_settings(filled_database_url)) as old:
        _, tokens = use(old)
    older = [f"DROP INDEX {name}" for name in (*m0002.INDEXES, *m0002.OTHERS)]
    run_sql(filled_database_url, *older, "DELETE FROM migration WHERE app_name = 'credenza' AND name = '0002'")
    before = contents(filled_database_url)
    assert len(before) > 20
    assert all(before[table] for table in ("credenza_user", "credenza_refresh_token", "credenza_consent_permission"))
    with running(test_settings(filled_database_url)) as new:
        assert new.run(new.server.pending_migrations) == []
        after = contents(filled_database_url)
        assert after.keys() >= before.keys()
        for table, rows in before.items():
            assert after[table] == rows, table
        client = RelyingParty(new, "app", "https://app.example.com/cb")
        assert client.userinfo(tokens["access_token"]).json()["name"] == "Ada Lovelace"
        assert client.refresh(tokens["refresh_token"]).status_code == 200
        use(new)


@pytest.mark.parametrize("migration", migrations_of(APP_CONFIG)[1:], ids=lambda migration: str(migration.ID))
def test_a_later_migration_only_adds(migration: Any) -> None:
    """Workers of the release before serve while it runs, and after it until they are replaced."""
    assert not CONTRACTING.search(inspect.getsource(migration)), Path(migration.__file__).name
