"""`credenza demo`: Credenza on SQLite with demo data, and a stranger's application that signs people in with it.

Both are served by this process, each on its own port; they speak to one another over HTTP only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from .. import state
from ..app import create_app, create_server
from ..settings import Settings, SettingsError
from . import logos
from .data import ACCOUNTS, CLIENT_ID, document
from .wiki import Wiki


async def run_demo(settings: Settings, host: str, port: int, app_port: int) -> int:
    """Serve both until SIGINT or SIGTERM; raises SettingsError when one of the ports is taken."""
    if port == app_port:
        raise SettingsError("--port and --app-port must differ")
    database = settings.sqlite_path
    assert database is not None
    home = f"http://localhost:{app_port}"
    with listening(host, port, "--port") as ours, listening(host, app_port, "--app-port") as theirs:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = kept_secret(database.with_name("harbour-wiki.secret"))
        logos.draw(database.parent)
        await _prepare(settings, document(home, secret), database.parent)
        wiki = Wiki(settings.issuer, CLIENT_ID, secret, home, accounts=ACCOUNTS, logo=database.parent / logos.LIGHT)
        servers = [_Server(_config(create_app(settings, migrate=False))), _Server(_config(wiki.app()))]
        await _serve(servers, [ours, theirs], greeting(settings.issuer, home, database))
    return 0


async def _prepare(settings: Settings, declared: dict[str, Any], folder: Path) -> None:
    server, passwords, _ = create_server(settings)
    await server.start()
    try:
        await server.migrate()
        await server.keys()
        await state.apply(server, passwords, declared, folder)
    finally:
        await server.stop()


@contextlib.contextmanager
def listening(host: str, port: int, option: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(128)
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {host}:{port} ({error.strerror}); choose another with {option}"
            ) from error
        yield listener


def kept_secret(path: Path) -> str:
    """The application's client secret, in a file of its own, as a stranger's application would keep it."""
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text().strip()


class _Server(uvicorn.Server):
    """Two servers in one process: signals are for both, so neither of them takes them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="credenza.web.http:HttpProtocol",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


async def _serve(servers: list[_Server], listeners: list[socket.socket], text: str) -> None:
    def stop(*_: object) -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with asyncio.TaskGroup() as tasks:
        for server, listener in zip(servers, listeners, strict=True):
            tasks.create_task(server.serve([listener])).add_done_callback(stop)
        while not all(server.started or server.should_exit for server in servers):
            await asyncio.sleep(0.02)
        if all(server.started for server in servers):
            sys.stdout.write(text)
            sys.stdout.flush()
    if not all(server.started for server in servers):
        raise SettingsError("the demo did not start; the lines above say why")


def greeting(issuer: str, home: str, database: Path) -> str:
    """What the newcomer reads in the terminal."""
    width = max(len(account.username) for account in ACCOUNTS)
    people = "\n".join(f"    {a.username:<{width}}   {a.password:<28} {a.who}" for a in ACCOUNTS)
    return f"""
  Harbour Wiki, an application that is not ours    {home}     <- open this
  Credenza, the identity provider                  {issuer}
  its console, for the administrator               {issuer}/console

  Accounts (username, password):
{people}

  Everything is kept in {database}; delete its folder to start again. Ctrl-C stops.

"""
