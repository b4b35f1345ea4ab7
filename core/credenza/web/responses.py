"""Answers, each with the headers that its kind must have. OWASP ASVS V3.4, RFC 6749 §5.1, RFC 6750 §3."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote

from litestar import Response
from litestar.response import Stream

from ..protocol.documents import to_json
from ..protocol.errors import (
    InsufficientScope,
    InvalidClient,
    InvalidDPoPToken,
    InvalidToken,
    ProtocolError,
    TemporarilyUnavailable,
    TooManyTries,
)
from ..protocol.jose import CLIENT_ALGORITHMS
from ..protocol.redirect_uris import host_of
from ..settings import Settings

SAFE = "!#$%&'()*+,/:;=?@[]~"  # what a URI may hold as it is. RFC 3986 §2
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
SOURCE = re.compile(r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]+)?")
SCRIPT = re.compile(rb"<script\b[^>]*></script>")
BODILESS = {204, 304}
LATER = frozenset({429, 503})  # the same request may succeed in a moment
AnyResponse = Response[bytes]
"""Litestar's response, made by `render`, `redirect_response`, `json_response` and the others."""


class Ready(Response[bytes]):
    """Bytes and headers just as they go out; the framework's constructor asks of each part what it could be."""

    def __init__(self, content: bytes, status: int, media_type: str, headers: dict[str, str]) -> None:
        self.content = content
        self.status_code = status
        self.media_type = media_type
        self.headers = headers
        self.cookies = []
        self.background = None
        self.encoding = "utf-8"
        self.response_type_encoders = {}
        self.fields: list[tuple[bytes, bytes]] | None = None

    def encoded(self) -> Ready:
        """With its header fields as ASGI sends them, for an answer that goes out again and again."""
        self.fields = header_fields(self)
        return self


def header_fields(response: AnyResponse) -> list[tuple[bytes, bytes]]:
    """What is declared, and what the body is, in bytes."""
    fields = [_encoded(name, value) for name, value in response.headers.items()]
    if response.status_code not in BODILESS:
        kind = str(response.media_type)
        charset = "; charset=utf-8" if kind.startswith("text/") else ""
        fields.append(_encoded("content-type", f"{kind}{charset}"))
        fields.append((b"content-length", str(len(response.content)).encode()))
    return fields


@lru_cache(maxsize=256)
def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    """A header as ASGI sends it; most are the same in every answer."""
    return name.lower().encode("latin-1"), value.encode("latin-1")


def security_headers(settings: Settings) -> dict[str, str]:
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if settings.secure:
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return headers


def content_security_policy(form_action: str = "", frame_src: str = "") -> str:
    """Nothing from anywhere but our own origin, and in no frame: RFC 9700 §4.16.

    Chromium also asks `form-action` about the redirect after a form.
    """
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{' ' + form_action if form_action else ''}{'; frame-src ' + frame_src if frame_src else ''}"
    )


def policy_source(uri: str) -> str:
    """Where a page may lead to, in the words of a content security policy: an origin, or a scheme.

    Its words for a host know letters, digits, dots and hyphens; browsers ignore a source with any other, an IPv6
    address for example. CSP3 §2.3.1.
    """
    scheme = uri.partition(":")[0]
    origin = f"{scheme}://{host_of(uri)}"
    return origin if SOURCE.fullmatch(origin) else f"{scheme}:"


def own_frame(response: AnyResponse) -> AnyResponse:
    """Let a page of ours be shown in a frame of ours: a preview, in which nothing can be pressed or runs."""
    policy = response.headers["Content-Security-Policy"].replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    response.headers["Content-Security-Policy"] = f"{policy}; sandbox allow-same-origin"
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.content = SCRIPT.sub(b"", response.content)  # the sandbox would complain of each in the browser's log
    return response


def page_response(
    settings: Settings,
    html: str,
    *,
    status: int = 200,
    form_action: str = "",
    frame_src: str = "",
    headers: Mapping[str, str] | None = None,
) -> AnyResponse:
    return Response(
        html.encode(errors="replace"),
        status_code=status,
        media_type="text/html",
        headers={
            **NO_STORE,
            **security_headers(settings),
            "Content-Security-Policy": content_security_policy(form_action, frame_src),
            **({"Retry-After": "5"} if status in LATER else {}),
            **(headers or {}),
        },
    )


def download_response(
    settings: Settings, filename: str, media_type: str, content: bytes | AsyncIterator[bytes]
) -> AnyResponse:
    """A file to keep; what is an iterator goes out while it is being made. RFC 6266 §4.2, §4.3."""
    headers = {
        **NO_STORE,
        **security_headers(settings),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": f'attachment; filename="{filename}"',
    }
    if isinstance(content, bytes):
        return Response(content, media_type=media_type, headers=headers)
    return cast(AnyResponse, Stream(content, media_type=media_type, headers=headers))


def redirect_response(settings: Settings, location: str, *, status: int = 303) -> AnyResponse:
    """303, so that a form with a password is never posted again elsewhere. RFC 9700 §4.12.

    What no URI may hold is percent-encoded; a registered redirect URI has nothing of that.
    """
    location = quote(location, safe=SAFE)
    headers = {**NO_STORE, "Location": location, "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
    return Response(b"", status_code=status, headers=headers, media_type="text/plain")


def json_response(
    content: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> AnyResponse:
    """JSON that nobody may keep. RFC 6749 §5.1."""
    return Ready(
        to_json(content),
        status,
        "application/json",
        {**NO_STORE, "X-Content-Type-Options": "nosniff", **(headers or {})},
    )


def error_response(error: ProtocolError, *, headers: Mapping[str, str] | None = None) -> AnyResponse:
    """RFC 6749 §5.2; for a protected resource RFC 6750 §3."""
    extra = dict(headers or {})
    if isinstance(error, InvalidClient) and error.challenge:
        extra["WWW-Authenticate"] = 'Basic realm="Credenza"'
    if isinstance(error, InvalidToken | InsufficientScope):
        bound = dpop_challenge(error) if isinstance(error, InvalidDPoPToken) else None
        wrong = error if not isinstance(error, InvalidToken) or error.sent else None
        extra.setdefault("WWW-Authenticate", bound or bearer_challenge(wrong))
    if isinstance(error, TooManyTries | TemporarilyUnavailable):
        extra.setdefault("Retry-After", "5")
    return json_response(error.parameters(), status=error.status, headers=extra)


def dpop_challenge(error: ProtocolError) -> str:
    """RFC 9449 §7.1."""
    description = f', error_description="{error.description}"' if error.description else ""
    return f'DPoP error="{error.parameters()["error"]}"{description}, algs="{" ".join(CLIENT_ALGORITHMS)}"'


def bearer_challenge(error: ProtocolError | None = None) -> str:
    """Without an error when no token was sent at all. RFC 6750 §3.1."""
    if error is None:
        return 'Bearer realm="Credenza"'
    description = f', error_description="{error.description}"' if error.description else ""
    return f'Bearer realm="Credenza", error="{error.code}"{description}'


def set_cookie(
    response: AnyResponse, settings: Settings, name: str, value: str, *, max_age: int, path: str = "/"
) -> None:
    """HttpOnly and Lax always; `__Host-` names are Secure and for the whole origin. RFC 6265bis §4.1.3."""
    response.set_cookie(
        key=name, value=value, max_age=max_age, path=path, httponly=True, samesite="lax", secure=settings.secure
    )
