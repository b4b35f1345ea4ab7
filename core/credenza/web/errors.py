"""What becomes of an exception: a page for people, JSON for programs, an id for the log. Never more than that."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, ExceptionHandlersMap, Receive, Scope, Send

from ..events import AuthorizationRefused, SignOutRefused
from ..logs import request_id
from ..protocol.clients import Client
from ..protocol.errors import ProtocolError, ServerError, TemporarilyUnavailable, UnsafeRequest
from ..protocol.tokens import new_id
from ..protocol.words import Words
from ..store.engine import StoreFull, StoreUnavailable
from .accounts import way_back
from .pages import ErrorPage
from .refusals import write_down
from .rendering import render
from .requests import AnyRequest, Forbidden, NotAllowed, address_of, choose_language, server_of
from .responses import AnyResponse, error_response, json_response
from .sessions import browser_cookie, has_session_cookie

logger = logging.getLogger("credenza")

HEADINGS = {
    "invalid_redirect_uri": Words("This application sent you to the wrong place"),
    "invalid_client": Words("This application cannot be used"),
    "access_denied": Words("Access denied"),
    "not_found": Words("This page does not exist"),
    "gone": Words("This is not there any more"),
    "forbidden": Words("You cannot do this"),
    "stale_form": Words("This page was out of date"),
    "temporarily_unavailable": Words("We cannot answer just now"),
    "too_many_requests": Words("Too many tries"),
    "server_error": Words("Something went wrong on our side"),
}
SIGN_OUT = (Words("Sign out"), "/logout")
"""The page that asks about it, for whoever came for that, or needs another account."""
HOME = (Words("Go to the start page"), "/")
KEPT = 10.0  # seconds
DESCRIPTIONS = {
    404: Words("Check the address, or go back to the previous page."),
    405: Words("Open this address from the page that leads to it."),
}
TOO_LARGE = Words("That is more than fits into one form. Nothing was changed.")


def new_error_id() -> str:
    """The request's own id, so that page, audit log and the server's log name the same one."""
    return request_id.get() or new_id()[:12]


async def error_page(
    request: AnyRequest,
    code: str,
    description: str,
    *,
    status: int = 400,
    facts: tuple[tuple[str, str], ...] = (),
    client: Client | None = None,
    error_id: str = "",
    headers: dict[str, str] | None = None,
    links: tuple[tuple[str, str], ...] = (),
) -> AnyResponse:
    """A page that says what is wrong and what to do, and never leads anywhere by itself."""
    heading = HEADINGS.get(code, Words("This request cannot be completed"))
    page = ErrorPage(
        title=heading,
        code=code,
        heading=heading,
        description=description,
        facts=facts,
        error_id=error_id or new_error_id(),
        application=client.display_name if client is not None else "",
        links=links,
    )
    return await render(request, page, status=status, headers=headers)


async def crowded_page(request: AnyRequest, text: str) -> AnyResponse:
    """More people sign in than can be served: the same page for all of them, made once in a while, so that a storm of
    refusals delays nobody else.
    """
    kept: dict[tuple[str, str], tuple[float, AnyResponse]] = request.app.state.renderer.kept
    language, now = choose_language(request).tag, time.monotonic()
    made_at, answer = kept.get((language, text), (0.0, None))
    if answer is None or now - made_at > KEPT:
        heading = HEADINGS["temporarily_unavailable"]
        page = ErrorPage(
            title=heading,
            code="temporarily_unavailable",
            heading=heading,
            description=text,
            links=((Words("Sign in"), ""),),
        )
        answer = await render(request, page, status=503)
        kept[language, text] = (now, answer)
    return answer


async def unsafe_request_page(
    request: AnyRequest,
    error: UnsafeRequest,
    client: Client | None = None,
    *,
    kind: type[AuthorizationRefused | SignOutRefused] = AuthorizationRefused,
    links: tuple[tuple[str, str], ...] = (),
) -> AnyResponse:
    """The client or its redirect URI cannot be trusted: the developer is taught here, and the event can be found."""
    error_id = new_error_id()
    event = kind(
        client=error.client_id[:255],
        address=address_of(request),
        error_id=error_id,
        error=error.code,
        description=error.told,
    )
    await write_down(request, event)
    facts = tuple(error.facts)
    return await error_page(
        request, error.code, error.description, facts=facts, client=client, error_id=error_id, links=links
    )


def wants_html(request: AnyRequest) -> bool:
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted or (accepted in ("", "*/*") and request.method == "GET")


async def on_protocol_error(request: AnyRequest, error: ProtocolError) -> AnyResponse:
    if error.detail:
        logger.info("%s: %s", error.code, error.detail)
    return error_response(error)


async def on_protocol_error_page(request: AnyRequest, error: ProtocolError) -> AnyResponse:
    code = "too_many_requests" if error.status == 429 else error.code
    return await error_page(request, code, error.text, status=error.status)


def cookie_facts(request: AnyRequest) -> tuple[tuple[str, str], ...]:
    """What is the matter where every visitor has a cookie, and this one has none."""
    if browser_cookie(request) or has_session_cookie(request):
        return ()
    return (
        (Words("Cookie"), Words("None: the browser keeps none, or the sign-in began at another address.")),
        (Words("Address of this server"), server_of(request).issuer),
    )


async def on_forbidden(request: AnyRequest, error: Forbidden) -> AnyResponse:
    description = Words("Nothing was changed. Open the page again, and try once more.")
    origin, issuer = request.headers.get("origin", ""), server_of(request).issuer
    facts = cookie_facts(request)
    if origin not in ("", "null", issuer):  # the issuer is another address than the one that people open
        facts = ((Words("The form was sent from"), origin[:200]), (Words("Address of this server"), issuer))
    return await error_page(request, "stale_form", description, status=403, facts=facts, links=reopening(request))


def reopening(request: AnyRequest) -> tuple[tuple[str, str], ...]:
    """A link to the page that the form stood on, if it was one of ours."""
    back = way_back(request)
    return ((Words("Open the page again"), back),) if back != "/" else ()


async def on_not_allowed(request: AnyRequest, error: NotAllowed) -> AnyResponse:
    description = error.text or Words("Your account may not do this.")
    return await error_page(request, "forbidden", description, status=403, links=(SIGN_OUT,))


async def on_store_unavailable(request: AnyRequest, error: StoreUnavailable) -> AnyResponse:
    server = server_of(request)
    server.full = server.full or isinstance(error, StoreFull)
    if server.metrics is not None:
        server.metrics.unavailable.inc()
    logger.error("store unavailable: %s", error)
    refusal = TemporarilyUnavailable(Words("Try again in a moment."))
    if wants_html(request):
        return await _plain_page(request, refusal.code, refusal.text, 503, headers={"Retry-After": "5"})
    return error_response(refusal)


async def on_http_exception(request: AnyRequest, error: HTTPException) -> AnyResponse:
    """404, 405 and their like, from the framework."""
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    phrase = HTTPStatus(error.status_code).phrase
    if error.status_code >= 500:
        return await on_any_exception(request, error)
    if not wants_html(request):
        return json_response({"error": code, "error_description": phrase}, status=error.status_code, headers=headers)
    links = (*reopening(request), HOME)
    if code == "not_found" and request.method == "POST" and "path_template" in request.scope:  # there is such a form
        removed = Words("It was removed meanwhile, perhaps in another tab.")
        return await _plain_page(request, "gone", removed, 404, links=links)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return await _plain_page(request, code, TOO_LARGE, error.status_code, links=links)
    description = DESCRIPTIONS.get(error.status_code, phrase)
    links = (HOME,) if error.status_code in DESCRIPTIONS else ()
    return await _plain_page(request, code, description, error.status_code, headers=headers, links=links)


async def on_any_exception(request: AnyRequest, error: Exception) -> AnyResponse:
    """The last resort: the detail goes to the log, the answer has an id. The log never shows the query string."""
    error_id = new_error_id()
    path = request.scope.get("path_template", "")  # as it is declared: the path itself may hold a link that is a secret
    logger.error("error %s at %s %s", error_id, request.method, path, exc_info=error)
    if wants_html(request):
        description = Words("We have recorded what happened.")
        return await _plain_page(request, "server_error", description, 500, error_id=error_id)
    return json_response(ServerError(f"Error id {error_id}.").parameters(), status=500)


async def _plain_page(
    request: AnyRequest,
    code: str,
    description: str,
    status: int,
    *,
    error_id: str = "",
    headers: dict[str, str] | None = None,
    links: tuple[tuple[str, str], ...] = (),
) -> AnyResponse:
    """An error page that must come even when the database does not answer."""
    try:
        return await error_page(
            request, code, description, status=status, error_id=error_id, headers=headers, links=links
        )
    except Exception:
        logger.exception("the error page failed")
        return json_response({"error": code}, status=status, headers=headers)


Handler = Callable[[AnyRequest, Any], Awaitable[AnyResponse]]


class Awaited(Response[bytes]):
    """Litestar calls exception handlers without awaiting them, and our pages wait for the database: so the waiting is
    done when the answer is sent.
    """

    def __init__(self, answer: Awaitable[AnyResponse]) -> None:
        super().__init__(b"")
        self._answer = answer

    def to_asgi_response(self, request: AnyRequest, **options: Any) -> ASGIApp:  # type: ignore[override]
        async def send_answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await self._answer
            await response.to_asgi_response(request=request, **options)(scope, receive, send)

        return send_answer


def awaited(handlers: Mapping[type[Exception], Handler]) -> ExceptionHandlersMap:
    """Our handlers in the form that Litestar takes."""

    def one(handler: Handler) -> Callable[[AnyRequest, Exception], Awaited]:
        return lambda request, error: Awaited(_handled(handler, request, error))

    return {kind: one(handler) for kind, handler in handlers.items()}


async def _handled(handler: Handler, request: AnyRequest, error: Exception) -> AnyResponse:
    """Nobody catches what a handler raises while the answer is sent, and the database may be away by then."""
    try:
        return await handler(request, error)
    except StoreUnavailable as unavailable:
        return await on_store_unavailable(request, unavailable)
    except Exception as another:  # noqa: BLE001 - the last resort logs it
        return await on_any_exception(request, another)


PROTOCOL_HANDLERS: Mapping[type[Exception], Handler] = {
    ProtocolError: on_protocol_error,
    StoreUnavailable: on_store_unavailable,
}
PAGE_HANDLERS: Mapping[type[Exception], Handler] = {
    ProtocolError: on_protocol_error_page,
    UnsafeRequest: unsafe_request_page,
    Forbidden: on_forbidden,
    NotAllowed: on_not_allowed,
    StoreUnavailable: on_store_unavailable,
}
APP_HANDLERS: Mapping[type[Exception], Handler] = {
    **PAGE_HANDLERS,
    HTTPException: on_http_exception,
    Exception: on_any_exception,
}
