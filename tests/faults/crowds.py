"""Crowds of clients, in a process of their own that costs the server's two processors little."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def gathered(kind: str, *arguments: Any) -> Iterator[Callable[[], Counter[int]]]:
    """A crowd that stands ready; the function lets it go, and returns how often each status came."""
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def go() -> Counter[int]:
        said, _ = process.communicate("go\n", timeout=180)
        assert process.returncode == 0
        return Counter({int(status): count for status, count in json.loads(said).items()})

    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps([kind, *arguments]) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        yield go
    finally:
        process.kill()
        process.communicate()


def storm(port: int, requests: Sequence[str]) -> Counter[int]:
    """Each of them over a connection of its own, all within a few milliseconds; their answers are read afterwards."""
    counts, connections = Counter[int](), []
    for request in requests:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(request.encode("latin-1"))
        connections.append(connection)
    os.setpriority(os.PRIO_PROCESS, 0, 15)  # the computers of other people
    for connection in connections:
        with connection, connection.makefile("rb") as file:
            head, _, _ = file.read().decode("latin-1").lower().partition("\r\n\r\n")
        status = int(head.split()[1])
        assert status not in (429, 503) or "\r\nretry-after: " in head
        counts[status] += 1
    return counts


class Connection:
    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> Connection:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.writer.close()

    async def ask(self, request: str) -> tuple[int, dict[str, str]]:
        self.writer.write(request.encode("latin-1"))
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines if line)
        await self.reader.readexactly(int(fields.get("content-length", 0)))
        return int(first.split()[1]), fields


async def herd(port: int, many: int, seconds: float, pause: float) -> Counter[int]:
    """So many connections ask for keys or discovery: all together each time after `pause` seconds, or without end."""
    os.setpriority(os.PRIO_PROCESS, 0, 15)
    counts, loop = Counter[int](), asyncio.get_running_loop()
    began = loop.time()

    async def one(number: int) -> None:
        what, known = ("/jwks", "/.well-known/openid-configuration")[number % 2], ""
        async with Connection(port) as connection:
            while loop.time() < began + seconds:
                if pause:
                    await asyncio.sleep(pause - (loop.time() - began) % pause)
                status, fields = await connection.ask(f"GET {what} HTTP/1.1\r\nHost: x\r\n{known}\r\n")
                assert "max-age" in fields["cache-control"]
                counts[status] += 1
                known = f"If-None-Match: {fields['etag']}\r\n" if number % 4 < 2 else ""

    await asyncio.gather(*map(one, range(many)))
    return counts


def main() -> None:
    kind, *arguments = json.loads(sys.stdin.readline())
    print("ready", flush=True)
    sys.stdin.readline()
    counts = storm(*arguments) if kind == "storm" else asyncio.run(herd(*arguments))
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
