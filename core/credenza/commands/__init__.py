"""The subcommands of `credenza`, one file each or a few that belong together."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence

from ..objects import Command
from ..plugins import by_name, collect, load_plugins, with_own_settings
from . import administration, checking, inspection, plugin, sealing, serving, state
from .opening import DATABASE_ERRORS, Refusal, Subparsers, database_trouble, settings_of

PARSERS: Sequence[Callable[[Subparsers], None]] = [
    serving.add_serve,
    serving.add_demo,
    serving.add_migrate,
    state.add_apply,
    state.add_diff,
    state.add_export,
    administration.add_admin,
    administration.add_keys,
    administration.add_revoke_all,
    sealing.add_reseal,
    inspection.add_plugins,
    plugin.add_plugin,
    checking.add_check,
]


def plugin_commands(common: argparse.Namespace, given: Sequence[str], ours: Collection[str]) -> int | None:
    """Run a plugin's subcommand, if the first word is one; None when it is ours or nobody's."""
    if not given or given[0].startswith("-") or given[0] in ours:
        return None
    settings = settings_of(common)
    plugins = load_plugins(disabled=settings.plugins_disabled, path=settings.plugins_path)
    own = with_own_settings(settings, plugins)
    commands = by_name("register_commands", collect(plugins, "register_commands", Command, settings=own))
    return int(commands[given[0]].run(given[1:]) or 0) if given[0] in commands else None


__all__ = ["DATABASE_ERRORS", "PARSERS", "Refusal", "database_trouble", "plugin_commands"]
