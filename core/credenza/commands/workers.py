"""uvicorn's worker processes, watched so that one which dies while it starts delays nobody else's replacement."""

from __future__ import annotations

import time

from uvicorn.supervisors import multiprocess

YOUNG = (
    120.0  # seconds in which a worker may still be starting, on a busy machine; whether it hangs is asked after that
)
HANGS = 10.0  # seconds without an answer


class Worker(multiprocess.Process):
    born = 0.0

    def start(self) -> None:
        super().start()
        self.born = time.monotonic()

    def is_alive(self, timeout: float = 5) -> bool:
        """uvicorn asks one worker after the other, and would wait here while another one is dead."""
        if not self.process.is_alive():
            return False
        return time.monotonic() - self.born < YOUNG or self.ping(min(timeout, HANGS))

    def _healthcheck(self, timeout: float) -> bool | None:
        """In short steps: uvicorn holds the other end of the pipe as well, so a worker's death would not end a wait."""
        deadline = time.monotonic() + timeout
        while self.process.is_alive():
            if (answer := super()._healthcheck(0.2)) is not None or time.monotonic() > deadline:
                return answer
        return None


def use_own_workers() -> None:
    """uvicorn's supervisor makes whatever its module calls Process."""
    multiprocess.Process = Worker  # type: ignore[misc]
