"""Around every request: its id, which the log and the error page share, the line in the log, and the figures."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.routes import ASGIRoute, BaseRoute, HTTPRoute, WebSocketRoute
from litestar.types import Message, Receive, Scope, Send
from litestar.types.internal_types import RouteHandlerMapItem

from ..logs import request_id
from ..outbound import begin_request
from ..server import AuthorizationServer
from .endpoints import FAILED, straight
from .head import without_body
from .proxies import is_in
from .turnstile import Turnstile

access = logging.getLogger("credenza.access")

HEADER = b"x-request-id"
ACCEPTED = re.compile(rb"[A-Za-z0-9._-]{8,40}")
NOWHERE = "/\0"  # no database holds such a character, so no path with one leads anywhere
ALWAYS = ("/healthz", "/readyz")  # answered before the database ever was there
MOST = 1000  # requests at once in one process; beyond that each would only wait longer
WAIT = {"error": "temporarily_unavailable", "error_description": "Try again in a moment."}


class Application(Litestar):
    """Litestar, observed from outside, so that what it answers by itself is counted as well."""

    server: AuthorizationServer
    turns: Mapping[str, Turnstile | None]
    """Where the requests for a path take turns: None where programs ask, which never wait behind a crowd of people."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._mapped: set[BaseRoute] = set()
        self._by_path: dict[str, RouteHandlerMapItem] = {}
        super().__init__(*arguments, **options)
        self._straight = straight(self.routes)

    def serve(self, state: State) -> None:
        """Answer for this server from now on; it has the settings and the plugins that the routes were made for."""
        self.state = state
        self.server = state.server
        self.turns = state.turns
        self.under_way = 0
        self.pages = Turnstile()  # for every other path

    @property
    def route_handler_method_map(self) -> dict[str, RouteHandlerMapItem]:
        """Litestar asks for it with each path that it registers, and would make it anew from all the others."""
        for route in self.routes:
            if route not in self._mapped:
                self._mapped.add(route)
                self._by_path.setdefault(route.path, {}).update(handlers_of(route))
        return self._by_path

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        """Those for pydantic and attrs only where somebody uses them: Litestar would bring both into memory."""
        if not {"pydantic", "attrs"}.isdisjoint(sys.modules):
            return Litestar._get_default_plugins(plugins)
        return [*plugins, MsgspecDIPlugin()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        if scope["type"] != ScopeType.HTTP:
            await super().__call__(scope, receive, send)
            return
        if "\0" in scope["path"]:
            scope = {**scope, "path": NOWHERE}
        server = self.server
        through_proxy, identifier = id_of(scope, server)
        request_id.set(identifier)
        begin_request()
        if scope["method"] == "HEAD":
            send = without_body(send)
        began, status, inside = time.perf_counter(), 0, False

        def enter() -> None:
            nonlocal inside
            self.under_way += not inside
            inside = True

        def leave() -> None:
            nonlocal inside
            self.under_way -= inside
            inside = False

        async def hear() -> Any:
            leave()  # whoever takes time to send a body, or to read an answer, takes nobody's place
            try:
                return await receive()
            finally:
                enter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                leave()
                status = message["status"]
                if through_proxy:
                    message["headers"] = [*message["headers"], (HEADER, identifier.encode())]
            await send(message)

        if (server.up and self.under_way < MOST) or scope["path"] in ALWAYS:
            enter()
            try:
                turnstile = self.turns.get(scope["path"], self.pages)
                if turnstile is not None and not turnstile.passes():
                    await turnstile.turn()
                endpoint = self._straight.get(scope["path"])
                if endpoint is not None:
                    scope["app"] = scope["litestar_app"] = self
                    scope["state"], scope["path_template"] = {}, scope["path"]
                    try:
                        await endpoint(scope, hear, answer)
                    except Exception as error:
                        if status:  # the answer has begun
                            raise
                        scope["state"][FAILED] = error
                        endpoint = None
                if endpoint is None:
                    await super().__call__(scope, hear, answer)
            finally:
                leave()
        else:
            await not_now(answer)
        if server.metrics is not None or server.settings.log_requests:
            report(server, scope, status, time.perf_counter() - began)


def handlers_of(route: BaseRoute) -> RouteHandlerMapItem:
    if isinstance(route, HTTPRoute):
        return {method: handler for handler in route.route_handlers for method in handler.http_methods}
    assert isinstance(route, ASGIRoute | WebSocketRoute)
    return {"asgi" if isinstance(route, ASGIRoute) else "websocket": route.route_handler}


def id_of(scope: Any, server: AuthorizationServer) -> tuple[bool, str]:
    """Whether it came through a trusted proxy, and the id: the proxy's own, so that one leads through all logs, or new.

    Only a proxy is told: two answers that must look the same to a stranger must not differ in a header.
    """
    proxies, client = server.settings.trusted_proxies, scope["client"]
    if not proxies or client is None or not is_in(client[0], proxies):
        return False, os.urandom(8).hex()
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return True, given.decode() if ACCEPTED.fullmatch(given) else os.urandom(8).hex()


async def not_now(send: Send) -> None:
    """503, while the database was not reached since the start, or when too many requests are under way."""
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"retry-after", b"5")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(WAIT).encode(), "more_body": False})


def report(server: AuthorizationServer, scope: Any, status: int, seconds: float) -> None:
    """The endpoint as it is declared: the path itself may hold a link that is a secret, and the query string does."""
    endpoint = scope.get("path_template") or "none"
    if server.metrics is not None:
        server.metrics.observe(scope["method"], endpoint, status, seconds)
    if server.settings.log_requests:
        access.info(
            "%s %s %s",
            scope["method"],
            endpoint,
            status,
            extra={"method": scope["method"], "endpoint": endpoint, "status": status, "ms": round(seconds * 1000, 1)},
        )
