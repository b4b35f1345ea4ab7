"""`credenza serve`, `demo` and `migrate`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import socket
import sys
import threading
import time
from contextlib import ExitStack, suppress
from errno import EACCES, EADDRINUSE
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn

from ..app import create_app
from ..invitations import invite
from ..logs import write_logs
from ..metrics import DIRECTORY as METRICS_DIRECTORY
from ..server import AuthorizationServer
from ..settings import Settings, config_of
from ..store.engine import StoreUnavailable
from ..store.users import count_administrators
from ..web.passwords import processors
from .checking import open_files
from .opening import Refusal, Subparsers, opened, run, settings_of
from .output import print_json, print_line, print_progress
from .reloading import HELP, reload
from .workers import OPTIONS, SERVED, use_own_workers

logger = logging.getLogger("credenza")

AGAIN = 1.0  # seconds until a database that was not there is asked again


def port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 1 to 65535")
    return int(text)


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def add_serve(commands: Subparsers) -> None:
    parser = commands.add_parser("serve", help="serve the identity provider")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=port, default=8400, help="the port to listen on")
    parser.add_argument("--workers", type=count, default=1, help="processes that share the port")
    parser.add_argument("--reload", action="store_true", help=HELP)
    parser.set_defaults(run=serve)


def serve(arguments: argparse.Namespace) -> int:
    if arguments.reload and arguments.workers > 1:
        raise Refusal("--reload serves with one worker; leave --workers out")
    settings = settings_of(arguments, port=arguments.port)
    _check_free(arguments.host, arguments.port)
    if arguments.reload and (code := reload(settings, config_of(arguments.config))) is not None:
        return code
    write_logs(settings.log_format)
    address = {"host": arguments.host, "port": arguments.port}
    there = _prepare(settings)
    for trouble in open_files(settings, config_of(arguments.config)):
        logger.warning("%s", trouble)
    if arguments.workers == 1:
        uvicorn.run(create_app(settings, on_up=_greet if not there else None), **address, **OPTIONS)
        return 0
    if arguments.config is not None:
        os.environ["CREDENZA_CONFIG"] = str(arguments.config.resolve())  # for the workers
    os.environ["CREDENZA_ISSUER"] = settings.issuer
    if not settings.password_threads:
        os.environ["CREDENZA_PASSWORD_THREADS"] = str(max(1, processors() // arguments.workers))
    if not there:
        threading.Thread(target=_greet_later, args=(settings,), daemon=True).start()
    with ExitStack() as stack:
        if settings.metrics_token:
            os.environ[METRICS_DIRECTORY] = stack.enter_context(TemporaryDirectory(prefix="credenza-metrics-"))
        use_own_workers()
        # Each worker is a process of its own that reads the same settings; uvicorn starts another for one that dies,
        # and on SIGHUP replaces each by a new one that serves before the old one ends.
        uvicorn.run(workers=arguments.workers, **address, **SERVED)
    return 0


def _check_free(host: str, port: int) -> None:
    """Before anything is written or printed. Raises Refusal."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        option = "--port" if error.errno in (EADDRINUSE, EACCES) else "--host"
        raise Refusal(f"cannot listen on {host}:{port} ({error.strerror}); choose another with {option}") from error


def _prepare(settings: Settings) -> bool:
    """Before anything is served: migrate, open the signing keys, greet. False when the database must be waited for."""

    try:
        run(lambda: _migrate_and_greet(settings))
    except StoreUnavailable as error:
        logger.warning("the database cannot be reached yet: %s", error)
        return False
    return True


def _greet_later(settings: Settings) -> None:
    """Beside the workers, once: if each of them greeted, only the last address to set up would lead anywhere."""
    while True:
        time.sleep(AGAIN)
        with suppress(StoreUnavailable):
            return run(lambda: _migrate_and_greet(settings))


async def _migrate_and_greet(settings: Settings) -> None:
    async with opened(settings, migrated=False) as (server, _):
        await server.migrate()
        await _greet(server)


async def _greet(server: AuthorizationServer) -> None:
    """Make or open the signing keys, and print where we are; without an administrator, where to become one."""
    await server.keys()
    print_line(f"Credenza is at {server.issuer} (console: {server.issuer}/console)")
    if await count_administrators() == 0:
        address = await invite(server, purpose="administrator", user_id=None)
        print_line(f"There is no administrator yet. Create one here (works once): {address}")
    sys.stdout.flush()


def worker() -> Any:
    """What one of several workers runs. It migrates as well: after an update on disk, SIGHUP starts newer workers."""
    settings = settings_of(argparse.Namespace(config=None))
    write_logs(settings.log_format)
    return create_app(settings, on_up=_open_keys)


async def _open_keys(server: AuthorizationServer) -> None:
    """A worker with another secret key must not take the place of one that serves."""
    await server.keys()


def add_demo(commands: Subparsers) -> None:
    parser = commands.add_parser("demo", help="Credenza with demo data, and an application to sign in to")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=port, default=8400, help="the port to listen on")
    parser.add_argument("--app-port", type=port, default=8401, help="where the demo application listens")
    parser.add_argument(
        "--database", default="demo-data/credenza.db", metavar="FILE", help="a SQLite file for the demo"
    )
    parser.add_argument("--reload", action="store_true", help=HELP)
    parser.set_defaults(run=demo)


def demo(arguments: argparse.Namespace) -> int:
    from ..demo import run_demo

    settings = settings_of(
        arguments, issuer=f"http://localhost:{arguments.port}", database_url=f"sqlite:///{arguments.database}"
    )
    if arguments.reload and (code := reload(settings, config_of(arguments.config))) is not None:
        return code
    return asyncio.run(run_demo(settings, arguments.host, arguments.port, arguments.app_port))


def add_migrate(commands: Subparsers) -> None:
    parser = commands.add_parser("migrate", help="bring the database up to date; safe from several machines at once")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=migrate)


def migrate(arguments: argparse.Namespace) -> int:
    async def do() -> list[str]:
        async with opened(settings_of(arguments), migrated=False) as (server, _):
            return await server.migrate(tell=print_progress)

    done = run(do)
    if arguments.json:
        print_json({"migrations": done})
    else:
        print_line("\n".join(done) if done else "Nothing to do.")
    return 0
