"""A running server, and a client that offers another protocol. RFC 9110 §7.8."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from typing import Any

import pytest

from credenza.testing import SECRET

BODY = "grant_type=authorization_code&code=x"
BASIC = base64.b64encode(f"app:{SECRET}".encode()).decode()
OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAB")


@pytest.mark.parametrize("cut", [0, -len(BODY)], ids=["in one piece", "the body later"])
def test_an_offer_of_http2_without_tls_is_ignored_and_the_body_is_read(live_server: Any, cut: int) -> None:
    """As Java's own HTTP client sends it, twice over one connection."""
    fields = (
        *("Host: localhost", f"Authorization: Basic {BASIC}", *OFFER),
        *("Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(BODY)}"),
    )
    request = "\r\n".join(("POST /token HTTP/1.1", *fields, "", BODY)).encode()
    with socket.create_connection(("localhost", live_server.port), timeout=20) as connection:
        for _ in range(2):
            for piece in filter(None, (request[:cut], request[cut:])):
                connection.sendall(piece)
                time.sleep(0.05)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert (answer.status, json.loads(answer.read())["error"]) == (400, "invalid_grant")
