"""The examples of the documentation, importable as they would be when installed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "docs" / "plugins" / "examples"
sys.path.insert(0, str(EXAMPLES))


async def hang(*_: object) -> None:
    """For ever. That its time is up is found at once, whatever time it was given, so that no test waits for it."""
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    for timer in list(loop._scheduled):  # type: ignore[attr-defined]
        limit = getattr(timer._callback, "__self__", None)
        if isinstance(limit, asyncio.Timeout) and limit._task is asyncio.current_task():
            limit.reschedule(loop.time())
    await asyncio.sleep(3600)
