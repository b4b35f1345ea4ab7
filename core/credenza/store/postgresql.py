"""PostgreSQL and CockroachDB through a pool that survives cancellation at every await and the server's restart."""

import asyncio
from collections.abc import Sequence
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
    AlreadyExists,
    Callback,
    DatabaseBusy,
    DeletedMeanwhile,
    Engine,
    Row,
    Statement,
    StoreFull,
    StoreUnavailable,
    call_back,
    is_read,
    numbered,
    patient,
    urgent,
)
from .pool import Pool, drop, in_time, is_gone

# asyncpg raises InternalClientError on a connection whose server said goodbye while it was idle.
LOST = (OSError, asyncpg.InternalClientError)
ERRORS = (*LOST, asyncpg.PostgresError, asyncpg.InterfaceError)
# PostgreSQL, Appendix A: connection exception, insufficient resources, operator intervention, system error.
UNAVAILABLE_CLASSES = {"08", "53", "57", "58"}
FULL = {"53100", "25006"}  # disk full; what was the primary is a replica now
ALONE = 0x616C6F6E65  # "alone"
BUSY = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available


class SafePostgresTransaction(PostgresTransaction):
    """A transaction whose connection always comes back; a nested one joins it.

    Whether a COMMIT took effect that was cancelled, or lost its connection, cannot be known.

    Each round trip to the server is time in which locks are held, so BEGIN waits for the first statement, and rows to
    insert wait for the next statement of another kind. Where there is none, they are one statement, which needs neither
    BEGIN nor COMMIT.
    """

    engine: "SafePostgresEngine"
    beginning = "BEGIN"

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
        self.engine.current_transaction.set(self)
        return self

    async def run(self, sql: str, arguments: Sequence[Any], *, anew: bool = False) -> list[Row]:
        if not self.begun:
            self.begun = True
            await self._say(self.beginning)
        await self._send_rows()
        return await fetch(self.connection, sql, arguments, self.engine.time_limit, anew=anew)

    async def insert(self, statement: Statement, values: Sequence[Any]) -> None:
        if statement in self.rows:  # a statement that inserts twice into a table leaves it open which row is first
            await self.run(statement.numbered, values)
        else:
            self.rows[statement] = values

    async def _send_rows(self) -> None:
        if self.rows:
            rows, self.rows = self.rows, {}
            values = [value for row in rows.values() for value in row]
            await fetch(self.connection, together(*rows), values, self.engine.time_limit)

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
        except (*ERRORS, StoreUnavailable):  # the exception on its way out says more
            drop(self.connection)

    async def commit(self) -> None:
        await self._send_rows()
        if self.begun:
            await self._say("COMMIT")
        self._committed = True

    async def rollback(self) -> None:
        if self.begun:
            await self._say("ROLLBACK")
        self._rolled_back = True

    async def _say(self, command: str) -> None:
        with explained(self.connection):
            await self.connection.execute(command, timeout=self.engine.time_limit)


class SafePostgresEngine(Engine, PostgresEngine):
    """PostgreSQL; what does not get a connection in `deadline` seconds raises DatabaseBusy."""

    late: ClassVar[str] = ", set_config('synchronous_commit', 'off', true)"
    """After RETURNING: the one statement is its own transaction, and does not wait for the disk."""
    snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    alone = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({ALONE})"

    def __init__(self, dsn: str, pool_size: int = POOL_SIZE, deadline: float = DEADLINE) -> None:
        super().__init__(config={"dsn": dsn})
        self.pool_size = pool_size
        self.deadline = deadline
        self.connections: Pool | None = None

    async def start(self) -> None:
        if self.own_pool() is None:
            for_pages = max(1, int(self.pool_size * FOR_PAGES))
            self.connections = Pool(self.get_new_connection, size=self.pool_size, for_pages=for_pages)
        async with self.connection():  # there is a server
            pass

    async def stop(self) -> None:
        pool, self.connections = self.own_pool(), None
        if pool is not None:
            await pool.close(self.deadline)

    def transaction(self, allow_nested: bool = True) -> SafePostgresTransaction:
        self.open_transaction()  # forgets one that has ended
        return SafePostgresTransaction(self, allow_nested)

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> list[Any]:  # Piccolo's
        sql, arguments = querystring.compile_string(engine_type=self.engine_type)
        return await self._run(sql, arguments, anew=patient.get() and is_read(sql))

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> list[Any]:  # Piccolo's
        return await self._run(ddl)

    async def _run(self, sql: str, arguments: Sequence[Any] = (), *, anew: bool = False) -> list[Any]:
        transaction = self.open_transaction()
        if transaction is not None:
            rows: list[Any] = await transaction.run(sql, arguments, anew=anew)
            return rows
        try:
            return await self._run_alone(sql, arguments, anew)
        except DatabaseBusy:
            raise
        except StoreUnavailable:
            if not is_read(sql):
                raise
            return await self._run_alone(sql, arguments, anew)  # the pool has dropped the dead connection

    async def _run_alone(self, sql: str, arguments: Sequence[Any], anew: bool) -> list[Any]:
        async with self.connection() as connection:
            try:
                return await fetch(connection, sql, arguments, self.time_limit, anew=anew)
            except (StoreUnavailable, asyncio.CancelledError):
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

    def own_pool(self) -> Pool | None:
        """The pool, where it is of this event loop."""
        pool = self.connections
        return pool if pool is not None and pool.loop is asyncio.get_running_loop() else None

    def connection(self) -> "Lease":
        """A connection from the pool, within `async with`; a new one where no pool was started in this event loop."""
        return Lease(self)


