"""`credenza plugins` and `credenza check`."""

from __future__ import annotations

import argparse
import stat
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ..app import create_server
from ..plugins import GROUP
from ..server import AuthorizationServer
from ..settings import Settings
from ..store.version import current_version
from .common import DATABASE_ERRORS, opened, print_json, print_line, run, settings_of

Subparsers = Any


def add_plugins(commands: Subparsers) -> None:
    parser = commands.add_parser("plugins", help="what is loaded, from where, and which hooks it answers")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=plugins)


def plugins(arguments: argparse.Namespace) -> int:
    server, _, _ = create_server(settings_of(arguments))
    found = describe_plugins(server)
    if arguments.json:
        print_json(found)
        return 0
    for plugin in found:
        print_line(f"{plugin['name']:16} {plugin['distribution']:24} {plugin['module']}")
        print_line(f"{'':16} {', '.join(plugin['hooks']) or 'answers no hook'}")
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


def add_check(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "check", help="exit with 1 on unsafe settings, an unreachable database or pending migrations"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=check)


def check(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    problems = [*_unsafe(settings), *run(lambda: _database_problems(settings))]
    if arguments.json:
        print_json({"problems": problems})
    for problem in problems:
        sys.stderr.write(f"credenza: {problem}\n")
    if not problems and not arguments.json:
        print_line("Everything looks right.")
    return 1 if problems else 0


def _unsafe(settings: Settings) -> list[str]:
    problems = []
    if not settings.rate_limit:
        problems.append("rate_limit is off: only for benchmarks and test runs")
    if settings.argon2_memory_kib < 7168 or (settings.argon2_memory_kib < 19_456 and settings.argon2_time_cost < 3):
        problems.append("argon2: less than 19 MiB with two passes can be guessed too fast")
    if settings.outbound_allow and settings.secure:
        problems.append(f"outbound_allow: private addresses can be reached: {', '.join(settings.outbound_allow)}")
    path = settings.sqlite_path
    files = [path, path.with_name(path.name + ".key")] if path is not None else []
    open_files = [file for file in files if file.exists() and _readable_by_others(file)]
    return problems + [f"{file} can be read by others; chmod 600 it" for file in open_files]


def _readable_by_others(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))


async def _database_problems(settings: Settings) -> list[str]:
    try:
        async with opened(settings, migrated=False) as (server, _):
            waiting = await server.pending_migrations()
            if waiting:
                return [f"{len(waiting)} migrations have not run; run `credenza migrate`"]
            await current_version()
            await server.keys()
    except DATABASE_ERRORS as error:
        return [f"the database does not answer: {error}"]
    return []
