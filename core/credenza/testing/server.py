"""A whole server in memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from litestar import Litestar

from .. import state
from ..app import create_application, create_state
from ..server import AuthorizationServer, Clock
from ..settings import Settings
from ..store import engine
from ..web.observing import Application

Result = TypeVar("Result")


class Credenza:
    """A whole server in memory, on a loop in a thread of its own. `clock` moves its time."""

    def __init__(self, app: Litestar, portal: BlockingPortal) -> None:
        self.app = app
        self.portal = portal
        self._server: AuthorizationServer = app.state.server

    @property
    def server(self) -> AuthorizationServer:
        return self._server

    @property
    def clock(self) -> Clock:
        return self.server.clock

    @property
    def issuer(self) -> str:
        return self.server.issuer

    def bind(self) -> None:
        """Give the tables to this server: of several in one process, they belong to the one that started last."""
        if engine.database() is not self.server.engine:
            engine.bind(self.server.engine, [table for app in self.server.table_apps for table in app.table_classes])

    def run(self, function: Callable[..., Awaitable[Result]], *arguments: Any, **options: Any) -> Result:
        """Await something of the server's, from a test."""

        async def call() -> Result:
            return await function(*arguments, **options)

        self.bind()
        return self.portal.call(call)

    def settle(self) -> None:
        """Wait for what no request waits for: listeners, and what else the server does besides."""

        async def ended() -> None:
            while tasks := set(self.server._tasks):
                await asyncio.wait(tasks)

        self.run(ended)

    def apply(self, document: Mapping[str, Any], *, prune: bool = False) -> state.Run:
        """Apply a part of the desired state."""

        async def call() -> state.Run:
            return await state.apply(self.server, self.app.state.passwords, document, Path.cwd(), prune=prune)

        return self.run(call)

    def export(self) -> dict[str, Any]:
        """The present state, as `credenza export` writes it."""
        return self.run(state.export, self.server)

    def request(self, method: str, url: str, *, address: str = "203.0.113.7", **options: Any) -> httpx.Response:
        """One HTTP request, not following redirects."""

        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, client=(address, 50000), raise_app_exceptions=False)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url=self.issuer) as http:
                return await http.request(method, url, **options)

        self.bind()
        return self.portal.call(call)


@contextmanager
def running(settings: Settings, plugins: Sequence[tuple[str, object]] = ()) -> Iterator[Credenza]:
    """Start a server with these settings and extra plugins, migrate its database, and stop it at the end.

    A server has the routes of an earlier one that has ended, if their settings and plugins are the same but for the
    database: `register_routes` is not called for each of them. Everything else is new.
    """
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal(backend_options={"loop_factory": asyncio.new_event_loop}))
        app = portal.call(_create, settings, plugins)
        stack.enter_context(portal.wrap_async_context_manager(_lifespan(app)))
        yield Credenza(app, portal)
    _idle.append(app)


_idle: deque[Application] = deque(maxlen=8)
"""Their servers have ended. To make the routes is three quarters of a start."""


async def _create(settings: Settings, plugins: Sequence[tuple[str, object]]) -> Application:
    state = create_state(settings, plugins)
    for app in _idle:
        if _alike(app.server, state.server):
            _idle.remove(app)
            app.serve(state)
            return app
    return create_application(state)


def _alike(one: AuthorizationServer, other: AuthorizationServer) -> bool:
    """Whether they have the same settings, but for the database, and the same objects as plugins."""
    settings = [replace(server.settings, database_url="") for server in (one, other)]
    return settings[0] == settings[1] and _plugins(one) == _plugins(other)


def _plugins(server: AuthorizationServer) -> dict[str, int]:
    """Their names and identities; the core's own ways to sign in belong to a server and have no routes."""
    return {name: id(plugin) for name, plugin in server.plugins.list_name_plugin() if name != "defaults"}


def _lifespan(app: Application) -> Any:
    return app.lifespan()
