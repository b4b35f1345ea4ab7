"""What `pytest --credenza-plugin NAME` examines: plugins, and what each of them registers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..app import create_server
from ..plugins import PluginError, by_name, collect
from ..server import AuthorizationServer
from ..settings import Settings

# Fixtures of the checks that are given each object of a plugin in turn, by its name, and where a server keeps those.
KEPT: Mapping[str, str] = {
    "scope_source": "scope_providers",
    "client_type": "client_types",
    "client_source": "client_sources",
    "prompt": "prompts",
    "theme": "themes",
    "grant_type": "grant_types",
    "authenticator": "authenticators",
    "second_factor": "second_factors",
}
# The same, for what a server does not keep, and the hook that asks for it.
ASKED: Mapping[str, str] = {"state_section": "register_state", "command": "register_commands"}
# Fixtures that are given the plugin itself: always, or when it answers a hook.
ITSELF: Mapping[str, str] = {"examined": "", "cleaning": "register_cleaners"}

FIXTURES = frozenset([*KEPT, *ASKED, *ITSELF])


@dataclass(frozen=True, slots=True)
class Examined:
    """`module` is the plugin itself; `names` are what each fixture is given in turn."""

    name: str
    module: Any
    names: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Examination:
    """Plugins by their names; `path` is the file of the one that is not installed, if there is one."""

    plugins: Mapping[str, Examined]
    path: str

    def names(self, fixture: str) -> list[str]:
        return [name for plugin in self.plugins.values() for name in plugin.names[fixture]]


EXAMINATION = pytest.StashKey[Examination]()


def examine(wanted: Sequence[str]) -> Examination:
    """Load everything, as a server does at its start; what stops that, or is not there, raises PluginError."""
    paths = [str(Path(plugin).resolve()) for plugin in wanted if plugin.endswith(".py")]
    if len(paths) > 1:
        raise PluginError("one file at a time; a server takes no more")
    path = paths[0] if paths else ""
    server, _, _ = create_server(Settings(secret_key=secrets.token_hex(), plugins_path=path))
    names = [Path(plugin).stem if plugin.endswith(".py") else plugin for plugin in wanted]
    return Examination({name: _examined(server, name) for name in names}, path)


def _examined(server: AuthorizationServer, name: str) -> Examined:
    if name not in server.plugins_named:
        known = ", ".join(sorted(server.plugins_named))
        raise PluginError(f"no plugin is called {name!r}; installed are {known}")
    names: dict[str, Sequence[str]] = {}
    for fixture, kept in KEPT.items():
        found = getattr(server, kept)
        names[fixture] = [item for item in found if server.plugin_of(found[item]) == name]
    for fixture, hook in ASKED.items():
        asked = collect(server.plugins, hook, None, settings=server.settings)
        by_name(hook, asked)  # two of one name stop the start
        names[fixture] = [item.name for owner, item in asked if owner == name]
    plugin = server.plugins.get_plugin(name)
    answered = {caller.name for caller in server.plugins.get_hookcallers(plugin) or ()}
    for fixture, hook in ITSELF.items():
        names[fixture] = [name] if not hook or hook in answered else []
    return Examined(name, plugin, names)
