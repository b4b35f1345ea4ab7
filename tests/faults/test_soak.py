"""F-28, a short form: users and a stranger who tries everything, for some minutes (`SOAK` seconds of them).

Memory and open files stay, nothing unforeseen is in the log, and forty days later the tables are empty again.
"""

from __future__ import annotations

import itertools
import os
import socket
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import httpx
import psutil
import pytest
from faults.measuring import memory
from faults.oracle import ask, at_the_end
from faults.waiting import wait_until

pytestmark = pytest.mark.faults
SECONDS = float(os.environ.get("SOAK", "150"))

FORTY_DAYS = '''
"""Everything that ends has ended, and is cleaned up at once."""
from credenza import cleaning, server

cleaning.EVERY = 0.2
was = server.Clock.now
server.Clock.now = lambda self: was(self) + 200 * 24 * 3600
'''
PASSING = (
    "access_token",
    "authorization_code",
    "refresh_token",
    "grant",
    "session",
    "interaction",
    "failed_sign_in",
    "device_authorization",
    "spent_assertion",
)
FORM = {"content-type": "application/x-www-form-urlencoded"}
JUNK = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."
HOSTILE: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/authorize?client_id=app&client_id=app", {}),
    ("GET", "/authorize?client_id=app&redirect_uri=https://evil.example/&response_type=code", {}),
    ("GET", "/authorize?client_id=%00%ff&redirect_uri=javascript:alert(1)", {}),
    ("GET", f"/authorize?client_id=app&request={JUNK}", {}),
    ("POST", "/token", {"content": b"x" * 100_000, "headers": FORM}),
    ("POST", "/token", {"content": b"&".join(b"a=1" for _ in range(5000)), "headers": FORM}),
    ("POST", "/token", {"content": b"grant_type=\xff\xfe", "headers": FORM}),
    ("POST", "/token", {"content": b'{"a":' * 5000, "headers": {"content-type": "application/json"}}),
    ("POST", "/token", {"data": {"grant_type": "refresh_token", "refresh_token": "' OR 1=1 --", "client_id": "spa"}}),
    ("POST", "/token", {"data": {"grant_type": "client_credentials"}, "auth": ("machine", "wrong")}),
    ("POST", "/token", {"data": {"grant_type": "client_credentials"}, "headers": {"dpop": JUNK}}),
    ("POST", "/introspect", {"data": {"token": "x" * 4000}}),
    ("POST", "/revoke", {"data": {"token": "\x00", "client_id": "spa"}}),
    ("POST", "/par", {"data": {"client_id": "app", "request_uri": "urn:x"}}),
    ("POST", "/device_authorization", {"data": {"client_id": "nobody"}}),
    ("GET", "/userinfo", {"headers": {"authorization": f"Bearer {JUNK}"}}),
    ("GET", "/console/users/1e400?page=-1", {}),
    ("GET", "/console/applications/%2e%2e%2f%2e%2e", {}),
    ("POST", "/console/users", {"data": {"username": "mallory", "administrator": "true"}}),
    ("GET", "/interaction/" + "a" * 2000, {}),
    ("POST", "/interaction/cz_int_nothing/login", {"data": {"identifier": "ada", "password": "x" * 3000}}),
    ("GET", "/logout?id_token_hint=" + JUNK, {}),
    ("GET", "/.well-known/../../etc/passwd", {}),
    ("GET", "/static/core/..%2f..%2fsettings.py", {}),
    ("DELETE", "/jwks", {}),
    ("GET", "/", {"headers": {"cookie": "session=" + "a" * 3000 + '; "; x'}}),
    ("GET", "/", {"headers": {"x-forwarded-for": "1.2.3.4, evil", "x-request-id": "a\tb"}}),
    ("PROPFIND", "/account", {}),
]


def test_f_28_a_soak(filled_sqlite_url: str, under_test: Callable[..., Any], plugin: Callable[[str], str]) -> None:
    server, traffic, finish = under_test(filled_sqlite_url)
    over = threading.Event()
    stranger = threading.Thread(target=lambda: try_everything(traffic.watched, server.port, over))
    sizes, files = [], []
    with at_the_end(traffic, finish):
        traffic.pace = 0.1
        stranger.start()
        try:
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                time.sleep(2)
                sizes.append(memory(server))
                files.append(open_files(server))
        finally:
            over.set()
            stranger.join(120)
    third = len(sizes) // 3
    early, late = statistics.median(sizes[third : 2 * third]), statistics.median(sizes[2 * third :])
    print(f"\n{SECONDS:.0f} s: {early:.0f} MiB, then {late:.0f} MiB; at most {max(files)} files open")
    assert late < early * 1.06, "memory grows"
    assert max(files[2 * third :]) <= max(files[third : 2 * third]) + 30, "open files grow"
    said = server.program.said
    assert "Traceback" not in said, said[said.index("Traceback") - 500 :][:3000]
    server.program.stop()
    server.env["CREDENZA_CONFIG"] = plugin(FORTY_DAYS)
    server.start()
    counted = " UNION ALL ".join(f"SELECT COUNT(*) AS what FROM credenza_{table}" for table in PASSING)
    wait_until(lambda: ask(filled_sqlite_url, counted) == ["0"] * len(PASSING), "the tables to be empty")


def try_everything(watched: Any, port: int, over: threading.Event) -> None:
    for method, path, options in itertools.cycle(HOSTILE):
        if over.wait(0.02):
            return
        with suppress(httpx.TransportError):
            watched.request(method, path, **options)
        if path == "/" or method == "DELETE":
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port))) as connection:
                connection.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")


def open_files(server: Any) -> int:
    total = 0
    for pid in server.program.workers():
        with suppress(psutil.NoSuchProcess):
            total += psutil.Process(pid).num_fds()
    return total
