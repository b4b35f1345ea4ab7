"""The command line. Errors are one line on standard error; 0 is success, 1 a refusal, 2 wrong usage."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from .encryption import Undecryptable
from .plugins import PluginError
from .settings import SettingsError
from .state import StateError
from .store.migrate import MigrationFailed


class Help(argparse.HelpFormatter):
    """Says what counts when an option is left out."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        shown = action.default not in (None, False, "", [], argparse.SUPPRESS)
        return f"{action.help} (default: %(default)s)" if shown else action.help


class Parser(argparse.ArgumentParser):
    """Wrong usage is one line, too, and a command begins its help with what it does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, formatter_class=Help)
        self.register("action", "parsers", Commands)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


class Commands(argparse._SubParsersAction):  # type: ignore[type-arg]  # of any parser
    """Help of a command begins with its line in the list of commands."""

    def add_parser(self, name: str, **options: Any) -> Any:
        line = options["help"]
        options["description"] = f"{line[:1].upper()}{line[1:]}."
        options["epilog"] = "--config FILE, a TOML file with settings, may stand here too."
        return super().add_parser(name, **options)


def parsers() -> tuple[Parser, Parser, Collection[str]]:
    """The parser of everything, the one of what may stand before or after the command, and the names of ours."""
    from .commands import PARSERS

    everywhere = Parser(prog="credenza", add_help=False, allow_abbrev=False)
    everywhere.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with settings (CREDENZA_CONFIG)")
    parser = Parser(
        prog="credenza",
        description="An identity provider for other people's applications.",
        epilog="Plugins may bring more commands: those for which `credenza plugins` says register_commands.",
        parents=[everywhere],
    )
    parser.add_argument("--version", action="version", version=f"credenza {version('credenza')}")
    commands: Any = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in PARSERS:
        add(commands)
    return parser, everywhere, commands.choices


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, run, and turn what is expected to go wrong into one line."""
    from .commands import DATABASE_ERRORS, Refusal, database_trouble, plugin_commands

    parser, everywhere, ours = parsers()
    common, given = everywhere.parse_known_args(sys.argv[1:] if arguments is None else arguments)
    try:
        extra = plugin_commands(common, given, ours)
        if extra is not None:
            return extra
        parsed = parser.parse_args(given, common)
        status = int(parsed.run(parsed))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever reads has read enough: `credenza export | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Refusal, SettingsError, PluginError, StateError, MigrationFailed, Undecryptable) as error:
        sys.stderr.write(f"credenza: {' '.join(str(error).split())}\n")
        return 1
    except DATABASE_ERRORS as error:
        sys.stderr.write(f"credenza: {database_trouble(error)}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
