"""SQLite on the event loop: a kept-open writer behind a lock, a reader beside it, checkpoints in a thread.

A point look-up takes microseconds, less than handing it to a thread. What may take long is waiting for another process,
so SQLite itself never waits (`timeout=0`): the event loop does. What the patient ask for may take long as well, like a
search among all people or a deletion on which much hangs: that is done in threads.
"""

import asyncio
import logging
import random
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from piccolo.engine.exceptions import TransactionError
from piccolo.engine.sqlite import SQLiteEngine, SQLiteTransaction, TransactionType
from piccolo.querystring import QueryString

from ..protocol.names import in_lower
from .engine import (
    DEADLINE,
    Callback,
    DatabaseBusy,
    Engine,
    Row,
    Statement,
    StoreFull,
    StoreUnavailable,
    call_back,
    is_read,
    patient,
)
from .sqlite_connections import Connections, acquire, fetch

logger = logging.getLogger(__name__)

T = TypeVar("T")

# SQLite's integers are Python's already, and a row has many of them; Piccolo would read each once more, from text.
sqlite3.converters.pop("INTEGER", None)
sqlite3.register_converter("BOOLEAN", b"1".__eq__)

CHECKPOINT_EVERY = 0.5  # seconds
PAGE_SIZE = 2048  # bytes: a commit writes whole pages, and most of what it changes are a few short rows
LONG_WAL = 65_536  # pages: 128 MiB
ROOM = 2**20  # bytes
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL}
FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY}
UNAVAILABLE = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_INTERRUPT}


class SafeSQLiteTransaction(SQLiteTransaction):
    """BEGIN IMMEDIATE to COMMIT on the writer; a nested one joins it."""

    engine: "SafeSQLiteEngine"
    connection: Connections
    beginning = "BEGIN IMMEDIATE"

    def __init__(self, engine: "SafeSQLiteEngine", allow_nested: bool = True) -> None:
        super().__init__(engine, TransactionType.immediate, allow_nested)
        self.ended = False
        self.callbacks: list[Callback] = []

    async def __aenter__(self) -> SQLiteTransaction:
        if self._parent is not None:
            return self._parent
        self.connection = await self.engine.begin(self.beginning)
        self.engine.current_transaction.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if self._parent is not None:
            return False
        try:
            if error is None and not (self._committed or self._rolled_back):
                await self.commit()
        finally:
            # Nothing here waits, so no cancellation comes between.
            self.ended = True
            self.engine.current_transaction.set(None)
            try:
                if self.connection.writer.in_transaction:
                    self.connection.writer.rollback()
            finally:
                self.connection.lock.release()
        if self._committed:
            for callback in self.callbacks:
                await call_back(callback)
        return False

    def check_open(self) -> None:
        """Raises TransactionError, or StoreUnavailable, when nothing can be done in it any more."""
        if not self.connection.writer.in_transaction:
            if self._committed or self._rolled_back:
                raise TransactionError("The transaction has ended already.")
            # After a full disk SQLite rolls back by itself; a later statement must not commit alone.
            raise StoreUnavailable("SQLite has rolled the transaction back.")

    async def commit(self) -> None:
        self.engine.execute_in(self, "COMMIT")
        self._committed = True
        self.engine.written = True


