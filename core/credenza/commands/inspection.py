"""`credenza plugins`."""

from __future__ import annotations

import argparse
import secrets
from importlib.metadata import entry_points
from typing import Any

from ..app import create_server
from ..server import AuthorizationServer
from ..settings import GROUP
from .opening import Subparsers, settings_of
from .output import print_json, print_line


def add_plugins(commands: Subparsers) -> None:
    parser = commands.add_parser("plugins", help="what is loaded, from where, and which hooks it answers")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=plugins)


def plugins(arguments: argparse.Namespace) -> int:
    # A key that is given is not kept in a file, and needs not be the one of the database.
    server, _, _ = create_server(settings_of(arguments, secret_key=secrets.token_hex()))
    found = describe_plugins(server)
    if arguments.json:
        print_json(found)
        return 0
    wide = max((len(plugin["name"]) for plugin in found), default=0)
    for plugin in found:
        print_line(f"{plugin['name']:{wide}} {plugin['distribution']:24} {plugin['module']}")
        print_line(f"{'':{wide}} {', '.join(plugin['hooks']) or 'answers no hook'}")
    return 0


def describe_plugins(server: AuthorizationServer) -> list[dict[str, Any]]:
    """Each plugin with its distribution and version (or its file), its module, and the hooks that it answers."""
    origins = {e.name: f"{e.dist.name} {e.dist.version}" for e in entry_points(group=GROUP) if e.dist is not None}
    found = []
    for name, plugin in sorted(server.plugins.list_name_plugin()):
        if plugin is None:
            continue
        callers = server.plugins.get_hookcallers(plugin) or []
        module = getattr(plugin, "__name__", type(plugin).__module__)
        hooks = sorted(caller.name for caller in callers)
        origin = origins.get(name) or str(getattr(plugin, "__file__", "credenza"))
        found.append({"name": name, "distribution": origin, "module": module, "hooks": hooks})
    return found
