"""`credenza serve`, `demo` and `migrate`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from typing import Any

import uvicorn

from ..app import create_app
from ..endpoints.pages import invite
from ..settings import Settings
from ..store.users import count_administrators
from .common import Refusal, opened, print_json, print_line, run, settings_of

Subparsers = Any


def add_serve(commands: Subparsers) -> None:
    parser = commands.add_parser("serve", help="serve the identity provider")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=8400, help="the port to listen on")
    parser.add_argument("--workers", type=int, default=1, help="processes; migrate first when more than one")
    parser.set_defaults(run=serve)


def serve(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments, issuer=_issuer_for(arguments))
    if arguments.workers < 1:
        raise Refusal("--workers is 1 or more")
    if arguments.config is not None:
        os.environ["CREDENZA_CONFIG"] = str(arguments.config.resolve())  # for the workers
    run(lambda: _prepare(settings))
    _serve(settings, arguments.host, arguments.port, arguments.workers)
    return 0


def _issuer_for(arguments: argparse.Namespace) -> str | None:
    """The default issuer follows the port; a configured one is never touched."""
    configured = settings_of(arguments)
    if configured.issuer == Settings().issuer and arguments.port != 8400:
        return f"http://localhost:{arguments.port}"
    return None


async def _prepare(settings: Settings) -> None:
    """Migrate, make the signing keys, and without an administrator print where to become one."""
    async with opened(settings, migrated=False) as (server, _):
        await server.migrate()
        await server.keys()
        if await count_administrators() == 0:
            address = await invite(server, purpose="administrator", user_id=None)
            print_line(f"There is no administrator yet. Create one here (works once): {address}")
    sys.stdout.flush()


def _serve(settings: Settings, host: str, port: int, workers: int) -> None:
    """uvicorn with uvloop and httptools. Forwarded headers are ours to judge, so it believes none."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    options: dict[str, Any] = {
        "host": host,
        "port": port,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "log_level": "warning",
        "timeout_graceful_shutdown": 25,
        "timeout_keep_alive": 30,
        "backlog": 2048,
        "limit_concurrency": 1000,
    }
    print_line(f"Credenza is at {settings.issuer} (console: {settings.issuer}/console)")
    sys.stdout.flush()
    if workers == 1:
        uvicorn.run(create_app(settings, migrate=False), **options)
        return
    # Each worker is a process of its own that reads the same settings.
    os.environ["CREDENZA_ISSUER"] = settings.issuer
    uvicorn.run("credenza.commands.serving:worker", factory=True, workers=workers, **options)


def worker() -> Any:
    """What one of several workers runs."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    return create_app(settings_of(argparse.Namespace(config=None)), migrate=False)


def add_demo(commands: Subparsers) -> None:
    parser = commands.add_parser("demo", help="Credenza with demo data, and an application to sign in to")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=8400, help="the port to listen on")
    parser.add_argument("--app-port", type=int, default=8401, help="where the demo application listens")
    parser.add_argument(
        "--database", default="demo-data/credenza.db", metavar="FILE", help="a SQLite file for the demo"
    )
    parser.set_defaults(run=demo)


def demo(arguments: argparse.Namespace) -> int:
    from ..demo import run_demo

    settings = settings_of(
        arguments, issuer=f"http://localhost:{arguments.port}", database_url=f"sqlite:///{arguments.database}"
    )
    return asyncio.run(run_demo(settings, arguments.host, arguments.port, arguments.app_port))


def add_migrate(commands: Subparsers) -> None:
    parser = commands.add_parser("migrate", help="bring the database up to date; safe from several machines at once")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=migrate)


def migrate(arguments: argparse.Namespace) -> int:
    async def do() -> list[str]:
        async with opened(settings_of(arguments), migrated=False) as (server, _):
            return await server.migrate()

    done = run(do)
    if arguments.json:
        print_json({"migrations": done})
    else:
        print_line("\n".join(done) if done else "Nothing to do.")
    return 0
