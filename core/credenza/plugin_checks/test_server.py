"""Tables, routes, metadata and commands: a server with the plugin starts, and works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.handlers import HTTPRouteHandler
from piccolo.table import Table

from credenza.__main__ import parsers
from credenza.objects import Command
from credenza.server import AuthorizationServer
from credenza.testing import Credenza, UserAgent, running, test_settings
from credenza.testing.examination import Examined

from .conftest import registered_by

Columns = dict[str, tuple[str, bool]]
"""Names, types, and whether there is always a value."""


@pytest.fixture(scope="session")
def begun(credenza_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Credenza]:
    """A server whose database was empty."""
    path = tmp_path_factory.mktemp("begun") / "credenza.db"
    with running(test_settings(f"sqlite:///{path}", **credenza_settings)) as started:
        yield started


def test_its_tables_are_made_on_an_empty_database(examined: Examined, begun: Credenza) -> None:
    assert begun.run(begun.server.pending_migrations) == []
    for app in registered_by(examined, begun.server, "register_tables"):
        for table in app.table_classes:
            begun.run(table.count().run)


def test_its_migrations_make_what_its_classes_describe(examined: Examined, begun: Credenza) -> None:
    """Both are written by hand, and where they differ only a row that somebody writes would show it."""

    async def made(table: type[Table]) -> Columns:
        rows = await begun.server.engine.run_ddl(f"PRAGMA table_info({table._meta.tablename})")
        return {row["name"]: (row["type"], bool(row["notnull"] or row["pk"])) for row in rows}

    for app in registered_by(examined, begun.server, "register_tables"):
        for table in app.table_classes:
            described = {
                column._meta.db_column_name: (column.column_type, not column._meta.null or column._meta.primary_key)
                for column in table._meta.columns
            }
            assert begun.run(made, table) == described, f"{table.__name__}: what the migrations made, and the class"


def test_a_page_without_parameters_does_not_fail(examined: Examined, credenza: Credenza, admin: UserAgent) -> None:
    """Whoever comes: nobody, or an administrator."""
    for handler in registered_by(examined, credenza.server, "register_routes", plugins=credenza.server.plugins):
        if isinstance(handler, HTTPRouteHandler) and "GET" in handler.http_methods:
            for path in handler.paths:
                if "{" not in path:
                    assert UserAgent(credenza).send("GET", path).status_code < 500, path
                    assert admin.send("GET", path).status_code < 500, path


def test_a_page_of_the_console_without_parameters_does_not_fail(
    examined: Examined, credenza: Credenza, admin: UserAgent
) -> None:
    pages = (
        registered_by(examined, credenza.server, "console_pages") if "console" in credenza.server.plugins_named else []
    )
    for route in (route for page in pages for route in page.routes):
        if route.method == "GET" and "{" not in route.path:
            assert admin.send("GET", route.path).status_code < 500, route.path


def test_its_metadata_is_json(examined: Examined, server: AuthorizationServer) -> None:
    for members in registered_by(examined, server, "register_metadata"):
        json.dumps(dict(members))


def test_a_command_says_what_it_does_and_takes_no_name_of_ours(command: Command) -> None:
    assert command.help
    _, _, ours = parsers()
    assert command.name not in ours
    assert callable(command.run)
