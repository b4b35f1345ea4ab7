"""PostgreSQL and CockroachDB through a pool that survives cancellation at every await and the server's restart."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from types import TracebackType
from typing import Any, ClassVar

import asyncpg  # type: ignore[import-untyped]  # asyncpg has no types
from piccolo.engine.cockroach import CockroachEngine, CockroachTransaction
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.querystring import QueryString

from .engine import (
    DEADLINE,
    FOR_PAGES,
    POOL_SIZE,
    Callback,
    DatabaseBusy,
    Engine,
    Row,
    StoreFull,
    StoreUnavailable,
    call_back,
    is_read,
    urgent,
)
from .statements import Statement, numbered

# asyncpg raises InternalClientError on a connection whose server said goodbye while it was idle.
LOST = (OSError, asyncpg.InternalClientError)
ERRORS = (*LOST, asyncpg.PostgresError, asyncpg.InterfaceError)
# PostgreSQL, Appendix A: connection exception, insufficient resources, operator intervention, system error.
UNAVAILABLE_CLASSES = {"08", "53", "57", "58"}
FULL = {"53100", "25006"}  # disk full; what was the primary is a replica now
BUSY = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available


class SafePostgresTransaction(PostgresTransaction):
    """A transaction whose connection always comes back; a nested one joins it.

    Whether a COMMIT took effect that was cancelled, or lost its connection, cannot be known.

    Each round trip to the server is time in which locks are held, so BEGIN waits for the first statement, and rows to
    insert wait for the next statement of another kind. Where there is none, they are one statement, which needs neither
    BEGIN nor COMMIT.
    """

    engine: "SafePostgresEngine"

    def __init__(self, engine: "SafePostgresEngine", allow_nested: bool = True) -> None:
        super().__init__(engine, allow_nested)
        self.begun = self.ended = False
        self.rows: dict[Statement, Sequence[Any]] = {}
        self.callbacks: list[Callback] = []

    async def __aenter__(self) -> PostgresTransaction:
        if self._parent is not None:
            return self._parent
        self.lease = self.engine.connection()
        self.connection = await self.lease.__aenter__()
        self.transaction = self.connection.transaction()
        self.engine.current_transaction.set(self)
        return self

    async def run(self, sql: str, arguments: Sequence[Any]) -> list[Row]:
        if not self.begun:
            self.begun = True
            with explained(self.connection):
                async with asyncio.timeout(self.engine.slowest):
                    await self.begin()  # type: ignore[no-untyped-call]  # Piccolo's
        await self._send_rows()
        return await fetch(self.connection, sql, arguments, self.engine.slowest)

    async def insert(self, statement: Statement, values: Sequence[Any]) -> None:
        if statement in self.rows:  # a statement that inserts twice into a table leaves it open which row is first
            await self.run(statement.numbered, values)
        else:
            self.rows[statement] = values

    async def _send_rows(self) -> None:
        if self.rows:
            rows, self.rows = self.rows, {}
            values = [value for row in rows.values() for value in row]
            await fetch(self.connection, together(*rows), values, self.engine.slowest)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if self._parent is not None:
            return False
        self.ended = True
        self.engine.current_transaction.set(None)
        try:
            await self._finish(commit=error is None)
        except BaseException:
            drop(self.connection)
            raise
        finally:
            await self.lease.__aexit__(None, None, None)
        if self._committed:
            for callback in self.callbacks:
                await call_back(callback)
        return False

    async def _finish(self, commit: bool) -> None:
        if self._committed or self._rolled_back:
            return
        if commit:
            await self.commit()
            return
        try:
            await self.rollback()
        except ERRORS:  # the exception on its way out says more
            drop(self.connection)

    async def commit(self) -> None:
        await self._send_rows()
        if self.begun:
            with explained(self.connection):
                async with asyncio.timeout(self.engine.slowest):
                    await super().commit()  # type: ignore[no-untyped-call]  # Piccolo's
        self._committed = True

    async def rollback(self) -> None:
        if self.begun:
            await super().rollback()  # type: ignore[no-untyped-call]  # Piccolo's
        self._rolled_back = True


class SafePostgresEngine(Engine, PostgresEngine):
    """PostgreSQL; what does not get a connection in `deadline` seconds raises DatabaseBusy."""

    late: ClassVar[str] = ", set_config('synchronous_commit', 'off', true)"
    """After RETURNING: the one statement is its own transaction, and does not wait for the disk."""

    def __init__(self, dsn: str, pool_size: int = POOL_SIZE, deadline: float = DEADLINE) -> None:
        super().__init__(config={"dsn": dsn})
        self.pool_size = pool_size
        self.deadline = deadline
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lane = asyncio.Semaphore(max(1, int(pool_size * FOR_PAGES)))

    async def start(self) -> None:
        if self._own_pool() is None:
            self.pool = None  # of an event loop that is over
            self._lane = asyncio.Semaphore(max(1, int(self.pool_size * FOR_PAGES)))
        with explained():
            # Without session state to undo, asyncpg's own reset on release is a round trip for nothing.
            await self.start_connection_pool(min_size=1, max_size=self.pool_size, reset=keep_session)
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        pool, self.pool = self._own_pool(), None
        if pool is None:
            return
        with suppress(TimeoutError):  # a cancelled close() terminates
            async with asyncio.timeout(self.deadline):
                await pool.close()

    def transaction(self, allow_nested: bool = True) -> SafePostgresTransaction:
        self.open_transaction()  # forgets one that has ended
        return SafePostgresTransaction(self, allow_nested)

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> list[Any]:  # Piccolo's
        sql, arguments = querystring.compile_string(engine_type=self.engine_type)
        return await self._run(sql, arguments)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> list[Any]:  # Piccolo's
        return await self._run(ddl)

    async def _run(self, sql: str, arguments: Sequence[Any] = ()) -> list[Any]:
        transaction = self.open_transaction()
        if transaction is not None:
            rows: list[Any] = await transaction.run(sql, arguments)
            return rows
        try:
            return await self._run_alone(sql, arguments)
        except DatabaseBusy:
            raise
        except StoreUnavailable:
            if not is_read(sql):
                raise
            return await self._run_alone(sql, arguments)  # the pool has dropped the dead connection

    async def _run_alone(self, sql: str, arguments: Sequence[Any]) -> list[Any]:
        async with self.connection() as connection:
            try:
                return await fetch(connection, sql, arguments, self.slowest)
            except StoreUnavailable:
                drop(connection)
                raise

    async def run_statement(self, statement: Statement, values: Sequence[Any]) -> list[Row]:
        late = self.late if statement.may_be_lost and self.open_transaction() is None else ""
        return await self._run(statement.numbered + late, values)

    async def insert(self, statement: Statement, values: Sequence[Any]) -> None:
        transaction = self.open_transaction()
        if transaction is None:
            await self.run_statement(statement, values)
        else:
            await transaction.insert(statement, values)

    def _own_pool(self) -> Any | None:
        return self.pool if self._loop is asyncio.get_running_loop() else None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection from the pool; a new one where no pool was started in this event loop."""
        pool = self._own_pool()
        lane = self._lane if pool is not None and not urgent.get() else None
        try:
            # Not asyncpg's own timeout: that runs acquire() in a task, whose connection may come too late for anyone.
            async with asyncio.timeout(self.deadline):
                if lane is not None:
                    await lane.acquire()
                try:
                    with explained():
                        connection = await (pool.acquire() if pool else self.get_new_connection())
                except BaseException:
                    if lane is not None:
                        lane.release()
                    raise
        except TimeoutError as error:
            raise DatabaseBusy("No connection to the database was free in time.") from error
        try:
            yield connection
        finally:
            if lane is not None:
                lane.release()
            if pool:
                with suppress(*ERRORS):  # a connection that cannot be reset is replaced
                    await pool.release(connection)
            elif not connection.is_closed():
                try:
                    await connection.close()
                except BaseException:
                    drop(connection)
                    raise


