"""The one way out: every call to an address that somebody else named. RFC 6890, SSRF guard.

The name is resolved once, every address is judged, and the connection goes to a judged address, so that a second answer
of the name server changes nothing. No redirects, no cookies, no proxies, a limit on size and on the whole time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import os
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from .protocol.documents import parse_json
from .protocol.errors import TemporarilyUnavailable
from .protocol.redirect_uris import USUAL_PORTS, check_web_uri, place_of
from .protocol.words import Words
from .settings import Settings

TIMEOUT = 5.0  # seconds of one call
ALTOGETHER = 5.0  # seconds of all calls that one request makes, however many addresses strangers name in it
MAX_BYTES = 64 * 1024
AT_ONE_HOST = 100  # calls that one process has under way at once
LOOKUPS = 300  # names that one process asks for at once

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What `is_global` says yes to although it leads inside, or nowhere.
_DENIED = [
    ipaddress.ip_network(n)
    for n in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "::/96",
        "fec0::/10",
        "192.0.0.0/24",
        "224.0.0.0/4",
        "ff00::/8",
        "192.88.99.0/24",
        "240.0.0.0/4",
    )
]


_until: ContextVar[float | None] = ContextVar("until", default=None)
"""When all calls of this task must have ended: None for never, and 0 in a request that has made none yet."""


def begin_request(*, limited: bool = True) -> None:
    """All calls of this task are one request's from here on; or, what it began goes on beside it."""
    _until.set(0.0 if limited else None)


def limit_calls() -> None:
    """All calls that this task makes from now on end in five seconds, unless their time began to run before."""
    if not _until.get():
        _until.set(asyncio.get_running_loop().time() + ALTOGETHER)


class Crowd:
    """Requests that wait for what another server says, whoever of them asked it: so many at once, and those that come
    then are told so, or there would be no place left for anybody else.
    """

    most = 300

    def __init__(self) -> None:
        self._waiting = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Raises TemporarilyUnavailable."""
        if self._waiting >= self.most:
            raise TemporarilyUnavailable(Words("Try again in a moment."))
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1


class Refused(Exception):
    """The address may not be called, or its answer may not be used; the message is for logs and administrators.

    Ours name an address without its query, which may hold a key; `place_of` is for those of plugins.
    """


def is_public(address: Address) -> bool:
    """Whether an address is out in the world, also behind the many ways to write IPv4 inside IPv6."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _DENIED if network.version == address.version)
    )


_lookups = threading.BoundedSemaphore(LOOKUPS)


