"""Clients that do not send, or do not read: they keep nobody out, and are cut. SECURITY.md R-OP-09, F-21."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
import uvicorn
from faults.waiting import wait_until

from credenza.testing import Credenza
from credenza.web import slow_clients

STALL = 1.5  # seconds
LARGE = 8 * 1024 * 1024  # more than any system keeps on the way
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-length", str(LARGE).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x" * LARGE})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[uvicorn.Server]:
    """A server that is not patient for long."""
    monkeypatch.setattr(slow_clients, "STALL", STALL)
    config = uvicorn.Config(app, http=slow_clients.PatientProtocol, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)  # as on the way through a real network
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield server
        server.should_exit = True
        thread.join()


def connected(server: uvicorn.Server) -> socket.socket:
    wait_until(lambda: server.started, "the server")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(20)
    connection.connect(server.servers[0].sockets[0].getsockname())
    return connection


def received(connection: socket.socket) -> int:
    """How much comes until the end, or until the other side has had enough."""
    count = 0
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            count += len(piece)
            if count >= LARGE + 100:
                break
    return count


@pytest.mark.parametrize("requests", [1, 3])
def test_who_reads_nothing_is_cut(server: uvicorn.Server, requests: int) -> None:
    with connected(server) as connection:
        connection.sendall(requests * REQUEST)
        wait_until(lambda: server.server_state.total_requests > 0, "the answer")
        wait_until(lambda: not server.server_state.connections, "the end of the connection")
        assert received(connection) < LARGE


def test_who_reads_slowly_gets_it_all(server: uvicorn.Server) -> None:
    """Over more than the time in which nothing may happen."""
    with connected(server) as connection:
        connection.sendall(REQUEST)
        count, began = 0, time.monotonic()
        while time.monotonic() - began < 2 * STALL:
            count += len(connection.recv(65536))
            time.sleep(0.01)
        assert count < LARGE
        assert count + received(connection) > LARGE


@pytest.mark.parametrize(("method", "path"), [("GET", "/jwks"), ("POST", "/token")], ids=["reading", "sending"])
def test_who_is_slow_takes_nobodys_place(credenza: Credenza, method: str, path: str) -> None:
    """Of the requests that are served at once, and beyond which everybody else is told to come back."""
    application: Any = credenza.app
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"9")],
        "client": ("203.0.113.7", 1),
        "server": ("id.example.com", 443),
        "scheme": "https",
        "http_version": "1.1",
        "state": {},
    }

    async def main() -> tuple[int, int]:
        begun = asyncio.Event()

        async def waiting(message: Any = None) -> Any:
            """For the rest of the body; for room on the way to the client."""
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(application(scope, waiting, waiting))
        await asyncio.wait_for(begun.wait(), 10)
        while_it_waits = application.under_way
        task.cancel()
        await asyncio.wait([task])
        return while_it_waits, application.under_way

    assert credenza.run(main) == (0, 0)


def answered(server: uvicorn.Server, *pieces: bytes) -> bytes:
    """The first line of the answer; empty when the connection was cut."""
    with connected(server) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                connection.sendall(piece)
        with suppress(ConnectionResetError):
            return connection.recv(65536).partition(b"\r\n")[0]
    return b""


HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD, b"X-A: " + b"a" * 70_000 + b"\r\n\r\n"),
        (HEAD, b"".join(b"X-%d: a\r\n" % number for number in range(5000)), b"\r\n"),
        (HEAD, *(b"X-A: " + b"a" * 1000 + b"\r\n" for _ in range(200)), b"\r\n"),
        (HEAD, b"X-A: ", *([b"a" * 65536] * 40)),
        (b"POST /?", *([b"a" * 65536] * 40)),
        ([b"a" * 65536] * 40),
    ],
    ids=["one header", "many headers", "large headers", "a header without end", "an address without end", "no request"],
)
def test_a_inp_06_a_head_has_an_end(
    server: uvicorn.Server, pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that gets fields "larger than it wishes to process MUST respond with an appropriate 4xx". RFC 9110 §5.4.

    A-INP-06, R-OP-09: nobody keeps what is larger than an honest head, and that is no question of time.
    """
    monkeypatch.setattr(slow_clients, "HEAD", 600.0)
    assert answered(server, *pieces) in (b"HTTP/1.1 400 Bad Request", b"")
    wait_until(lambda: not server.server_state.connections, "the end of the connection")
    assert server.server_state.total_requests == 0


@pytest.mark.parametrize("rest", [b"0\r\nX-A: ", b"1;"], ids=["a trailer", "an extension of a chunk"])
def test_a_inp_06_what_follows_a_body_has_an_end(
    server: uvicorn.Server, rest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_clients, "STALL", 600.0)
    with connected(server) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in (CHUNKED, rest, *([b"a" * 65536] * 100)):
                connection.sendall(piece)
        wait_until(lambda: not server.server_state.connections, "the end of the connection")


def test_an_honest_head_is_answered(server: uvicorn.Server) -> None:
    cookies = b"".join(b"Cookie: n%d=%s\r\n" % (number, b"a" * 200) for number in range(100))
    path = b"GET /?" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: localhost\r\n"
    assert answered(server, path, cookies, b"\r\n") == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("requests", [0, 1], ids=["a new connection", "one that was kept"])
def test_a_request_that_is_on_its_way_when_the_server_ends_is_answered(
    server: uvicorn.Server, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else would answer it, and a proxy sends a POST only once. RFC 9112 §9.5."""
    monkeypatch.setattr(slow_clients, "LAST", 600.0)
    head = b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connected(server) as connection:
        for _ in range(requests):
            connection.sendall(head)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
        wait_until(lambda: server.server_state.connections, "the connection")
        server.should_exit = True
        wait_until(lambda: not server.servers[0].is_serving(), "the end of the server's listening")
        connection.sendall(head)
        answer = connection.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"connection: close" in answer


def test_who_sends_nothing_keeps_no_server_from_ending(server: uvicorn.Server) -> None:
    with connected(server) as connection:
        wait_until(lambda: server.server_state.connections, "the connection")
        server.should_exit = True
        assert connection.recv(1) == b""
