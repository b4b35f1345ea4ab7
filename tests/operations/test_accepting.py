"""Of several workers at one socket the one with the fewest connections gets the next."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing
from typing import Any

import psutil
import pytest
from faults.waiting import wait_until

from credenza.commands import accepting
from credenza.commands.accepting import NOBODY, FairListener


class Kept(asyncio.Protocol):
    def __init__(self, connections: set[Any]) -> None:
        self.connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connections.add(self)
        self.transport: Any = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.connections.discard(self)

    def shutdown(self) -> None:
        self.transport.close()


class Harbour(ExitStack):
    """A socket at which several listen, until the end of the test."""

    def __init__(self) -> None:
        super().__init__()
        self.listening = self.enter_context(closing(socket.create_server(("127.0.0.1", 0))))

    def visited(self, many: int) -> list[socket.socket]:
        where = self.listening.getsockname()
        return [self.enter_context(closing(socket.create_connection(where, timeout=20))) for _ in range(many)]


class Worker:
    """One of several in this process. `had` are connections that it had before."""

    def __init__(self, at: Harbour, counts: list[int], place: int, had: int = 0) -> None:
        self.connections: set[Any] = {object() for _ in range(had)}
        own = at.enter_context(closing(at.listening.dup()))
        self.listener = FairListener(own, lambda: Kept(self.connections), self.connections, counts, place)
        self.listener.listen(100)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0.001)


def run(work: Callable[[Harbour], Awaitable[None]]) -> None:
    async def main() -> None:
        with Harbour() as harbour:
            await work(harbour)

    asyncio.run(main())


def test_the_one_with_the_fewest_gets_the_next() -> None:
    async def work(harbour: Harbour) -> None:
        counts = [NOBODY, NOBODY, NOBODY]
        busy, idle = Worker(harbour, counts, 0, had=6), Worker(harbour, counts, 1)
        harbour.visited(6)
        await until(lambda: len(busy.connections) + len(idle.connections) == 12)
        assert len(idle.connections) == 6
        assert counts == [6, 6, NOBODY]

    run(work)


def test_one_that_hangs_keeps_nobody_waiting() -> None:
    async def work(harbour: Harbour) -> None:
        counts = [NOBODY, 0]  # the other one has none, and takes none
        worker = Worker(harbour, counts, 0, had=6)
        harbour.visited(6)
        await until(lambda: len(worker.connections) == 12)

    run(work)


def test_nor_while_another_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(harbour: Harbour) -> None:
        counts = [NOBODY, 0, 50]
        worker = Worker(harbour, counts, 0, had=6)
        is_for_another = worker.listener._is_for_another

        def and_something_happens_at_the_busy_one() -> bool:
            counts[2] += 1
            return is_for_another()

        monkeypatch.setattr(worker.listener, "_is_for_another", and_something_happens_at_the_busy_one)
        harbour.visited(6)
        await until(lambda: len(worker.connections) == 12)

    run(work)


def test_one_that_ends_takes_nobody_any_more() -> None:
    async def work(harbour: Harbour) -> None:
        counts = [NOBODY, NOBODY]
        ending, other = Worker(harbour, counts, 0), Worker(harbour, counts, 1, had=6)
        ending.listener.close()
        await ending.listener.wait_closed()
        harbour.visited(6)
        await until(lambda: len(other.connections) == 12)
        assert ending.connections == set()
        assert counts == [NOBODY, 12]

    run(work)


def test_a_connection_that_is_made_while_it_ends_is_closed() -> None:
    async def work(harbour: Harbour) -> None:
        worker = Worker(harbour, [NOBODY], 0)
        (visitor,) = harbour.visited(1)
        worker.listener._accept()
        worker.listener.close()
        await worker.listener.wait_closed()
        assert await asyncio.to_thread(visitor.recv, 1) == b""

    run(work)


def test_a_process_that_has_no_file_left_tries_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Exhausted:
        """A socket, for whose first connections there are no files."""

        tries = 3

        def __init__(self, real: socket.socket) -> None:
            self.real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

        def accept(self) -> Any:
            self.tries -= 1
            if self.tries >= 0:
                raise OSError(errno.EMFILE, "Too many open files")
            return self.real.accept()

    async def work(harbour: Harbour) -> None:
        monkeypatch.setattr(accepting, "REST", 0.01)
        worker = Worker(harbour, [NOBODY], 0)
        worker.listener._listening = Exhausted(worker.listener._listening)  # type: ignore[assignment]
        harbour.visited(1)
        await until(lambda: len(worker.connections) == 1)

    run(work)
    assert caplog.text.count("no connection can be accepted: [Errno 24]") == 3


def connections_of(server: Any) -> list[int]:
    """Of each worker."""
    kinds = (psutil.Process(pid).net_connections("tcp") for pid in server.program.workers())
    return [sum(each.status == psutil.CONN_ESTABLISHED for each in kind) for kind in kinds]


def visit(server: Any, stack: ExitStack) -> None:
    visitor = stack.enter_context(closing(socket.create_connection(("localhost", server.port), timeout=20)))
    visitor.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert visitor.recv(65536).startswith(b"HTTP/1.1 200")


def test_two_workers_share_the_connections_of_a_proxy(filled_sqlite_url: str, start_server: Callable[..., Any]) -> None:
    server = start_server(filled_sqlite_url, workers=2)
    with ExitStack() as stack:

        def both_serve() -> bool:
            visit(server, stack)
            return len(many := connections_of(server)) == 2 and min(many) > 0

        wait_until(both_serve, "two workers that serve")
        for _ in range(40):
            visit(server, stack)
        assert min(many := connections_of(server)) > sum(many) // 4, many
