"""A TCP proxy on loopback that can be slow, hang, or be away: before a database or before several machines."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from itertools import cycle
from typing import Any

Target = tuple[str, int] | str
"""A host and a port, or the path of a Unix socket."""


class Proxy:
    """Connections go to the targets in turn. `delay` is how many seconds each packet of the client waits; after
    `packets` of them, if that is a number, the proxy shuts by itself.
    """

    def __init__(self, *targets: Target, port: int = 0, listening: bool = True) -> None:
        self.delay = 0.0
        self.packets: int | None = None
        self.closed_itself = threading.Event()
        self.port = port
        self._targets = cycle(targets)
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._shutting: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        if listening:
            self.open()

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def open(self) -> None:
        self._do(self._open())

    def shut(self) -> None:
        """Refuse new connections and cut those that are open."""
        self._do(self._shut())

    def close(self) -> None:
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _open(self) -> None:
        if self._shutting is not None:
            await self._shutting
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        self._cut()
        await self._end()

    def _give_up(self) -> None:
        """What shut() does, from inside of a connection."""
        self._cut()
        self.packets = None
        self._shutting = asyncio.ensure_future(self._end())
        self.closed_itself.set()

    def _cut(self) -> None:
        for listener in self._server.sockets if self._server is not None else ():
            self._loop.remove_reader(listener.fileno())
        for writer in self._writers:
            writer.transport.abort()

    async def _end(self) -> None:
        await asyncio.sleep(0.01)  # whoever was accepted before gets its turn: asyncio.Server would lose its socket
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # the loop closes what was cut, in its next rounds

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.ensure_future(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = {writer}
        try:
            target = next(self._targets)
            if isinstance(target, str):
                far_reader, far_writer = await asyncio.open_unix_connection(target)
            else:
                far_reader, far_writer = await asyncio.open_connection(*target)
            pair.add(far_writer)
            self._writers.add(far_writer)
            await asyncio.gather(self._copy(reader, far_writer, slow=True), self._copy(far_reader, writer))
        except OSError:
            pass  # the target is away
        finally:
            self._writers -= pair
            for one in pair:
                one.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool = False) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if slow and self.packets is not None:
                    self.packets -= 1
                    if self.packets < 0:
                        self._give_up()
                        return
                if slow and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
