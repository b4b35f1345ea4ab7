"""Other services, as whoever calls them with `fetch` sees them: what they answer, and what they were sent."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch
from urllib.parse import parse_qsl

import h11
import httpcore
import httpx

from .. import outbound
from ..protocol.redirect_uris import check_web_uri, place_of

SOMEWHERE = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"  # a public address, to which nothing is sent


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was sent. The names of `headers` are in lower case; `document` reads the body as JSON."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class _Answer:
    head: h11.Response
    content: bytes


class Outside:
    """All other services, which answer what a test says, inside of `with Outside() as outside:`.

    `fetch` is the real one, with its checks and limits, but that no name is looked up and no connection made. A request
    to an address of which the test says nothing is refused, and fails the test in the end. `requests` are those that
    were sent, the oldest first.
    """

    def __init__(self) -> None:
        self.requests: list[Sent] = []
        self._said: dict[str, _Answer | type[Exception]] = {}
        self._unknown: list[str] = []
        self._patches = ExitStack()

    def answers(
        self,
        url: str,
        status: int = 200,
        *,
        document: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """From now on: a `document` as JSON, a `body` as it stands, or nothing, whatever query is sent if `url` has
        none. Raises ValueError for an address that is never called, TypeError for a document and a body.
        """
        if document is not None and body is not None:
            raise TypeError("a document or a body is answered, and not both")
        content = json.dumps(document).encode() if document is not None else body or b""
        fields = {"content-type": "application/json"} if document is not None else {}
        fields |= {"content-length": str(len(content)), "connection": "close"}
        fields |= {name.lower(): value for name, value in (headers or {}).items()}
        self._say(url, _Answer(h11.Response(status_code=status, headers=list(fields.items())), content))

    def is_away(self, url: str) -> None:
        """From now on nobody can be reached there."""
        self._say(url, httpcore.ConnectError)

    def is_slow(self, url: str) -> None:
        """From now on it takes longer than `fetch` waits. The test does not: that time is over at once."""
        self._say(url, httpcore.ReadTimeout)

    def _say(self, url: str, answer: _Answer | type[Exception]) -> None:
        check_web_uri(url)
        self._said[_in_one_form(url)] = answer

    def _answer(self, request: Sent) -> _Answer:
        answer = self._said.get(request.url) or self._said.get(place_of(request.url))
        if answer is None:
            self._unknown.append(f"{request.method} {request.url}")
            raise outbound.Refused(f"the test does not say what {request.url} answers")
        if answer is not httpcore.ConnectError:
            self.requests.append(request)
        if isinstance(answer, type):
            raise answer
        return answer

    def __enter__(self) -> Self:
        self._patches.enter_context(patch.object(outbound, "_resolve", _resolve))
        self._patches.enter_context(patch.object(outbound, "_transport", partial(_Transport, self)))
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._patches.close()
        if self._unknown:
            told = "The test does not say what these answer, and they were called: " + ", ".join(self._unknown)
            if error is None:
                raise AssertionError(told)
            error.add_note(told)


def _in_one_form(url: str) -> str:
    """As the address is called: with a path, and without the usual port."""
    parsed = httpx.URL(url.partition("#")[0])
    return str(parsed.copy_with(raw_path=parsed.raw_path))


async def _resolve(host: str, _: int) -> list[str]:
    """Each name leads to somewhere public, and an address to itself."""
    try:
        ip_address(host)
    except ValueError:
        return ["127.0.0.1" if host == "localhost" else SOMEWHERE]
    return [host]


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own, down to the bytes, with no socket below."""

    def __init__(self, outside: Outside) -> None:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(verify=trust, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(ssl_context=trust, network_backend=_Network(outside))


class _Network(httpcore.AsyncNetworkBackend):
    def __init__(self, outside: Outside) -> None:
        self.outside = outside

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Connection(self.outside)


class _Connection(httpcore.AsyncNetworkStream):
    """The other end of one connection: it reads one request, and answers."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.scheme = "http"
        self.wire = h11.Connection(h11.SERVER)
        self.head: h11.Request | None = None
        self.body = b""
        self.answer = b""

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        self.scheme = "https"
        return self

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if not buffer:  # which h11 would take for the end of the connection
            return
        self.wire.receive_data(buffer)
        while (event := self.wire.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Request):
                self.head = event
            elif isinstance(event, h11.Data):
                self.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._respond()
                break

    def _respond(self) -> None:
        assert self.head is not None
        headers = {name.decode(): value.decode() for name, value in self.head.headers}
        url = _in_one_form(f"{self.scheme}://{headers['host']}{self.head.target.decode()}")
        method = self.head.method.decode()
        answer = self.outside._answer(Sent(method, url, headers, self.body))
        has_content = answer.content and method != "HEAD" and answer.head.status_code not in (204, 304)
        events = [answer.head, *([h11.Data(answer.content)] if has_content else []), h11.EndOfMessage()]
        self.answer = b"".join(self.wire.send(event) or b"" for event in events)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        part, self.answer = self.answer[:max_bytes], self.answer[max_bytes:]
        return part

    async def aclose(self) -> None:
        pass

    def get_extra_info(self, info: str) -> Any:
        return None
