"""The subcommands of `credenza`, one file each or a few that belong together."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from ..objects import Command
from ..plugins import collect
from . import administration, inspection, serving, state
from .common import Refusal, settings_of

PARSERS: Sequence[Callable[[argparse._SubParsersAction[argparse.ArgumentParser]], None]] = [
    serving.add_serve,
    serving.add_demo,
    serving.add_migrate,
    state.add_apply,
    state.add_diff,
    state.add_export,
    administration.add_admin,
    administration.add_keys,
    inspection.add_plugins,
    inspection.add_check,
]
OURS = {"serve", "demo", "migrate", "apply", "diff", "export", "admin", "keys", "plugins", "check", "plugin"}


def plugin_commands(given: Sequence[str]) -> int | None:
    """Run a plugin's subcommand, if the first word is one; None when it is ours or nobody's."""
    words = [word for word in given if not word.startswith("-")]
    if not words or words[0] in OURS:
        return None
    from ..app import create_server

    server, _, _ = create_server(settings_of(argparse.Namespace(config=None)))
    for _, command in collect(server.plugins, "register_commands", Command, settings=server.settings):
        if command.name == words[0]:
            return int(command.run(list(given)[list(given).index(words[0]) + 1 :]))
    return None


__all__ = ["PARSERS", "Refusal", "plugin_commands"]
