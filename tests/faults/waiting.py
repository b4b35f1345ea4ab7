"""Waiting for what will happen: only a test that fails ever waits long."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 120  # seconds


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE} seconds for {what}"
        time.sleep(0.02)
