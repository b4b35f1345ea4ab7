"""An endpoint of the protocol, straight on ASGI: nothing is negotiated, and nothing is read but by its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from litestar import Request, asgi
from litestar.datastructures import Headers
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send
from multidict import CIMultiDict

from ..store.engine import urgent
from .cors import preflight
from .requests import AnyRequest
from .responses import AnyResponse

EndpointHandler = Callable[[AnyRequest], Awaitable[AnyResponse]]
BODILESS = {204, 304}


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


def endpoint(
    *paths: str, methods: tuple[str, ...], name: str, cors: bool = False, people: bool = False
) -> Callable[[EndpointHandler], ASGIRouteHandler]:
    """Serve `paths` with an async function from request to response; `cors` where browser applications may call, and
    `people` where somebody sits and waits.
    """

    def decorate(handler: EndpointHandler) -> ASGIRouteHandler:
        @asgi(list(paths), name=name, opt={"methods": methods}, copy_scope=False)
        async def route(scope: Scope, receive: Receive, send: Send) -> None:
            if not people:
                urgent.set(True)
            request = EndpointRequest(scope, receive, send)
            method = scope["method"]  # type: ignore[typeddict-item]  # only HTTP comes here
            if method in methods:
                response = await handler(request)
            elif method == "OPTIONS" and cors:
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
    headers = [encoded(name, value) for name, value in response.headers.items()]
    if status not in BODILESS:
        kind = str(response.media_type)
        charset = "; charset=utf-8" if kind.startswith("text/") else ""
        headers.append(encoded("content-type", f"{kind}{charset}"))
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    bare = status in BODILESS or request.method == "HEAD"
    await send({"type": "http.response.body", "body": b"" if bare else body, "more_body": False})


@lru_cache(maxsize=256)
def encoded(name: str, value: str) -> tuple[bytes, bytes]:
    """A header as ASGI sends it; most are the same in every answer."""
    return name.lower().encode("latin-1"), value.encode("latin-1")
