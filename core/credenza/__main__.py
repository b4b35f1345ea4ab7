"""The command line. Errors are one line on standard error; 0 is success, 1 a refusal, 2 wrong usage."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from .encryption import Undecryptable
from .plugins import PluginError
from .settings import SettingsError
from .state import StateError
from .store.migrate import MigrationFailed


class Parser(argparse.ArgumentParser):
    """Wrong usage is one line, too."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parsers() -> tuple[Parser, Parser]:
    """The parser of everything, and the one of what may stand before or after the command."""
    from .commands import PARSERS

    everywhere = Parser(prog="credenza", add_help=False, allow_abbrev=False)
    everywhere.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with settings (CREDENZA_CONFIG)")
    parser = Parser(
        prog="credenza", description="An identity provider for other people's applications.", parents=[everywhere]
    )
    parser.add_argument("--version", action="version", version=f"credenza {version('credenza')}")
    commands: Any = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in PARSERS:
        add(commands)
    return parser, everywhere


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, run, and turn what is expected to go wrong into one line."""
    from .commands import DATABASE_ERRORS, Refusal, database_trouble, plugin_commands

    parser, everywhere = parsers()
    common, given = everywhere.parse_known_args(sys.argv[1:] if arguments is None else arguments)
    try:
        extra = plugin_commands(common, given)
        if extra is not None:
            return extra
        parsed = parser.parse_args(given, common)
        return int(parsed.run(parsed))
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