class SafeSQLiteEngine(Engine, SQLiteEngine):
    """SQLite in WAL mode; what does not get its lock in `deadline` seconds raises DatabaseBusy."""

    snapshot = "BEGIN DEFERRED"
    alone = SafeSQLiteTransaction.beginning

    def __init__(self, path: str | Path, deadline: float = DEADLINE) -> None:
        if sqlite3.sqlite_version_info < (3, 35):
            raise RuntimeError(f"Credenza needs SQLite 3.35 or later for RETURNING; this is {sqlite3.sqlite_version}.")
        super().__init__(str(Path(path).absolute()), timeout=0, check_same_thread=False)
        self.deadline = deadline
        self.written = False
        self._connections: dict[asyncio.AbstractEventLoop, Connections] = {}
        self._checkpoints: asyncio.Task[None] | None = None
        self._stopped = False

    async def start(self) -> None:
        self._stopped = False
        connections = await self.connections()
        connections.writer.execute("PRAGMA wal_autocheckpoint = 0")
        self._checkpoints = asyncio.create_task(self._checkpoint_forever(), name="SQLite checkpoints")

    async def stop(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.cancel()
            await asyncio.wait([self._checkpoints])
            self._checkpoints = None
        with suppress(sqlite3.Error):  # the log stays valid without
            await asyncio.to_thread(self._checkpoint, "TRUNCATE")
        self._stopped = True
        self._close_connections(*self._connections)  # of other loops too, where two servers run in one process

    def transaction(
        self,
        transaction_type: TransactionType = TransactionType.immediate,  # Piccolo's; never deferred
        allow_nested: bool = True,
    ) -> SafeSQLiteTransaction:
        self.open_transaction()  # forgets one that has ended
        return SafeSQLiteTransaction(self, allow_nested)

    async def run_querystring(self, querystring: QueryString, in_pool: bool = False) -> list[Row]:  # Piccolo's
        sql, arguments = querystring.compile_string(engine_type=self.engine_type)
        return await self._run(sql, arguments)

    async def run_ddl(self, ddl: str, in_pool: bool = False) -> list[Row]:  # Piccolo's
        return await self._run(ddl)

    async def run_statement(self, statement: Statement, values: Sequence[Any]) -> list[Row]:
        return await self._run(statement.question_marks, values, statement)

    async def _run(self, sql: str, arguments: Sequence[Any] = (), statement: Statement | None = None) -> list[Row]:
        transaction = self.open_transaction()
        aside = statement is None and patient.get()
        if transaction is not None:
            if aside:
                return await self._write_aside(transaction, sql, arguments)
            return self.execute_in(transaction, sql, arguments, statement)
        connections = self._connections.get(asyncio.get_running_loop()) or await self.connections()
        if statement.reads if statement is not None else is_read(sql):
            if aside:
                return await self._read_aside(connections, sql, arguments)
            try:
                return fetch(connections.idle, sql, arguments, statement)
            except sqlite3.OperationalError:
                # Looked up anew each time: what is idle now may be in a transaction after a pause.
                return await self._when_free(lambda: fetch(connections.idle, sql, arguments, statement), self._latest())
        if aside:
            async with self.transaction():
                return await self._run(sql, arguments)
        deadline = self._latest()
        await acquire(connections, deadline)
        try:
            return await self._when_free(partial(fetch, connections.writer, sql, arguments, statement), deadline)
        finally:
            self.written = True
            connections.lock.release()

    async def _read_aside(self, connections: Connections, sql: str, arguments: Sequence[Any]) -> list[Row]:
        deadline = self._latest()
        while True:
            try:
                return await connections.read_aside(sql, arguments)
            except sqlite3.OperationalError as error:
                if not isinstance(trouble_in(error), DatabaseBusy) or asyncio.get_running_loop().time() >= deadline:
                    tell(error)
            await asyncio.sleep(0.005)

    def execute_in(
        self,
        transaction: SafeSQLiteTransaction,
        sql: str,
        arguments: Sequence[Any] = (),
        statement: Statement | None = None,
    ) -> list[Row]:
        transaction.check_open()
        try:
            return fetch(transaction.connection.writer, sql, arguments, statement)
        except sqlite3.OperationalError as error:
            tell(error)

    async def _write_aside(self, transaction: SafeSQLiteTransaction, sql: str, arguments: Sequence[Any]) -> list[Row]:
        transaction.check_open()
        try:
            return await transaction.connection.write_aside(sql, arguments)
        except sqlite3.OperationalError as error:
            tell(error)

    async def begin(self, beginning: str) -> Connections:
        """Take the lock and begin; the caller releases the lock."""
        connections = self._connections.get(asyncio.get_running_loop()) or await self.connections()
        deadline = self._latest()
        await acquire(connections, deadline)
        try:
            try:
                connections.writer.execute(beginning)
            except sqlite3.OperationalError:
                await self._when_free(partial(connections.writer.execute, beginning), deadline)
        except BaseException:
            connections.lock.release()
            raise
        return connections

    async def connections(self) -> Connections:
        """The running event loop's; loops that are closed have left theirs behind."""
        loop = asyncio.get_running_loop()
        while loop not in self._connections:
            if self._stopped:
                raise StoreUnavailable("SQLite: the engine was stopped.")
            self._close_connections()
            opened = await self._when_free(partial(Connections, self._connect), self._latest())
            if self._stopped or loop in self._connections:  # another task was faster
                opened.close()
            else:
                self._connections[loop] = opened
        return self._connections[loop]

    def _connect(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(**self.connection_kwargs, cached_statements=512)
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")  # of a database that is made now
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.create_function("lower", 1, _lower, deterministic=True)
        except BaseException:
            connection.close()
            raise
        return connection

    def _close_connections(self, *loops: asyncio.AbstractEventLoop) -> None:
        for loop in [loop for loop in list(self._connections) if loop in loops or loop.is_closed()]:
            self._connections.pop(loop).close()

    def _latest(self) -> float:
        return asyncio.get_running_loop().time() + self.deadline

    async def _when_free(self, step: Callable[[], T], deadline: float) -> T:
        """Call `step` until no other process is in the way."""
        pause = 0.0005
        while True:
            try:
                return step()
            except sqlite3.OperationalError as error:
                if not isinstance(trouble_in(error), DatabaseBusy) or asyncio.get_running_loop().time() >= deadline:
                    tell(error)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # jitter is no secret
            pause = min(pause * 2, 0.005)

    def has_room(self) -> bool:
        """A small write fits into what a large one left in the log, so one that succeeds tells little."""
        try:
            return shutil.disk_usage(Path(self.path).parent).free >= ROOM
        except OSError:
            return False

    async def checkpoint(self) -> None:
        """Copy the write-ahead log into the database file, off the event loop, and with the time that others leave."""
        connections = await self.connections()
        loop = asyncio.get_running_loop()
        pages = await loop.run_in_executor(connections.copying, self._checkpoint, "PASSIVE")
        if pages > LONG_WAL:
            # The log starts anew only after a moment in which all of it is copied, and steady writers never leave one.
            await acquire(connections, self._latest())
            try:
                # Not in a thread that a slow look-up of a name may have: everybody waits for this.
                await loop.run_in_executor(connections.writing, self._checkpoint, "PASSIVE")
            finally:
                connections.lock.release()

    def _checkpoint(self, mode: str) -> int:
        with closing(sqlite3.connect(self.path)) as connection:
            _, pages, _ = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return int(pages)

    async def _checkpoint_forever(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_EVERY)
            if self.written:
                self.written = False
                try:
                    await self.checkpoint()
                except (sqlite3.Error, StoreUnavailable):
                    self.written = True
                    logger.warning("The checkpoint failed and will be tried again.", exc_info=True)


def _lower(text: Any) -> Any:
    """In place of SQLite's own, which leaves every letter as it is that is not English."""
    return in_lower(text) if isinstance(text, str) else text


def trouble_in(error: sqlite3.OperationalError) -> StoreUnavailable | None:
    """What will pass; None for a mistake in the SQL."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in BUSY:
        return DatabaseBusy("Another process holds the database's lock.")
    if code in FULL or error.sqlite_errorcode == sqlite3.SQLITE_IOERR_WRITE:
        return StoreFull(f"SQLite: {error}.")
    if code in UNAVAILABLE:
        return StoreUnavailable(f"SQLite: {error}.")
    return None


def tell(error: sqlite3.OperationalError) -> NoReturn:
    """Raise what will pass in our words, and a mistake in the SQL as it is."""
    if (trouble := trouble_in(error)) is None:
        raise error
    raise trouble from error
