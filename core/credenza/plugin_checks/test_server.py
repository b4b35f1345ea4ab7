"""Tables, routes, commands and sections of the desired-state file: a server with the plugin starts, and works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from litestar.handlers import HTTPRouteHandler

from credenza import state
from credenza.commands import OURS
from credenza.objects import Command, StateSection
from credenza.plugins import collect
from credenza.server import AuthorizationServer
from credenza.testing import Credenza, UserAgent, running, test_settings

from .conftest import Examined


def mine(server: AuthorizationServer, examined: Examined, hook: str, **arguments: Any) -> list[Any]:
    known = {"settings": server.settings, "server": server, "plugins": server.plugins, **arguments}
    found = collect(server.plugins, hook, None, **known)
    return [item for plugin, item in found if plugin == examined.name]


def test_its_tables_are_made_on_an_empty_database(examined: Examined, tmp_path: Path) -> None:
    settings = test_settings(f"sqlite:///{tmp_path / 'empty.db'}", plugins_path=examined.path)
    with running(settings) as credenza:
        assert credenza.run(credenza.server.pending_migrations) == []
        for app in mine(credenza.server, examined, "register_tables"):
            for table in app.table_classes:
                credenza.run(table.count().run)


def test_a_page_without_parameters_does_not_fail(examined: Examined, credenza: Credenza, admin: UserAgent) -> None:
    """Whoever comes: nobody, or an administrator."""
    for handler in mine(credenza.server, examined, "register_routes", plugins=credenza.server.plugins):
        if isinstance(handler, HTTPRouteHandler) and "GET" in handler.http_methods:
            for path in handler.paths:
                if "{" not in path:
                    assert UserAgent(credenza).send("GET", path).status_code < 500, path
                    assert admin.send("GET", path).status_code < 500, path


def test_its_metadata_is_json(examined: Examined, server: AuthorizationServer) -> None:
    for members in mine(server, examined, "register_metadata"):
        json.dumps(dict(members))


def test_a_cleaner_says_how_many_rows_it_deleted(examined: Examined, credenza: Credenza) -> None:
    for cleaner in mine(credenza.server, examined, "register_cleaners"):
        assert isinstance(credenza.run(cleaner, credenza.server.now()), int)


def test_a_command_says_what_it_does_and_takes_no_name_of_ours(command: Command) -> None:
    assert command.help
    assert command.name not in OURS
    assert callable(command.run)


def test_a_state_section_is_exported_as_it_can_be_applied(state_section: StateSection, credenza: Credenza) -> None:
    exported = credenza.run(state_section.export)
    json.dumps(exported)
    if exported:
        assert not credenza.apply({state_section.name: exported}).changes, "an exported section changes nothing"
    whole = credenza.run(state.export, credenza.server)
    json.dumps(whole)
