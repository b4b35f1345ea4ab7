"""How long a token request takes meanwhile, and how much memory the server has. Only ratios of one run are compared."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from credenza.testing import SECRET

from .waiting import wait_until

MEASURE = """
import base64, sys, time, urllib.request
address, path, basic = sys.argv[1:]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with open(path, "a", buffering=1) as file:
    while True:
        asked = urllib.request.Request(address + "/token", b"grant_type=client_credentials")
        asked.add_header("Authorization", "Basic " + basic)
        began = time.perf_counter()
        with opener.open(asked, timeout=60) as answer:
            assert answer.status == 200
        file.write(f"{time.perf_counter() - began}\\n")
        time.sleep(0.005)
"""


@contextmanager
def measured(server: Any, folder: Path) -> Iterator[list[float]]:
    """How long client credentials take meanwhile, asked by a process of its own, each over its own connection."""
    took: list[float] = []
    path = folder / f"took-{random.randrange(10**9)}"
    basic = b64encode(f"machine:{SECRET}".encode()).decode()
    process = subprocess.Popen([sys.executable, "-c", MEASURE, server.address, str(path), basic])
    try:
        wait_until(lambda: path.exists() and path.stat().st_size > 100, "the first answers")
        yield took
    finally:
        ended = process.poll()
        process.kill()
        process.wait()
        took += [float(line) for line in path.read_text().splitlines()[:-1]]
        assert ended is None, "a token request failed"


def calm_times(server: Any, folder: Path, seconds: float = 6) -> list[float]:
    with measured(server, folder):
        time.sleep(1)  # warm
    with measured(server, folder) as took:
        time.sleep(seconds)
    return took


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1]


def memory(server: Any) -> float:
    """MiB of the workers and their parent, each page counted once."""
    total = 0
    for pid in (server.program.process.pid, *server.program.workers()):
        with suppress(psutil.NoSuchProcess):
            total += psutil.Process(pid).memory_full_info().pss
    return total / 2**20
