"""A whole server in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from litestar import Litestar

from .. import state
from ..app import create_app
from ..server import AuthorizationServer, Clock
from ..settings import Settings
from ..store import engine

Result = TypeVar("Result")


class Credenza:
    """A whole server in memory, on a loop in a thread of its own. `clock` moves its time."""

    def __init__(self, app: Litestar, portal: BlockingPortal) -> None:
        self.app = app
        self.portal = portal
        self.server: AuthorizationServer = app.state.server

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

    def apply(self, document: Mapping[str, Any], *, prune: bool = False) -> state.Run:
        """Apply a part of the desired state."""

        async def call() -> state.Run:
            return await state.apply(self.server, self.app.state.passwords, document, Path.cwd(), prune=prune)

        return self.run(call)

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
    """Start a server with these settings and extra plugins, migrate its database, and stop it at the end."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal(backend_options={"loop_factory": asyncio.new_event_loop}))
        app = portal.call(_create, settings, plugins)
        stack.enter_context(portal.wrap_async_context_manager(_lifespan(app)))
        yield Credenza(app, portal)


async def _create(settings: Settings, plugins: Sequence[tuple[str, object]]) -> Litestar:
    return create_app(settings, plugins)


def _lifespan(app: Litestar) -> Any:
    return app.lifespan()
