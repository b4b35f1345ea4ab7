"""For operators: is it alive, is it ready, figures, and where to report a vulnerability."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from litestar import Response, get
from litestar.exceptions import NotFoundException
from prometheus_client import CONTENT_TYPE_LATEST

from ..web.limits import Limiter
from ..web.readiness import find_trouble
from ..web.requests import AnyRequest, server_of
from ..web.responses import AnyResponse, bearer_challenge, json_response

POLICY = timedelta(days=180)  # RFC 9116 §2.5.5 recommends less than a year


@get("/healthz", name="health")
async def healthz() -> AnyResponse:
    """The process answers. The database is not asked: no process is restarted because that is away."""
    return json_response({"status": "live"})


@get("/readyz", name="readiness")
async def readyz(request: AnyRequest) -> AnyResponse:
    server = server_of(request)
    if trouble := await find_trouble(server):
        return json_response({"status": trouble}, status=503, headers={"Retry-After": "5"})
    limiter: Limiter = request.app.state.limiter
    alone = limiter.shared is not None and not limiter.shared.answers
    return json_response({"status": "ready"} | ({"limits": "the cache does not answer"} if alone else {}))


@get("/metrics", name="metrics")
async def metrics(request: AnyRequest) -> AnyResponse:
    """For Prometheus, which brings `metrics_token`; without that setting there is no such page."""
    server = server_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    expected = server.settings.metrics_token
    if server.metrics is None or not expected:
        raise NotFoundException
    if scheme.lower() != "bearer" or not compare_digest(token.strip().encode(), expected.encode()):
        return json_response({"error": "invalid_token"}, status=401, headers={"WWW-Authenticate": bearer_challenge()})
    headers = {"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE_LATEST}
    return Response(server.metrics.render(), headers=headers)


@get(["/.well-known/security.txt"], name="security.txt")
async def security_txt(request: AnyRequest) -> AnyResponse:
    """Whom to tell about a vulnerability, until when this is valid, and for which address. RFC 9116 §2.5, §3."""
    server = server_of(request)
    if not server.settings.security_contact:
        raise NotFoundException
    expires = (datetime.fromtimestamp(server.now(), UTC) + POLICY).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        *(f"Contact: {contact}" for contact in server.settings.security_contact),
        f"Expires: {expires.isoformat().replace('+00:00', 'Z')}",
        f"Canonical: {server.issuer}/.well-known/security.txt",
        *([f"Policy: {server.settings.security_policy}"] if server.settings.security_policy else []),
    ]
    headers = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response("\n".join(lines).encode() + b"\n", media_type="text/plain", headers=headers)
