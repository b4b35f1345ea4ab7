"""What a request says, read with care: its parameters, where it comes from, and whether a form is one of ours."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

from litestar import Request

from ..languages import Language, accepted
from ..patience import within
from ..protocol.errors import InvalidRequest
from ..protocol.parameters import MAX_BYTES, MAX_FIELDS, Parameters
from ..protocol.words import Words
from ..server import AuthorizationServer
from .proxies import first_sender

if TYPE_CHECKING:
    from .observing import Application

Body = TypeVar("Body")

MAX_PAGE_BODY = 7 * 1024 * 1024  # three images and what is said of them
SLOWEST_BODY = 25.0  # seconds
FORM = "application/x-www-form-urlencoded"
AnyRequest = Request[Any, Any, Any]
"""Litestar's request, as the handler of a route gets it."""


class Forbidden(Exception):
    """The form did not come from a page of ours that this browser was shown."""


class NotAllowed(Exception):
    """Who is signed in may not do this."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text


def server_of(request: AnyRequest) -> AuthorizationServer:
    """The server that the request came to."""
    application: Application = request.app  # type: ignore[assignment]  # one of ours
    return application.server


def wish_languages(request: AnyRequest, ui_locales: str) -> None:
    """What the application asked for in `ui_locales`: the pages of this request follow it. Core §3.1.2.1."""
    request.scope["state"]["ui_locales"] = ui_locales


def choose_language(request: AnyRequest) -> Language:
    """What the application wishes, then what the browser does, then English."""
    wished: str = request.scope["state"].get("ui_locales", "")
    return server_of(request).languages.choose(wished.split(), accepted(request.headers.get("accept-language", "")))


def query_parameters(request: AnyRequest) -> Parameters:
    """Raises InvalidRequest when they cannot be read."""
    return Parameters.parse(request.scope["query_string"])


def is_form(request: AnyRequest) -> bool:
    """Media types are the same in any letter case. RFC 9110 §8.3.1."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower() == FORM


async def form_parameters(
    request: AnyRequest, *, max_fields: int = MAX_FIELDS, max_bytes: int = MAX_BYTES
) -> Parameters:
    """The body of a form post; other content types and what is too large are refused. RFC 6749 Appendix B."""
    if not is_form(request):
        raise InvalidRequest(f"The body must be {FORM}.")
    body = await read_body(request, max_bytes)
    return Parameters.parse(body, max_fields=max_fields, max_bytes=max_bytes)


async def read_body(request: AnyRequest, limit: int) -> bytes:
    """The body, given up as soon as it is longer than `limit` bytes."""
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and (len(length) > 10 or int(length) > limit):
        raise InvalidRequest(Words("The request is too large."))
    return await in_time(_received(request, limit))


async def in_time(body: Awaitable[Body]) -> Body:
    """What is read of a body, however slowly it comes. Raises InvalidRequest."""
    try:
        return await within(SLOWEST_BODY, body)
    except TimeoutError as error:
        raise InvalidRequest(Words("The request ended before its body.")) from error


async def _received(request: AnyRequest, limit: int) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise InvalidRequest(Words("The request ended before its body."))
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise InvalidRequest(Words("The request is too large."))
    return bytes(body)


def address_of(request: AnyRequest) -> str:
    """Where the request comes from. Forwarded headers are believed only from proxies that the settings name."""
    client = request.scope["client"]
    address = client[0] if client else ""
    proxies = server_of(request).settings.trusted_proxies
    if proxies:
        address = first_sender(address, request.headers.getall("x-forwarded-for", []), proxies)
    return address[:64]


def cookie_of(request: AnyRequest, name: str) -> str:
    """A cookie's value; empty when absent or sent more than once: we could not tell which of them is ours.

    Read by hand: `http.cookies` gives up on the whole header for one cookie of somebody else with a quote in it.
    """
    values = []
    for header in request.headers.getall("cookie", []):
        for pair in header.split(";"):
            key, _, value = pair.partition("=")
            if key.strip() == name:
                values.append(value.strip())
    return values[0] if len(values) == 1 else ""


def check_same_origin(request: AnyRequest) -> None:
    """A form of ours is posted by a page of ours. Raises Forbidden. Fetch Metadata; RFC 6454."""
    server = server_of(request)
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        raise Forbidden
    if origin is not None and origin != server.issuer and not (origin == "null" and site == "same-origin"):
        raise Forbidden


def check_csrf(request: AnyRequest, form: Parameters, cookie: str) -> None:
    """The form's token belongs to this browser's cookie, and the form was posted from our origin. Raises Forbidden."""
    check_same_origin(request)
    if not has_csrf_token(request, form, cookie):
        raise Forbidden


def has_csrf_token(request: AnyRequest, form: Parameters, cookie: str) -> bool:
    return cookie != "" and server_of(request).keyring.is_csrf_token(form.get("csrf_token", ""), cookie)
