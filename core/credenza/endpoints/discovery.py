"""Who we are and where everything is. OpenID Connect Discovery §4.1, §4.2, RFC 8414 §3, RFC 7517."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from time import monotonic

from ..catalogue import catalogue
from ..protocol.documents import to_json
from ..protocol.metadata import metadata
from ..server import AuthorizationServer
from ..store.engine import StoreUnavailable
from ..store.version import current_version, is_fresh
from ..web.cors import PUBLIC, public_preflight
from ..web.endpoints import endpoint
from ..web.requests import AnyRequest, server_of
from ..web.responses import AnyResponse, Ready

ENDPOINTS = {
    "authorization_endpoint": "/authorize",
    "token_endpoint": "/token",
    "userinfo_endpoint": "/userinfo",
    "jwks_uri": "/jwks",
    "revocation_endpoint": "/revoke",
    "introspection_endpoint": "/introspect",
    "end_session_endpoint": "/logout",
    "pushed_authorization_request_endpoint": "/par",
    "device_authorization_endpoint": "/device_authorization",
}
PROTOCOL_CLAIMS = ("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash")


PATIENCE = 0.15  # seconds that an answer waits to hear whether it is still true
LONGEST = 5.0  # seconds that it waits for a newer one that there is
MAX_AGE = 300  # seconds that others may keep it, and we: a plugin that failed when it was made may be well again


class Document:
    """An answer kept until the version of the configuration moves, with the hash of its bytes as ETag."""

    def __init__(self) -> None:
        self.version = -1
        self.made_at = 0.0
        self._etag = b""
        self._whole: AnyResponse | None = None
        self._unchanged: AnyResponse | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._known_old = False

    @property
    def _worn(self) -> bool:
        return monotonic() >= self.made_at + MAX_AGE

    async def renew(self, describe: Callable[[], Awaitable[object]]) -> None:
        """Bring it up to date. While the database is slow or away, what was true a moment ago is still answered.

        Whoever verifies a token must be able to; and nobody may keep more than one question to the database waiting.
        """
        if self._renewing is None or self._renewing.done():
            if is_fresh(self.version) and not self._worn:
                return
            self._renewing = asyncio.create_task(self._renew(describe))
        renewing = self._renewing
        await asyncio.wait((renewing,), timeout=PATIENCE if self._whole else None)
        if self._known_old and not renewing.done():
            await asyncio.wait((renewing,), timeout=LONGEST)
        error = renewing.exception() if renewing.done() else None
        if error is not None and not (self._whole and isinstance(error, StoreUnavailable)):
            raise error

    async def _renew(self, describe: Callable[[], Awaitable[object]]) -> None:
        version = await current_version()
        if self.version == version and not self._worn:
            return
        self._known_old = self.version != version
        try:
            self.put(version, await describe())
        finally:
            self._known_old = False

    def put(self, version: int, value: object) -> None:
        self.version, self.made_at = version, monotonic()
        body = to_json(value)
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        self._etag = etag.encode()
        headers = {
            "ETag": etag,
            "Cache-Control": f"public, max-age={MAX_AGE}",
            "X-Content-Type-Options": "nosniff",
            **PUBLIC,
        }
        self._whole = Ready(body, 200, "application/json", headers).encoded()
        self._unchanged = Ready(b"", 304, "application/json", headers).encoded()

    def answer(self, request: AnyRequest) -> AnyResponse:
        known = next((value for name, value in request.scope["headers"] if name == b"if-none-match"), None)
        answer = self._unchanged if known is not None and self._is_among(known) else self._whole
        assert answer is not None
        return answer

    def _is_among(self, known: bytes) -> bool:
        """Whoever compresses our answers on their way makes the ETag a weak one. RFC 9110 §13.1.2."""
        tags = [tag.strip().removeprefix(b"W/") for tag in known.split(b",")]
        return self._etag in tags or tags == [b"*"]


@endpoint(
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    methods=("GET", "HEAD"),
    name="discovery",
    preflight=public_preflight,
)
async def discovery(request: AnyRequest) -> AnyResponse:
    """RFC 8414 §3.1; its place is that of an issuer without a path, since ours has none."""
    document: Document = request.app.state.discovery
    await document.renew(lambda: describe(server_of(request)))
    return document.answer(request)


async def describe(server: AuthorizationServer) -> dict[str, object]:
    """The metadata document. It has the provider's own scopes; each API publishes its own."""
    own = [
        scope
        for permission, scope in (await catalogue(server)).items()
        if not permission.resource and server.scope_providers[permission.source].section == "user"
    ]
    claims = dict.fromkeys([*PROTOCOL_CLAIMS, *(name for scope in own for name in scope.claims)])
    used = {grant for kind in server.client_types.values() for grant in (*kind.grant_types, *kind.optional_grant_types)}
    return server.extra_metadata | metadata(
        issuer=server.issuer,
        endpoints=ENDPOINTS,
        scopes=dict.fromkeys(scope.permission.scope for scope in own),
        claims=claims,
        grant_types=[name for name in server.grant_types if name in used],
        signing_algorithms=server.settings.signing_algorithms,
        acr_values=server.acr_values,
        locales=server.languages.tags,
    )


async def key_set(server: AuthorizationServer) -> dict[str, object]:
    return {"keys": [dict(key.public_jwk) for key in (await server.keys()).published]}


@endpoint("/jwks", methods=("GET", "HEAD"), name="jwks", preflight=public_preflight)
async def jwks(request: AnyRequest) -> AnyResponse:
    """Next, active and retired keys: a relying party knows a key before it signs, and for as long as it is needed."""
    document: Document = request.app.state.jwks
    await document.renew(lambda: key_set(server_of(request)))
    return document.answer(request)
