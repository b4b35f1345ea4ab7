"""Calling an endpoint of our own as a client would, without the network: the same routes, checks and answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from ..protocol import jose
from .requests import AnyRequest, server_of


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    status: int
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """What was answered; empty when it is no JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


async def call_own(
    request: AnyRequest,
    method: str,
    address: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> OwnAnswer:
    """One request to an `address` of ours, in the name of the sender of `request`, without its cookies."""
    parts = urlsplit(address)
    body = urlencode(form).encode() if form is not None else b""
    sent = {"host": urlsplit(server_of(request).issuer).netloc, "content-length": str(len(body))}
    if form is not None:
        sent["content-type"] = "application/x-www-form-urlencoded"
    sent |= {name.lower(): value for name, value in (headers or {}).items()}
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": parts.scheme,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
        "client": request.scope.get("client"),
        "server": request.scope.get("server"),
        "state": {},
        "extensions": {},
    }
    status, answered = 500, b""

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status, answered
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            answered += message.get("body", b"")

    await request.app(scope, receive, send)  # type: ignore[arg-type]  # a scope as a server would make it
    return OwnAnswer(status, answered)


def basic_credentials(client_id: str, secret: str) -> str:
    """The Authorization header of client_secret_basic. RFC 6749 §2.3.1."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


@dataclass(frozen=True, slots=True)
class TokenSeen:
    """A token as its reader sees it; `problem` says why its signature does not hold, and is empty when it does."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    problem: str = ""


def see_token(token: str, jwks: Mapping[str, Any]) -> TokenSeen | None:
    """Decode a JWT and check its signature with published keys; None for a token that is no JWT."""
    try:
        header, claims = jose.read_header(token), jose.read_claims(token)
    except jose.InvalidJWT:
        return None
    try:
        jose.verify(token, jose.parse_jwks(jwks), types=(None, "jwt", "at+jwt"))
    except (jose.InvalidJWT, ValueError) as error:
        return TokenSeen(header, claims, str(error))
    return TokenSeen(header, claims)
