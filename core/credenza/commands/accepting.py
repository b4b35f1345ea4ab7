"""Several workers at one socket: a new connection goes to the worker that has the fewest.

All of them are woken by it, and the first would have it: often the same one, and a proxy keeps its connections for
hours. Of 64 that were opened at once one worker of two had 55.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, MutableSequence
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM
from socket import socket

from ..web.slow_clients import PatientProtocol

logger = logging.getLogger("credenza")

NOBODY = -1  # instead of a number of connections
GRACE = 0.001  # seconds that a worker leaves a connection to one that has fewer
EXHAUSTED = {EMFILE, ENFILE, ENOBUFS, ENOMEM}
REST = 1.0  # seconds until it is tried again then


class FairListener:
    """Stands where uvicorn has an asyncio.Server, which cannot leave a connection to somebody else."""

    def __init__(
        self,
        listening: socket,
        protocol: Callable[[], PatientProtocol],
        connections: Collection[object],
        counts: MutableSequence[int],
        place: int,
    ) -> None:
        self._listening = listening
        self._protocol = protocol
        self._connections = connections
        self._counts = counts
        self._place = place
        self._left_to: list[int] | None = None  # who had fewer when this one last waited for them
        self._resuming: asyncio.TimerHandle | None = None
        self._opening: dict[asyncio.Task[None], PatientProtocol] = {}
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def listen(self, backlog: int) -> None:
        self._listening.setblocking(False)
        self._listening.listen(backlog)
        self.count()
        self._resume()

    def close(self) -> None:
        self._closed = True
        self._counts[self._place] = NOBODY
        if self._resuming is not None:
            self._resuming.cancel()
            self._resuming = None
        self._loop.remove_reader(self._listening)

    async def wait_closed(self) -> None:
        if self._opening:
            await asyncio.wait(self._opening)

    def count(self) -> int:
        """Tell the other workers, and return, how many connections this one has."""
        opening = sum(protocol not in self._connections for protocol in self._opening.values())
        self._counts[self._place] = own = len(self._connections) + opening
        return own

    def _accept(self) -> None:
        if self._is_for_another():
            self._pause(GRACE)
            return
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker has it, or nobody wants it any more
        except OSError as error:
            if error.errno not in EXHAUSTED:
                raise
            logger.error("no connection can be accepted: %s", error)
            self._pause(REST)
            return
        connection.setblocking(False)
        protocol = self._protocol()
        opening = self._loop.create_task(self._open(connection, protocol))
        self._opening[opening] = protocol
        opening.add_done_callback(self._opening.pop)
        self.count()

    async def _open(self, connection: socket, protocol: PatientProtocol) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, connection)
        except OSError:
            connection.close()  # whoever it was is gone
        else:
            if self._closed:
                protocol.shutdown()  # uvicorn has asked those that it knew of, and would wait for this one

    def _is_for_another(self) -> bool:
        """Whether one that does something has fewer, by so many that it is worth a wait: one of many is nothing."""
        own = self.count()
        fewer = [count if own > count + count // 8 else NOBODY for count in self._counts]
        if max(fewer) == NOBODY or fewer == self._left_to:
            self._left_to = None
            return False
        self._left_to = fewer
        return True

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._resuming = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._resuming = None
        self._loop.add_reader(self._listening, self._accept)
