"""The head of an answer travels with its body, in one system call and one segment, and waits for nothing else."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import uvicorn
from faults.waiting import wait_until

from credenza.web.slow_clients import PatientProtocol

BODY = b"{}"


class Noting:
    """A transport that notes what is written to it."""

    def __init__(self, transport: asyncio.Transport, written: list[bytes]) -> None:
        self._transport = transport
        self._written = written

    def write(self, data: bytes) -> None:
        self._written.append(data)
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Served:
    """A server with one application, whose last piece waits until it may come."""

    def __init__(self, listening: socket.socket) -> None:
        self.written: list[bytes] = []
        self.may_go_on = threading.Event()
        self.may_read = threading.Event()
        self.may_read.set()
        written, may_read = self.written, self.may_read

        class Protocol(PatientProtocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(Noting(transport, written))  # type: ignore[arg-type]

            def data_received(self, data: bytes) -> None:
                may_read.wait()
                super().data_received(data)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            headers = [(b"content-length", str(len(BODY)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if scope["path"] == "/later":
                await asyncio.to_thread(self.may_go_on.wait)
            await send({"type": "http.response.body", "body": BODY})

        self.address = listening.getsockname()
        self.server = uvicorn.Server(uvicorn.Config(app, http=Protocol, log_config=None, lifespan="off"))

    def ask(self, request: bytes) -> socket.socket:
        wait_until(lambda: self.server.started, "the server")
        connection = socket.create_connection(self.address, timeout=20)
        connection.sendall(request)
        return connection


@pytest.fixture
def served() -> Iterator[Served]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        served = Served(listening)
        thread = threading.Thread(target=served.server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield served
        served.may_go_on.set()
        served.may_read.set()
        served.server.should_exit = True
        thread.join()


def until(connection: socket.socket, end: bytes) -> bytes:
    found = b""
    while not found.endswith(end) and (piece := connection.recv(65536)):
        found += piece
    return found


def test_an_answer_is_written_at_once(served: Served) -> None:
    with served.ask(2 * b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        answer = until(connection, b"\r\n\r\n" + BODY)
        while answer.count(BODY) < 2:
            answer += until(connection, b"\r\n\r\n" + BODY)
    assert [piece.count(b"HTTP/1.1 200") for piece in served.written] == [1, 1]
    assert b"".join(served.written) == answer


def test_a_head_does_not_wait_for_what_comes_later(served: Served) -> None:
    with served.ask(b"GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        head = until(connection, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        served.may_go_on.set()
        assert until(connection, BODY) == BODY


def test_a_head_alone_is_sent_before_the_connection_ends(served: Served) -> None:
    with served.ask(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") as connection:
        answer = until(connection, b"never")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n")


def test_whoever_ends_sending_at_once_gets_the_head(served: Served) -> None:
    """As a plain script does that asks whether a server is there."""
    served.may_read.clear()
    with served.ask(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        connection.shutdown(socket.SHUT_WR)
        served.may_read.set()
        assert until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200")
