"""Requests of which a part could be taken for another one, or another one's. RFC 9110 §6.5.1, RFC 9112 §3.2, §9.3.2."""

from __future__ import annotations

import base64
import logging
import re
import socket
from contextlib import suppress
from typing import Any

import pytest

from credenza.logs import NO_HTTP, Seldom
from credenza.testing import SECRET
from credenza.web.http import MOST_AHEAD

BODY = b"grant_type=authorization_code&code=x"
BASIC = b"Authorization: Basic " + base64.b64encode(f"app:{SECRET}".encode())
LIVE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def statuses(server: Any, request: bytes) -> list[int]:
    """Of all answers until the end of the connection."""
    answers = b""
    with socket.create_connection(("localhost", server.port), timeout=20) as connection:
        connection.sendall(request)
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answers += piece
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


@pytest.mark.parametrize(("head", "trailer", "status"), [(BASIC, b"X-A: a", 400), (b"X-A: a", BASIC, 401)])
def test_what_follows_a_body_is_no_part_of_the_head(live_server: Any, head: bytes, trailer: bytes, status: int) -> None:
    """Whatever a proxy takes away, or sets itself, is in the head."""
    lines = (
        b"POST /token HTTP/1.1",
        b"Host: localhost",
        b"Connection: close",
        b"Content-Type: application/x-www-form-urlencoded",
        b"Transfer-Encoding: chunked",
        head,
        b"",
        b"%x" % len(BODY),
        BODY,
        b"0",
        trailer,
        b"\r\n",
    )
    assert statuses(live_server, b"\r\n".join(lines)) == [status]


@pytest.mark.parametrize("before", [1, 3])
def test_the_answer_to_nonsense_is_not_taken_for_that_to_an_earlier_request(live_server: Any, before: int) -> None:
    assert 400 not in statuses(live_server, before * LIVE + b"\0\r\n\r\n")


def test_nobody_fills_the_log_with_nonsense(live_server: Any) -> None:
    """One line a minute."""
    before = live_server.program.said.count(NO_HTTP)
    for _ in range(20):
        assert statuses(live_server, b"nonsense\r\n\r\n") == [400]
    said = live_server.program.said
    assert NO_HTTP in said
    assert said.count(NO_HTTP) - before < 10


def test_the_log_says_how_much_nonsense_it_left_out() -> None:
    seldom = Seldom()

    def line(at: float, text: str = NO_HTTP) -> str:
        record = logging.makeLogRecord({"msg": text, "created": at})
        return record.getMessage() if seldom.filter(record) else ""

    assert [line(at) for at in (1000, 1001, 1059)] == [NO_HTTP, "", ""]
    assert line(1059, "Something else") == "Something else"
    assert line(1060) == f"{NO_HTTP} 2 more were left out before this line."
    assert line(900) == NO_HTTP, "a clock that was set back"
    assert line(901) == ""


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [("1.1", 1, 200), ("1.1", 0, 400), ("1.1", 2, 400), ("1.0", 1, 200), ("1.0", 0, 200), ("1.0", 2, 400)],
)
def test_a_hst_02_a_request_is_for_one_host(live_server: Any, version: str, hosts: int, status: int) -> None:
    """RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code"."""
    lines = [f"GET /healthz HTTP/{version}", *hosts * ["Host: localhost"], "Connection: close", "", ""]
    assert statuses(live_server, "\r\n".join(lines).encode()) == [status]


@pytest.mark.parametrize("host", ["two words", "a/b", 'a"b', "a<b", "ü.example", "a\x7fb"])
@pytest.mark.parametrize("path", ["/jwks", "/sign-in"])
def test_a_hst_02_a_host_is_one_that_could_be(live_server: Any, host: str, path: str) -> None:
    """ "… or a Host header field with an invalid field value." RFC 9112 §3.2"""
    asked = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    assert statuses(live_server, asked) == [400]
    assert 400 not in statuses(live_server, asked.replace(host.encode(), b"[2001:db8::1]:8400"))


def test_only_so_many_requests_wait_for_an_answer(live_server: Any) -> None:
    """A few bytes each, and each takes a hundred times as many while it waits."""
    assert len(statuses(live_server, 50 * LIVE + LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))) == 51
    assert len(statuses(live_server, 2 * MOST_AHEAD * LIVE)) < MOST_AHEAD
