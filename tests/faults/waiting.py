"""Waiting for what will happen: only a test that fails ever waits long."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 120  # seconds


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Look at once, and less often the longer it takes: a process that starts needs the processor itself."""
    deadline, pause = time.monotonic() + PATIENCE, 0.005
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE} seconds for {what}"
        time.sleep(pause)
        pause = min(pause * 1.2, 0.08)
