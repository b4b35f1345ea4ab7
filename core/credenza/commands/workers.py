"""uvicorn's worker processes, watched: one that dies or hangs is replaced, and ends nobody else; work is divided."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from ctypes import c_bool, c_int
from itertools import count
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from socket import socket
from threading import Thread
from typing import Any

from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from .accepting import NOBODY, FairListener

logger = logging.getLogger("credenza")

YOUNG = (
    120.0  # seconds in which a worker may still be starting, on a busy machine; whether it hangs is asked after that
)
HANGS = 10.0  # seconds without an answer, or in which the event loop did not come round
PAUSE = 2.0  # seconds before another one is tried, when one could not start
SPAWN = get_context("spawn")
ESTABLISHED = SPAWN.RawValue(c_bool, False)
"""Whether a worker has served since the supervisor began. Without a lock, which one that dies would keep."""
COUNTS = SPAWN.RawArray(c_int, 64 * [NOBODY])
"""How many connections each worker has, at its own place. Without a lock: they need not be exact."""
PLACES = count()

OPTIONS: dict[str, Any] = {
    "http": "credenza.web.slow_clients:PatientProtocol",
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,  # they are ours to judge, so uvicorn believes none
    "log_config": None,
    "log_level": "warning",
    "timeout_graceful_shutdown": 25,
    "timeout_keep_alive": 75,  # nginx and others end theirs after 60: who ends one must be who sends requests on it
    "timeout_worker_healthcheck": 120,
    "backlog": 2048,
}
"""uvicorn's, with uvloop and httptools."""
SERVED: dict[str, Any] = {"app": "credenza.commands.serving:worker", "factory": True, **OPTIONS}


class BeatingServer(Server):
    """Notes when its event loop last came round. uvicorn answers its supervisor from a thread, which tells nothing."""

    def __init__(self, config: Config, established: Any, counts: Any, place: int) -> None:
        super().__init__(config)
        self.beat = 0.0
        self.established = established
        self.counts, self.place = counts, place
        self.listeners: list[FairListener] = []
        self.parent = parent_process()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets=[])
        for listening in sockets or []:
            listener = FairListener(listening, self._protocol, self.server_state.connections, self.counts, self.place)
            listener.listen(self.config.backlog)
            self.listeners.append(listener)
        self.servers += self.listeners  # type: ignore[arg-type]  # uvicorn only closes them

    def _protocol(self) -> Any:
        kind: Any = self.config.http_protocol_class
        return kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def on_tick(self, counter: int) -> bool:
        self.beat = time.monotonic()
        self.established.value = True
        for listener in self.listeners:
            listener.count()
        if self.parent is not None and os.getppid() != self.parent.pid:
            logger.error("who watches the workers is gone, and they end: another one would find the port taken")
            self.should_exit = True
        return await super().on_tick(counter)


def work(
    *, sockets: list[socket], pipe: Connection, established: Any, counts: Any, place: int, **later: object
) -> None:
    """What the process of a worker does.

    Whoever starts it may be of an older release, which SIGHUP replaces under it, or of a newer one: so it is handed
    nothing of ours or of uvicorn's, its name and these parameters stay, and one that is added has a default.
    """
    server = BeatingServer(Config(**SERVED), established, counts, place)
    Thread(target=_answer, args=(server, pipe), daemon=True).start()
    with suppress(KeyboardInterrupt):
        server.run(sockets)


def _answer(server: BeatingServer, pipe: Connection) -> None:
    """Whoever watches the worker, as long as somebody does, unless its event loop hangs."""
    with suppress(EOFError, ConnectionError):
        while True:
            pipe.recv()
            if not server.beat or server.should_exit or time.monotonic() - server.beat < HANGS:
                pipe.send(server.started)


class Worker(multiprocess.Process):
    """A worker as its supervisor sees it."""

    born = 0.0

    def __init__(self, config: Config, sockets: Sequence[socket]) -> None:
        self.parent_conn, self.child_conn = SPAWN.Pipe()
        self.place = next(PLACES) % len(COUNTS)
        shared = {"established": ESTABLISHED, "counts": COUNTS, "place": self.place}
        self.process = SPAWN.Process(target=work, kwargs={"sockets": sockets, "pipe": self.child_conn, **shared})

    def start(self) -> None:
        super().start()
        self.born = time.monotonic()

    def kill(self) -> None:
        super().kill()
        COUNTS[self.place] = NOBODY

    def is_alive(self, timeout: float = 5) -> bool:
        """uvicorn asks one worker after the other, and would wait here while another one is dead."""
        if not self.process.is_alive():
            return False
        if time.monotonic() - self.born < YOUNG or self.ping(min(timeout, HANGS)):
            return True
        if self.process.is_alive():
            logger.error("worker %s hangs, and is ended", self.process.pid)
        return False

    def _healthcheck(self, timeout: float) -> bool | None:
        """In short steps: uvicorn holds the other end of the pipe as well, so a worker's death would not end a wait."""
        deadline = time.monotonic() + timeout
        while self.process.is_alive():
            if (answer := super()._healthcheck(0.2)) is not None or time.monotonic() > deadline:
                return answer
        return None

    @property
    def exitcode(self) -> int | None:
        """uvicorn stops everything for a worker that could not start. Once some serve, another one is tried instead."""
        if self.process.exitcode == STARTUP_FAILURE and ESTABLISHED.value:
            logger.error("a worker could not start, and another one is tried; the others go on")
            time.sleep(PAUSE)
            return 1
        if self.process.exitcode != STARTUP_FAILURE:
            logger.error("worker %s ended with %s; another one takes its place", self.pid, self.process.exitcode)
        return self.process.exitcode


def use_own_workers() -> None:
    """uvicorn's supervisor makes whatever its module calls Process."""
    multiprocess.Process = Worker  # type: ignore[misc]
