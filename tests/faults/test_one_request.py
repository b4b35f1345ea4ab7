"""F-19: one request raises, runs out of memory, ends its process, or never ends. Only that one fails.

The requests are those of a plugin of the test's: the product has no such address.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from faults.oracle import at_the_end
from faults.waiting import wait_until

pytestmark = pytest.mark.faults

BREAKING = '''
"""Requests that break, and a supervisor that asks sooner than after two minutes whether a worker hangs."""
import os, signal, time
from litestar import get
from credenza import hookimpl
from credenza.commands import workers

workers.YOUNG, workers.HANGS = 10.0, 4.0


@get("/breaking/{how:str}")
async def breaking(how: str) -> str:
    match how:
        case "raise":
            raise RuntimeError("a secret of the inside")
        case "memory":
            return str(len(bytearray(2**46)))
        case "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
        case "hang":
            while True:
                time.sleep(3600)
        case "who":
            return str(os.getpid())
    return ""


@hookimpl
def register_routes():
    return [breaking]
'''


def test_f_19_one_request_breaks(
    filled_database_url: str, under_test: Callable[..., Any], plugin: Callable[[str], str]
) -> None:
    server, traffic, finish = under_test(filled_database_url, config=plugin(BREAKING))
    with at_the_end(traffic, finish):
        before = set(server.program.workers())
        for how in ("raise", "memory"):
            answer = server.request("GET", f"/breaking/{how}")
            assert answer.status_code == 500
            assert "secret of the inside" not in answer.text
            assert "Traceback" not in answer.text
            traffic.go_on(2, "flows beside it")
        assert set(server.program.workers()) == before, "nobody had to be replaced"
        for how in ("exit", "die"):
            before = set(server.program.workers())
            with pytest.raises(httpx.TransportError):
                server.request("GET", f"/breaking/{how}")
            wait_until(lambda before=before: len(set(server.program.workers()) & before) == 1, "one death")
            wait_until(lambda: len(server.program.workers()) == 2, "another worker")
            traffic.go_on(2, "flows afterwards")
    assert "RuntimeError: a secret of the inside" in server.program.said, "the log has what the answer has not"


def test_f_19_a_worker_that_hangs_is_replaced(
    filled_sqlite_url: str, under_test: Callable[..., Any], plugin: Callable[[str], str]
) -> None:
    """The other one goes on meanwhile, and whoever had reached the one that hangs asks again."""
    server, traffic, finish = under_test(filled_sqlite_url, config=plugin(BREAKING))
    with at_the_end(traffic, finish):
        before = set(server.program.workers())
        hanging = threading.Thread(target=lambda: hang(server))
        hanging.start()
        wait_until(lambda: len(set(server.program.workers()) & before) == 1, "one of them to be replaced")
        assert "hangs, and is ended" in server.program.said
        wait_until(lambda: len([pid for pid in server.program.workers() if alive(pid)]) == 2, "another worker")
        traffic.go_on(6, "flows afterwards")
        hanging.join(60)


def hang(server: Any) -> None:
    with suppress(httpx.TransportError):
        server.request("GET", "/breaking/hang")


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
