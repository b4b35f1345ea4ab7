"""`--reload`, for whoever writes a plugin: each change of one of its files ends the serving process and starts another.

uvicorn's own reloader looks at Python files only; that of `watchfiles` would be one more library, for a few lines.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread

from ..settings import GROUP, Settings
from .output import print_progress

RELOADED = "RELOADED_BY_CREDENZA"  # in the environment of the processes that begin anew: who begins them
SUFFIXES = {".py", ".html", ".txt", ".css", ".js", ".svg", ".po", ".mo", ".toml"}
PAUSE = 0.3  # seconds between two looks at the files
PATIENCE = 3.0  # seconds that requests under way have to be answered

HELP = "begin anew when a file of a plugin changes; for whoever writes one, not for production"


def reload(settings: Settings, config: Path | None) -> int | None:
    """The exit code, once nobody wants to serve any more; None in each of the processes that begin anew: they serve.

    Whoever kills the process that looks at the files ends that one, too, which would keep the port. A thread sees it
    while plugins are imported.
    """
    if RELOADED not in os.environ:
        return _serve_anew(settings, config)
    Thread(target=_outlive, args=(int(os.environ[RELOADED]),), daemon=True).start()
    return None


def _outlive(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PAUSE)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)


def _serve_anew(settings: Settings, config: Path | None) -> int:
    """Run the command line of this process in another one, and again after each change, until SIGINT or SIGTERM."""
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.is_set():
        before = _written(settings, config)
        again = [sys.executable, *sys.orig_argv[1:]]
        process = subprocess.Popen(again, env={**os.environ, RELOADED: str(os.getpid())})  # noqa: S603  # what was typed
        waits = False
        while not stopped.wait(PAUSE):
            if changed := sorted({path for path, _ in before.items() ^ _written(settings, config).items()}):
                print_progress(f"{_told(changed)}: the server begins anew")
                break
            if not waits and process.poll() is not None:
                print_progress("The server has ended. It begins anew when a file of a plugin changes; Ctrl-C stops.")
                waits = True
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return 0


def _written(settings: Settings, config: Path | None) -> dict[Path, int]:
    """When each file was written."""
    written = {}
    for path in _files(settings, config):
        try:
            written[path] = path.stat().st_mtime_ns
        except OSError:  # gone meanwhile, or a lock of an editor
            continue
    return written


def _files(settings: Settings, config: Path | None) -> Iterator[Path]:
    """Those of the plugins, which are not imported for it: one with a mistake could not be; and the settings."""
    if config is not None:
        yield config
    if settings.plugins_path:
        yield Path(settings.plugins_path)
    enabled = (found for found in entry_points(group=GROUP) if found.name not in settings.plugins_disabled)
    for package in {found.module.partition(".")[0] for found in enabled}:
        spec = find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            for top, _, names in os.walk(folder):  # rglob raises for a folder that goes meanwhile
                yield from (path for name in names if (path := Path(top, name)).suffix in SUFFIXES)
        if spec is not None and spec.origin is not None:
            yield Path(spec.origin)


def _told(changed: list[Path]) -> str:
    first = changed[0].relative_to(Path.cwd()) if changed[0].is_relative_to(Path.cwd()) else changed[0]
    return f"{first} has changed" if len(changed) == 1 else f"{first} and {len(changed) - 1} more have changed"
