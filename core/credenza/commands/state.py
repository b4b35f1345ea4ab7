"""`credenza apply`, `diff` and `export`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from .. import state
from .opening import Refusal, lost_types, opened, run, settings_of
from .output import print_json, print_line

Subparsers = Any
FILE = "credenza.yaml"
ACTIONS = ("created", "updated", "deleted")
ENDING = (signal.SIGTERM, signal.SIGHUP)


def add_apply(commands: Subparsers) -> None:
    parser = commands.add_parser("apply", help="bring the database to the state that a file declares, YAML or JSON")
    parser.add_argument("file", type=Path, metavar="FILE", help="the desired state")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would change")
    parser.add_argument("--prune", action="store_true", help="remove what the file's sections do not name")
    parser.add_argument("--json", action="store_true", help="print every object with its generated ids and secrets")
    parser.set_defaults(run=apply)


def add_diff(commands: Subparsers) -> None:
    parser = commands.add_parser("diff", help="what `apply` would change")
    parser.add_argument("file", type=Path, metavar="FILE", help="the desired state")
    parser.add_argument("--prune", action="store_true", help="also what would be removed")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=apply, dry_run=True)


def apply(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    document = state.read(arguments.file)
    made: list[state.Change] = []

    async def do() -> state.Run:
        async with opened(settings_of(arguments), there=arguments.dry_run) as (server, passwords):
            progress = Progress(
                "applying",
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
                disable=not sys.stderr.isatty(),
            )
            task = progress.add_task("", total=None)
            with progress:
                return await state.apply(
                    server,
                    passwords,
                    document,
                    arguments.file.resolve().parent,
                    dry=arguments.dry_run,
                    prune=arguments.prune,
                    on_progress=lambda done, total: progress.update(task, completed=done, total=total),
                    changes=made,
                )

    with _interrupted_by_all():
        try:
            done = run(do)
        except BaseException:
            if made:  # it stopped half way, and nobody else knows the secrets that it made
                _print(made, arguments)
            raise
    for warning in done.warnings:
        sys.stderr.write(f"credenza: warning: {warning}\n")
    _print(done.changes, arguments)
    return 0


@contextmanager
def _interrupted_by_all() -> Iterator[None]:
    """A supervisor, or a terminal that is closed, interrupts as Ctrl-C does: what was made is still told."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in taken:
            signal.signal(each, signal.SIG_IGN)  # they come in twos, and the second would cut off what is told
        if callable(at_once := signal.getsignal(signal.SIGINT)):
            at_once(signal.SIGINT, frame)
        else:  # a shell without job control ignores it for what it starts in the background
            raise KeyboardInterrupt

    taken = [each for each in ENDING if signal.getsignal(each) is signal.SIG_DFL]  # nohup's is ignored
    for each in taken:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)


def _print(changes: Sequence[state.Change], arguments: argparse.Namespace) -> None:
    if arguments.json:
        print_json({action: [c.as_json() for c in changes if c.action == action] for action in ACTIONS})
        return
    signs = {"created": "+", "updated": "~", "deleted": "-"}
    for change in changes:
        print_line(f"{signs[change.action]} {change.kind} {change.name}")
        for key, value in change.made.items():
            print_line(f"    {key}: {value}")
        if change.action == "updated":
            for key in change.after:
                print_line(f"    {key}: {change.before.get(key)!r} -> {change.after[key]!r}")
    would = "would change" if arguments.dry_run else "changed"
    print_line(f"{len(changes)} {'object' if len(changes) == 1 else 'objects'} {would}.")


def add_export(commands: Subparsers) -> None:
    parser = commands.add_parser("export", help="the present state as such a file, without secrets")
    parser.add_argument(
        "--directory",
        type=Path,
        metavar="DIR",
        help=f"write it there as {FILE}, with the pictures and the custom CSS that it names",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=export)


def export(arguments: argparse.Namespace) -> int:
    async def do() -> tuple[dict[str, Any], dict[str, bytes]]:
        async with opened(settings_of(arguments)) as (server, _):
            for lost in await lost_types(server):
                sys.stderr.write(f"credenza: warning: {lost}; they are not in the file\n")
            document = await state.export(server)
            return await state.with_files(server, document) if arguments.directory is not None else (document, {})

    document, files = run(do)
    if arguments.directory is not None:
        paths = _write(arguments.directory, {FILE: "".join(state.as_yaml(document)).encode(), **files})
        if arguments.json:
            print_json({"directory": str(arguments.directory.resolve()), "files": paths})
        else:
            print_line("\n".join(paths))
    elif arguments.json:
        print_json(document)
    else:
        sys.stdout.writelines(state.as_yaml(document))
    return 0


def _write(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """The paths written; only we may read what has people's addresses in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
    except OSError as error:
        raise Refusal(f"{folder}: {error.strerror}") from error
    return [str((folder / name).resolve()) for name in files]