async def _resolve(host: str, port: int) -> list[str]:
    """In a thread of its own: nobody can end it before the name server of some stranger answers, and in one of the few
    that are shared it would keep other names, connections to the database and pictures waiting.
    """
    if not _lookups.acquire(blocking=False):
        raise Refused("too many names are asked for at once")
    found: Future[Sequence[Any]] = Future()
    thread = threading.Thread(target=_look_up, args=(host, port, found), name="name server", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # the system gives this process no more of them
        _lookups.release()
        raise Refused(f"{host} cannot be resolved now") from error
    try:
        infos = await asyncio.wrap_future(found)
    except (OSError, UnicodeError) as error:
        raise Refused(f"{host} cannot be resolved") from error
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


def _look_up(host: str, port: int, found: Future[Sequence[Any]]) -> None:
    if not found.set_running_or_notify_cancel():  # from here on whoever waits may go, and the answer comes all the same
        _lookups.release()
        return
    try:
        tell = partial(found.set_result, socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except Exception as error:  # noqa: BLE001 - it is for whoever waits
        tell = partial(found.set_exception, error)
    _lookups.release()
    tell()


async def _judged_address(settings: Settings, host: str, port: int) -> str:
    addresses = await _resolve(host, port)
    for text in addresses:
        address = ipaddress.ip_address(text.split("%")[0])
        if not is_public(address) and not _allowed(settings, host, port, address):
            raise Refused(f"{host} leads to {text}, which is not a public address and not in outbound_allow")
    if not addresses:
        raise Refused(f"{host} has no address")
    return addresses[0]


def _allowed(settings: Settings, host: str, port: int, address: Address) -> bool:
    """Whether the operator listed this host, host and port, or network in `outbound_allow`."""
    for entry in settings.outbound_allow:
        if entry in (host, f"{host}:{port}"):
            return True
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            continue
        if network.version == address.version and address in network:
            return True
    return False


async def fetch(
    settings: Settings,
    url: str,
    *,
    method: str = "GET",
    form: Mapping[str, str] | None = None,
    document: Mapping[str, Any] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    limit: int = MAX_BYTES,
    accept: str = "application/json",
    authorization: str = "",
) -> tuple[int, str, bytes]:
    """Status, content type and body of an answer; raises Refused. `limit` is in bytes.

    What is sent is a `form`, a `document` (as JSON), a `body` as it stands, or nothing; two of them are a TypeError.
    `authorization` is the value of that header, if one is sent.

    `headers` has further ones, as `X-Api-Key` or the signature of a `body`. A name is a token, no name comes twice, and
    a value is visible ASCII, with spaces only between. Those that the call decides are refused: Accept, Authorization,
    User-Agent, Content-Type (but for a `body`), Host, Cookie, Content-Length, Expect, Accept-Encoding, and what is for
    the connection: Connection, Keep-Alive, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings, Proxy-… . What they
    hold is in no log and no message, and goes to no other host: a redirect is not followed.
    """
    answer = await fetch_answer(
        settings,
        url,
        method=method,
        form=form,
        document=document,
        body=body,
        headers=headers,
        limit=limit,
        accept=accept,
        authorization=authorization,
    )
    return answer.status, answer.headers.get("content-type", ""), answer.body


# What `fetch` has an argument for, and what says where a request goes, whose it is, and where it ends.
_DECIDED = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def _checked_headers(headers: Mapping[str, str], decided: Set[str]) -> dict[str, str]:
    """By names in lower case; raises ValueError, which never says what a header holds: it may be a secret.

    RFC 9110 §5.6.2.
    """
    checked: dict[str, str] = {}
    for name, value in headers.items():
        known = name.lower()
        if not _NAME.fullmatch(name):
            raise ValueError("the name of a header is a token (RFC 9110 §5.6.2), and one in `headers` is not")
        if known in decided or known.startswith("proxy-"):
            raise ValueError(f"`headers` may not have {name}, which the call itself decides")
        if known in checked:
            raise ValueError(f"`headers` has {name} twice")
        _check_value(name, value)
        checked[known] = value
    return checked


def _check_value(name: str, value: str) -> None:
    if not _VALUE.fullmatch(value):
        raise ValueError(f"what the header {name} holds is not visible ASCII, with spaces only between")


_under_way: Counter[str] = Counter()
"""Calls by host and port: one that is slow, and that strangers make us ask, takes only so many connections."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What another server said. The names of `headers` are in lower case; what came twice is joined by ", "."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def fetch_answer(
    settings: Settings,
    url: str,
    *,
    method: str = "GET",
    form: Mapping[str, str] | None = None,
    document: Mapping[str, Any] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    limit: int = MAX_BYTES,
    accept: str = "application/json",
    authorization: str = "",
) -> Answer:
    """As `fetch`, for whoever needs the headers; raises Refused."""
    if sum(given is not None for given in (form, document, body)) > 1:
        raise TypeError("a form, a document or a body is sent, and not two of them")
    try:
        check_web_uri(url)
    except ValueError as error:
        raise Refused(str(error)) from error
    place = place_of(url)
    sent = {"json": document} if document is not None else {"data": form} if form is not None else {"content": body}
    fields = {"Accept": accept} | ({"Authorization": authorization} if authorization else {})
    try:
        for name, value in fields.items():
            _check_value(name, value)
        fields |= _checked_headers(headers or {}, _DECIDED - {"content-type"} if "content" in sent else _DECIDED)
    except ValueError as error:
        raise Refused(f"{place} was not asked: {error}") from error
    import httpx  # by the first call that leaves the house: it is large

    host = urlsplit(url).netloc
    if _under_way[host] >= AT_ONE_HOST:
        raise Refused(f"{host} is asked too much at once")
    _under_way[host] += 1
    if _until.get() is not None:
        limit_calls()
    try:
        async with asyncio.timeout_at(min(asyncio.get_running_loop().time() + TIMEOUT, _until.get() or math.inf)):
            return await _fetch(settings, url, method, sent, fields, limit)
    except httpx.LocalProtocolError:  # it says what was to be sent
        raise Refused(f"{place} was not asked: no request may hold this `method`") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
        raise Refused(f"{place} did not answer: {type(error).__name__}") from error
    finally:
        _under_way[host] -= 1
        if not _under_way[host]:
            del _under_way[host]


@dataclass(frozen=True, slots=True)
class Document:
    """JSON from elsewhere. `max_age` is how long its host lets it be kept, in seconds; None when that does not say."""

    content: Any
    max_age: int | None


async def fetch_document(settings: Settings, url: str, *, limit: int = MAX_BYTES) -> Document:
    """The JSON at an address that answers 200 and calls it JSON; raises Refused."""
    answer = await fetch_answer(settings, url, limit=limit)
    place = place_of(url)
    if answer.status != 200:
        raise Refused(f"{place} answered {answer.status}")
    media_type = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/json" and not re.fullmatch(r"application/[a-z0-9.-]+\+json", media_type):
        raise Refused(f"{place} is {media_type or 'of no type'}, not application/json")
    try:
        return Document(parse_json(answer.body), _max_age(answer.headers.get("cache-control", "")))
    except ValueError as error:
        raise Refused(f"{place}: {error}") from error


def _max_age(cache_control: str) -> int | None:
    """How long it may be kept; 0 when it may not. RFC 9111 §5.2.2.1, §5.2.2.4, §5.2.2.5."""
    directives = [directive.strip().lower() for directive in cache_control.split(",")]
    if {"no-store", "no-cache"} & set(directives):
        return 0
    ages = [d.removeprefix("max-age=").strip('"') for d in directives if d.startswith("max-age=")]
    return min((int(age[:10]) for age in ages if age.isdecimal() and age.isascii()), default=None)


async def _fetch(
    settings: Settings,
    url: str,
    method: str,
    sent: Mapping[str, Any],
    fields: Mapping[str, str],
    limit: int,
) -> Answer:
    import httpx

    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or USUAL_PORTS.get(parts.scheme, 80)
    address = await _judged_address(settings, host, port)
    literal = f"[{address}]" if ":" in address else address
    target = httpx.URL(url).copy_with(host=literal)
    client = httpx.AsyncClient(transport=_transport(), follow_redirects=False, trust_env=False, timeout=TIMEOUT)
    async with client:
        request = client.build_request(
            method,
            target,
            **sent,
            # Not compressed: a few bytes could become many megabytes before anybody counts them.
            headers={
                "Host": parts.netloc,
                "Accept-Encoding": "identity",
                "User-Agent": "Credenza",
                **fields,
            },
            extensions={"sni_hostname": host},
        )
        response = await client.send(request, stream=True)
        try:
            body = b""
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > limit:
                    raise Refused(f"{place_of(url)} sent more than {limit} bytes")
        finally:
            await response.aclose()
    return Answer(response.status_code, dict(response.headers), body)


def _transport() -> Any:
    """What reaches the socket. `credenza.testing.Outside` has another one, and another `_resolve`."""
    import httpx

    return httpx.AsyncHTTPTransport(verify=_trusted(os.environ.get("SSL_CERT_FILE", "")), trust_env=False)


@cache
def _trusted(authorities: str) -> ssl.SSLContext:
    """The world's authorities, or those in the file that SSL_CERT_FILE names. Made once: it takes milliseconds."""
    import httpx

    return httpx.create_ssl_context()
