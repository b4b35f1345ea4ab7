"""A running server, and a client that offers another protocol. RFC 9110 §7.8."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import time
from typing import Any

import pytest

from credenza.testing import SECRET

BODY = "grant_type=authorization_code&code=x"
BASIC = base64.b64encode(f"app:{SECRET}".encode()).decode()
OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAB")
OTHER = ("Connection: keep-alive, upgrade", "Upgrade: anything/1.0")
HIDDEN = b"GET /jwks HTTP/1.1\r\nHost: localhost\r\n\r\n"
END = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def connected(server: Any) -> socket.socket:
    return socket.create_connection(("localhost", server.port), timeout=20)


def posted(path: str, body: bytes, *fields: str) -> tuple[bytes, bytes]:
    """The head of a request, and its body."""
    length = f"Content-Length: {len(body)}"
    head = "\r\n".join((f"POST {path} HTTP/1.1", "Host: localhost", *fields, length, "", ""))
    return head.encode(), body


def send(connection: socket.socket, *pieces: bytes) -> None:
    for piece in filter(None, pieces):
        connection.sendall(piece)
        time.sleep(0.05)


def answered(connection: socket.socket) -> tuple[int, bytes]:
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.read()


@pytest.mark.parametrize("offer", [OFFER, OTHER], ids=["HTTP/2", "another"])
@pytest.mark.parametrize("cut", [0, 60, -len(BODY)], ids=["in one piece", "the head in two", "the body later"])
def test_an_offer_is_ignored_and_the_body_is_read(live_server: Any, cut: int, offer: tuple[str, ...]) -> None:
    """As Java's own HTTP client sends it, twice over one connection."""
    fields = (f"Authorization: Basic {BASIC}", "Content-Type: application/x-www-form-urlencoded", *offer)
    request = b"".join(posted("/token", BODY.encode(), *fields))
    with connected(live_server) as connection:
        for _ in range(2):
            send(connection, request[:cut], request[cut:])
            status, body = answered(connection)
            assert (status, json.loads(body)["error"]) == (400, "invalid_grant")


def statuses(connection: socket.socket) -> list[int]:
    """Of all answers until the end."""
    with connection.makefile("rb") as answers:
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers.read())]


@pytest.mark.parametrize("offer", [OFFER, OTHER], ids=["HTTP/2", "another"])
@pytest.mark.parametrize("cut", [0, 1], ids=["in one piece", "the body later"])
def test_a_body_is_no_request(live_server: Any, offer: tuple[str, ...], cut: int) -> None:
    """Or behind a proxy whoever uses the connection next is given the answer to what somebody else hid there."""
    head, body = posted("/nowhere", HIDDEN, *offer)
    with connected(live_server) as connection:
        send(connection, *((head, body) if cut else (head + body,)), END)
        assert statuses(connection) == [404, 200]


@pytest.mark.parametrize("body", [b"x\r\nUpgrade: h2c\r\n\r\n" + b"x" * 80, HIDDEN], ids=["an offer", "a request"])
def test_a_body_loses_nothing_when_the_answer_came_first(live_server: Any, body: bytes) -> None:
    """Or what follows it is not read from its beginning."""
    with connected(live_server) as connection:
        send(connection, *posted("/nowhere", body), END)
        assert statuses(connection) == [404, 200]


def test_requests_that_follow_an_offer_at_once_are_answered(live_server: Any) -> None:
    with connected(live_server) as connection:
        send(connection, b"".join((*posted("/nowhere", b"body", *OTHER), END)))
        assert statuses(connection) == [404, 200]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_offer_with_the_last_request_of_a_connection(live_server: Any, version: str) -> None:
    head = f"GET /healthz HTTP/{version}\r\nHost: localhost\r\nConnection: close, upgrade\r\nUpgrade: websocket\r\n\r\n"
    with connected(live_server) as connection:
        send(connection, head.encode())
        assert statuses(connection) == [200]


@pytest.mark.parametrize("target", ["localhost:80", "/healthz"])
def test_nobody_gets_a_tunnel(live_server: Any, target: str) -> None:
    """RFC 9110 §9.3.6: "CONNECT is intended for use in requests to a proxy"."""
    with connected(live_server) as connection:
        send(connection, f"CONNECT {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 42\r\n\r\n".encode())
        assert statuses(connection) == [400]
