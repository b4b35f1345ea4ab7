"""The connections that one event loop has to a SQLite file, and the threads in which the patient use them."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..patience import give_way
from .engine import AlreadyExists, DatabaseBusy, DeletedMeanwhile, Row, Statement

SAME_VALUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


class Connections:
    """What one event loop holds: two connections, a third one for the patient, and the lock for writing."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0
        self._connect = connect
        self._aside: sqlite3.Connection | None = None
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="SQLite reading", initializer=give_way)
        self.copying = ThreadPoolExecutor(1, thread_name_prefix="SQLite checkpoints", initializer=give_way)
        self.writing = ThreadPoolExecutor(1, thread_name_prefix="SQLite writing")
        self.writer = connect()
        try:
            self.reader = connect()
        except BaseException:
            self.writer.close()
            raise

    @property
    def idle(self) -> sqlite3.Connection:
        """For reading outside of a transaction: the writer between two, since whatever a connection has not written
        itself it must read from the file anew; the reader while somebody is inside one. The writer is not asked: SQLite
        3.53 keeps whoever asks waiting for what a thread does with it."""
        return self.reader if self.lock.locked() else self.writer

    async def read_aside(self, sql: str, arguments: Sequence[Any]) -> list[Row]:
        """In a thread, one after the other. What nobody waits for any more ends."""
        if self._aside is None:
            self._aside = self._connect()
        reading = self._reading.submit(fetch, self._aside, sql, arguments)
        try:
            return await asyncio.wrap_future(reading)
        except asyncio.CancelledError:
            if reading.running():
                self._aside.interrupt()
            raise

    async def write_aside(self, sql: str, arguments: Sequence[Any]) -> list[Row]:
        """In a thread, for the transaction that is open. It is over before the caller goes on, also when nobody waits
        for it any more: whoever is cancelled rolls back then."""
        writing = self.writing.submit(fetch, self.writer, sql, arguments)
        cancelled = False
        while not writing.done():
            try:
                waiting = asyncio.wrap_future(writing)
                waiting.add_done_callback(lambda one: one.cancelled() or one.exception())  # told below, and once
                await asyncio.wait((waiting,))
            except asyncio.CancelledError:
                cancelled = True
                self.writer.interrupt()
        if cancelled:
            raise asyncio.CancelledError
        return writing.result()

    async def execute(self, sql: str) -> None:
        """Piccolo's transactions and savepoints await this."""
        self.writer.execute(sql)

    def close(self) -> None:
        if self._aside is not None:
            self._aside.interrupt()
            self._reading.shutdown()
            self._aside.close()
        self.writing.shutdown()
        self.copying.shutdown()
        self.writer.close()
        self.reader.close()


async def acquire(connections: Connections, deadline: float) -> None:
    lock = connections.lock
    if not lock.locked() and not connections.waiting:
        await lock.acquire()  # free, so there is nothing to wait for and no clock to set
        return
    connections.waiting += 1
    try:
        async with asyncio.timeout_at(deadline):
            await lock.acquire()
    except TimeoutError as error:
        raise DatabaseBusy("Another transaction holds the lock for writing.") from error
    finally:
        connections.waiting -= 1


def fetch(
    connection: sqlite3.Connection, sql: str, arguments: Sequence[Any], statement: Statement | None = None
) -> list[Row]:
    """Every row by the names of its columns; a fixed statement has the same ones each time."""
    try:
        cursor = connection.execute(sql, arguments)
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode in SAME_VALUE:
            raise AlreadyExists(str(error)) from error
        if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
            raise DeletedMeanwhile(error) from error
        raise
    rows = cursor.fetchall()
    if not rows:
        return rows
    names = statement.columns if statement is not None else ()
    if not names:
        names = tuple(column[0] for column in cursor.description)
        if statement is not None:
            statement.columns = names
    return [dict(zip(names, row)) for row in rows]  # noqa: B905  # SQLite gives each row all of its columns
