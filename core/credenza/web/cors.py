"""Which other origins may read an answer: those of registered browser applications, at four endpoints,
and all at what is public. Fetch §3.2.

Never with credentials, and never at a page.
"""

from __future__ import annotations

from litestar import Response

from .requests import AnyRequest, server_of
from .responses import AnyResponse

PUBLIC = {"Access-Control-Allow-Origin": "*"}


async def cors_headers(request: AnyRequest) -> dict[str, str]:
    """For the Origin of this request, if an application registered exactly that one."""
    origin = request.headers.get("origin")
    if origin is None:
        return {}
    allowed = await server_of(request).registered_origins()
    return {"Vary": "Origin"} | ({"Access-Control-Allow-Origin": origin} if origin in allowed else {})


async def public_preflight(request: AnyRequest) -> AnyResponse:
    """At what everybody may read: a client may send headers of its own, such as MCP-Protocol-Version."""
    headers = PUBLIC | {
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "*",
        "Access-Control-Max-Age": "600",
    }
    return Response(b"", status_code=204, headers=headers, media_type="text/plain")


async def preflight(request: AnyRequest) -> AnyResponse:
    """The browser's question before a request with headers of its own. Fetch §4.8."""
    headers = await cors_headers(request)
    if "Access-Control-Allow-Origin" in headers:
        headers |= {
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
            "Access-Control-Max-Age": "600",
        }
    return Response(b"", status_code=204, headers=headers, media_type="text/plain")
