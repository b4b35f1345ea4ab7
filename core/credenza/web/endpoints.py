"""An endpoint of the protocol, straight on ASGI: nothing is negotiated, and nothing is read but by its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any

from litestar import Request
from litestar.datastructures import Headers
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import ExceptionHandlersMap, Receive, Scope, Send
from multidict import CIMultiDict

from ..store.engine import urgent
from .requests import AnyRequest
from .responses import BODILESS, AnyResponse, Ready, header_fields

EndpointHandler = Callable[[AnyRequest], Awaitable[AnyResponse]]


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


async def send_response(response: AnyResponse, request: AnyRequest, send: Send) -> None:
    """Bytes and headers as they are; what has cookies goes the framework's way."""
    if response.cookies or response.background:
        await response.to_asgi_response(app=None, request=request)(request.scope, request.receive, send)
        return
    body, status = response.content, response.status_code or 200
    headers = response.fields if isinstance(response, Ready) else None
    await send({"type": "http.response.start", "status": status, "headers": headers or header_fields(response)})
    await send({"type": "http.response.body", "body": b"" if status in BODILESS else body, "more_body": False})