class Lease:
    """A connection for a while, which goes back whatever happens; a class because every statement needs one."""

    __slots__ = ("_engine", "_for_page", "_pool", "connection")

    def __init__(self, engine: SafePostgresEngine) -> None:
        self._engine = engine
        self._pool = engine.own_pool()
        self._for_page = not urgent.get()

    async def __aenter__(self) -> Any:
        with explained():
            if self._pool is not None:
                self.connection = await self._pool.acquire(self._engine.deadline, for_page=self._for_page)
            else:
                self.connection = await in_time(self._engine.get_new_connection(), self._engine.deadline)
        return self.connection

    async def __aexit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.release(self.connection, for_page=self._for_page)
        elif not is_gone(self.connection):
            try:
                await self.connection.close()
            except BaseException:
                drop(self.connection)
                raise


class SafeCockroachTransaction(SafePostgresTransaction, CockroachTransaction):
    async def insert(self, statement: Statement, values: Sequence[Any]) -> None:
        """Each row by itself: what one statement may write in several tables is PostgreSQL's rule."""
        await self.run(statement.numbered, values)


class SafeCockroachEngine(SafePostgresEngine, CockroachEngine):
    """CockroachDB, which speaks PostgreSQL's protocol."""

    late = ""
    alone = "BEGIN"  # there, of two that read what the other one writes, one fails

    def transaction(self, allow_nested: bool = True) -> SafeCockroachTransaction:
        self.open_transaction()
        return SafeCockroachTransaction(self, allow_nested)


@cache
def together(*inserts: Statement) -> str:
    """One statement that inserts a row into each of several tables, with the values of all in a row."""
    *others, last = inserts
    sql, before = "", 0
    for insert in others:
        sql += f"{', ' if sql else 'WITH '}_{before} AS ({numbered(insert.parts, before)})"
        before += len(insert.parts) - 1
    return f"{sql} {numbered(last.parts, before)}"


async def fetch(
    connection: Any, sql: str, arguments: Sequence[Any], slowest: float | None, *, anew: bool = False
) -> list[Any]:
    """What the patient read is planned `anew`, for these very values, unless it is fixed SQL that looks something up.

    asyncpg keeps prepared statements, and PostgreSQL soon plans those for whatever values may come: a search for a rare
    word would read all people in the order of the list.
    """
    with explained(connection):
        if anew:
            statement = await connection.prepare(sql, timeout=slowest)
            rows: list[Any] = await statement.fetch(*arguments, timeout=slowest)
        else:
            rows = await connection.fetch(sql, *arguments, timeout=slowest)
    return rows


class explained:  # noqa: N801  # reads as a function does; a class because every statement needs one
    """Raise StoreUnavailable or DatabaseBusy where that is the trouble; a mistake in the SQL stays as it is."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Any = None) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None or not isinstance(error, ERRORS):
            return
        code = getattr(error, "sqlstate", None) or ""
        if isinstance(error, asyncpg.UniqueViolationError):
            raise AlreadyExists(str(error)) from error
        if isinstance(error, asyncpg.ForeignKeyViolationError):
            raise DeletedMeanwhile(error) from error
        if isinstance(error, TimeoutError) and error.errno is None:  # ours, and not the network's
            raise DatabaseBusy("The database took too long.") from error
        if code in BUSY:
            raise DatabaseBusy("Another transaction was in the way.") from error
        if code in FULL:
            raise StoreFull("The database takes no writes.") from error
        if code[:2] in UNAVAILABLE_CLASSES or isinstance(error, LOST) or is_lost(self._connection):
            raise StoreUnavailable(f"No connection to the database: {str(error) or type(error).__name__}") from error


def is_lost(connection: Any) -> bool:
    return connection is not None and bool(connection.is_closed())
