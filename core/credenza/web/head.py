"""HEAD is answered like GET, without the body. RFC 9110 §9.3.2."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import Message, Method, Send


class Heads(ReceiveRoutePlugin):
    """Whatever answers GET answers HEAD, but where its `opt` says `head=False`: there GET uses something up."""

    def receive_route(self, route: BaseRoute) -> None:
        if isinstance(route, HTTPRoute) and "HEAD" not in route.methods and "GET" in route.methods:
            found = route.route_handler_map["GET"]
            if found[0].opt.get("head", True):
                route.route_handler_map["HEAD"] = found
                route.methods.add("HEAD")


class PageRequest(Request[Any, Any, Any]):
    """What a handler is given: it answers two methods, GET and POST, and need not know a third."""

    @property
    def method(self) -> Method:
        method: Method = self.scope["method"]
        return "GET" if method == "HEAD" else method


def without_body(send: Send) -> Send:
    """Nor with cookies: what a page says once is kept for whoever reads it."""

    async def bare(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(name, value) for name, value in message["headers"] if name.lower() != b"set-cookie"]
            await send({**message, "headers": headers})
        elif message["type"] == "http.response.body":
            await send({**message, "body": b""})
        else:
            await send(message)

    return bare
