"""`credenza apply`, `diff` and `export`."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from types import FrameType
from typing import IO

from .. import state
from .opening import Refusal, Subparsers, lost_types, opened, run, settings_of
from .output import print_json, print_line

FILE = "credenza.yaml"
IN_MEMORY = 1 << 20  # characters of an export; a longer one is in a temporary file until it is whole
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
    # Not where it goes to at once: whoever reads slowly would keep the database from forgetting what it was meanwhile.
    with SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8", newline="") as text:
        pictures = run(lambda: _write_down(arguments, text))
        text.seek(0)
        if arguments.directory is None:
            shutil.copyfileobj(text, sys.stdout)
            return 0
        paths = _write(arguments.directory, text, pictures)
    if arguments.json:
        print_json({"directory": str(arguments.directory.resolve()), "files": paths})
    else:
        print_line("\n".join(paths))
    return 0


async def _write_down(arguments: argparse.Namespace, text: IO[str]) -> dict[str, bytes]:
    """The state into `text`; returns the files beside it."""
    held: dict[str, bytes] = {}
    async with opened(settings_of(arguments)) as (server, _), aclosing(state.parts(server)) as parts:
        for lost in await lost_types(server):
            sys.stderr.write(f"credenza: warning: {lost}; they are not in the file\n")
        named = parts if arguments.directory is None else state.with_files(server, parts, held)
        write = state.as_json if arguments.json and arguments.directory is None else state.as_yaml
        async for some in write(named):
            with _refused_at(gettempdir()):
                text.write(some)
        with _refused_at(gettempdir()):
            text.flush()
    return held


def _write(folder: Path, text: IO[str], pictures: Mapping[str, bytes]) -> list[str]:
    """The paths written; only we may read what has people's addresses in it."""
    with _refused_at(folder):
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{FILE}.part"  # an export that is there already is not replaced by a half
        try:
            with open(part, "w", encoding="utf-8", newline="", opener=_ours) as file:
                shutil.copyfileobj(text, file)
            for name, content in pictures.items():
                with open(folder / name, "wb", opener=_ours) as picture:
                    picture.write(content)
            part.replace(folder / FILE)
        finally:
            part.unlink(missing_ok=True)
    return [str((folder / name).resolve()) for name in (FILE, *pictures)]


@contextmanager
def _refused_at(place: Path | str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refusal(f"{place}: {error.strerror}") from error


def _ours(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
