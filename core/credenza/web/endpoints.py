"""An endpoint of the protocol, straight on ASGI: nothing is negotiated, and nothing is read but by its handler.

The framework knows it as a route. A request for exactly its path comes without looking for that, past the layers that
pages need: they cost as much as half of an answer from memory. Any other request for it comes through them, and so do
errors, which the framework answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import cached_property
from typing import Any

from litestar import Request
from litestar.datastructures import Headers
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.routes import ASGIRoute, BaseRoute
from litestar.types import ExceptionHandlersMap, Receive, Scope, Send
from multidict import CIMultiDict

from ..store.engine import urgent
from .requests import AnyRequest
from .responses import BODILESS, AnyResponse, Ready, header_fields

EndpointHandler = Callable[[AnyRequest], Awaitable[AnyResponse]]
Straight = Callable[[Scope, Receive, Send], Awaitable[None]]
FAILED = "failed"  # in the state of a request that did, on its way to the framework


class EndpointRequest(Request[Any, Any, Any]):
    """Reads its headers once; the framework looks for them anew each time."""

    __slots__ = ("_own_headers",)

    @property
    def headers(self) -> Headers:
        try:
            return self._own_headers
        except AttributeError:
            pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.scope["headers"]]
            self._own_headers: Headers = Headers(CIMultiDict(pairs))
            return self._own_headers


class Endpoint(ASGIRouteHandler):
    """Knows what answers its errors; the framework would put that together anew for each request."""

    @cached_property
    def _exception_handlers(self) -> ExceptionHandlersMap:
        return super().resolve_exception_handlers()

    def resolve_exception_handlers(self) -> ExceptionHandlersMap:
        return self._exception_handlers


def endpoint(
    *paths: str,
    methods: tuple[str, ...],
    name: str,
    preflight: EndpointHandler | None = None,
    people: bool = False,
) -> Callable[[EndpointHandler], ASGIRouteHandler]:
    """Serve `paths` with an async function from request to response.

    `preflight` answers browsers that ask first, where applications in them may call; `people` is said where somebody
    sits and waits.
    """

    def decorate(handler: EndpointHandler) -> ASGIRouteHandler:
        @Endpoint(list(paths), name=name, opt={"methods": methods}, copy_scope=False)
        async def route(scope: Scope, receive: Receive, send: Send) -> None:
            if FAILED in scope["state"]:
                raise scope["state"].pop(FAILED)
            if not people:
                urgent.set(True)
            request = EndpointRequest(scope, receive, send)
            method = scope["method"]  # type: ignore[typeddict-item]  # only HTTP comes here
            if method in methods:
                response = await handler(request)
            elif method == "OPTIONS" and preflight is not None:
                response = await preflight(request)
            else:
                raise MethodNotAllowedException(headers={"Allow": ", ".join(methods)})
            await send_response(response, request, send)

        return route

    return decorate


def straight(routes: Iterable[BaseRoute]) -> dict[str, Straight]:
    """What answers a request for one of these paths and nothing else; raises what the framework makes an answer of."""
    own = [route for route in routes if isinstance(route, ASGIRoute) and isinstance(route.route_handler, Endpoint)]
    return {route.path: route.route_handler.fn for route in own if not route.path_parameters}


async def send_response(response: AnyResponse, request: AnyRequest, send: Send) -> None:
    """Bytes and headers as they are; what has cookies goes the framework's way."""
    if response.cookies or response.background:
        await response.to_asgi_response(app=None, request=request)(request.scope, request.receive, send)
        return
    body, status = response.content, response.status_code or 200
    headers = response.fields if isinstance(response, Ready) else None
    await send({"type": "http.response.start", "status": status, "headers": headers or header_fields(response)})
    await send({"type": "http.response.body", "body": b"" if status in BODILESS else body, "more_body": False})