class SafeCockroachTransaction(SafePostgresTransaction, CockroachTransaction):
    async def insert(self, statement: Statement, values: Sequence[Any]) -> None:
        """Each row by itself: what one statement may write in several tables is PostgreSQL's rule."""
        await self.run(statement.numbered, values)


class SafeCockroachEngine(SafePostgresEngine, CockroachEngine):
    """CockroachDB, which speaks PostgreSQL's protocol."""

    late = ""

    def transaction(self, allow_nested: bool = True) -> SafeCockroachTransaction:
        self.open_transaction()
        return SafeCockroachTransaction(self, allow_nested)


async def keep_session(connection: Any) -> None:
    pass


@cache
def together(*inserts: Statement) -> str:
    """One statement that inserts a row into each of several tables, with the values of all in a row."""
    *others, last = inserts
    sql, before = "", 0
    for insert in others:
        sql += f"{', ' if sql else 'WITH '}_{before} AS ({numbered(insert.parts, before)})"
        before += len(insert.parts) - 1
    return f"{sql} {numbered(last.parts, before)}"


async def fetch(connection: Any, sql: str, arguments: Sequence[Any], slowest: float | None) -> list[Any]:
    with explained(connection):
        rows: list[Any] = await connection.fetch(sql, *arguments, timeout=slowest)
    return rows


@contextmanager
def explained(connection: Any = None) -> Iterator[None]:
    """Raise StoreUnavailable or DatabaseBusy where that is the trouble; a mistake in the SQL stays as it is."""
    try:
        yield
    except ERRORS as error:
        code = getattr(error, "sqlstate", None) or ""
        if code in BUSY:
            raise DatabaseBusy("Another transaction was in the way.") from error
        if code in FULL:
            raise StoreFull("The database takes no writes.") from error
        if code[:2] in UNAVAILABLE_CLASSES or isinstance(error, LOST) or is_lost(connection):
            raise StoreUnavailable("The database cannot be reached.") from error
        raise


def drop(connection: Any) -> None:
    """Close at once; the server rolls back what is not committed."""
    with suppress(asyncpg.InterfaceError):  # gone already
        connection.terminate()


def is_lost(connection: Any) -> bool:
    if connection is None:
        return False
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool has taken it back
        return True
