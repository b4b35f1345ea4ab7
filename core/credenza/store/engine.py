"""What both engines have, and the SQL they run: Piccolo's, made safe under cancellation, contention and restarts."""

import logging
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from typing import Any, ClassVar, cast

from piccolo.apps.migrations.tables import Migration
from piccolo.engine.base import Engine as PiccoloEngine
from piccolo.table import Table

logger = logging.getLogger(__name__)

Row = dict[str, Any]
DEADLINE = 5.0  # seconds a statement waits for a lock or for a connection
SLOWEST = 5.0  # seconds that one statement may take once we serve
SLOWEST_OF_THE_PATIENT = 30.0
POOL_SIZE = 10

FOR_PAGES = 0.3  # of a pool's connections: each one at work takes the database's time from those of the endpoints

urgent: ContextVar[bool] = ContextVar("urgent", default=False)
"""Whether a program waits for this, and not a person: a storm of sign-ins must not keep tokens waiting."""

patient: ContextVar[bool] = ContextVar("patient", default=False)
"""Whether a statement may take longer: what an administrator deletes may have very many rows hanging on it. SQLite then
works in a thread, so that nobody else waits."""

Callback = Callable[[], Awaitable[None]]


class StoreUnavailable(Exception):
    """The database cannot answer now: disk full, connection lost, restarting. The same request may succeed later."""


class DatabaseBusy(StoreUnavailable):
    """A lock or a free connection was not to be had before the deadline, or another transaction was in the way."""


class DeletedMeanwhile(DatabaseBusy):
    """What something belongs to is not there; whoever asks again is told what is missing."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"What this belongs to was deleted meanwhile: {error.args[0]}.")


class ChangedMeanwhile(DatabaseBusy):
    """Somebody else has just changed what this was made from; whoever looks again may go on."""


class StoreFull(StoreUnavailable):
    """Nothing can be written, while reading still works: the disk is full, or this is a replica."""


class AlreadyExists(Exception):
    """Another row has this unique value; in a transaction it may only be noticed at its end."""


class Statement:
    """Fixed SQL with `{}` for each value, run on whatever engine is in use, inside the transaction that is open.

    What `locks` selects rows that nobody else changes until that transaction ends. SQLite's have the whole database.
    What `may_be_lost` ends in RETURNING and, outside of a transaction, need not be on PostgreSQL's disk when it is
    answered: a crash of the database right afterwards forgets it, and nobody was promised anything.
    """

    __slots__ = ("columns", "may_be_lost", "numbered", "parts", "question_marks", "reads")

    def __init__(self, sql: str, *, locks: bool = False, may_be_lost: bool = False) -> None:
        self.parts = sql.split("{}")
        self.question_marks = "?".join(self.parts)
        self.reads = is_read(sql) and not locks
        self.columns: tuple[str, ...] = ()  # of the rows it gives, once an engine that has to know has seen one
        self.numbered = numbered(self.parts) + (" FOR NO KEY UPDATE" if locks else "")
        self.may_be_lost = may_be_lost

    async def all(self, *values: Any) -> list[Row]:
        """Every row, as a mapping of column names. Raises StoreUnavailable."""
        return await database().run_statement(self, values)

    async def first(self, *values: Any) -> Row | None:
        rows = await database().run_statement(self, values)
        return rows[0] if rows else None


def numbered(parts: Sequence[str], before: int = 0) -> str:
    """SQL with a number for each value, as a part of a statement that has so many values before them."""
    first, *rest = parts
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, before + 1))


class Engine(PiccoloEngine[Any]):
    """What Credenza asks of an engine beyond Piccolo: a life, and callbacks after COMMIT."""

    deadline: float
    snapshot: ClassVar[str]
    """How a transaction begins that sees everything as it was at one moment."""
    alone: ClassVar[str]
    """How one begins that waits until another one that has begun like this is over. Nothing is held by whoever waits,
    so that none of them is in another's way for ever."""
    slowest: float | None = None
    """Seconds that one statement may take; None while migrations run, which may take long. See `time_limit`."""
    version: tuple[float, int] = (-1.0, 0)
    """When the version of the configuration was last read in this process, and what it was."""
    version_epoch = 0

    @property
    def time_limit(self) -> float | None:
        """Seconds that a statement of whoever asks may take."""
        return SLOWEST_OF_THE_PATIENT if self.slowest is not None and patient.get() else self.slowest

    async def check_version(self) -> None:
        """Piccolo would connect while the engine is made; the database may still be starting then."""

    async def prep_database(self) -> None:
        pass

    @abstractmethod
    async def start(self) -> None:
        """Open connections for the running event loop; without it, queries open what they need."""

    @abstractmethod
    async def stop(self) -> None:
        """Close every connection; the engine can be started again."""

    @abstractmethod
    async def run_statement(self, statement: Statement, values: Sequence[Any]) -> list[Row]:
        """Run fixed SQL, without the work of putting a query together."""

    async def insert(self, statement: Statement, values: Sequence[Any]) -> None:
        """Insert a row; inside a transaction it may be sent later, and raise what is wrong with it then."""
        await self.run_statement(statement, values)

    def has_room(self) -> bool:
        """Whether more than one small write would find room; asked after one did not."""
        return True

    async def after_commit(self, callback: Callback) -> None:
        """Await `callback` once the outermost transaction is committed, never if it is not; at once outside of one.

        What is committed stays so: an exception in a callback is logged.
        """
        transaction = self.open_transaction()
        if transaction is None:
            await call_back(callback)
        else:
            transaction.callbacks.append(callback)

    def open_transaction(self) -> Any | None:
        """The transaction around the caller.

        A task started inside a transaction that outlives it keeps the context variable: its queries are its own.
        """
        transaction = self.current_transaction.get()
        if transaction is not None and transaction.ended:
            self.current_transaction.set(None)
            return None
        return transaction


async def call_back(callback: Callback) -> None:
    try:
        await callback()
    except Exception:
        logger.exception("A callback failed after the commit.")


def is_read(sql: str) -> bool:
    return sql.lstrip()[:6].upper() == "SELECT"


def bind(engine: Engine, tables: Iterable[type[Table]]) -> None:
    """Give the tables their engine; Piccolo would look for it in a module of global settings."""
    bound: list[type[Table]] = [*tables, Migration, Table]  # migrations call Table.raw()
    for table in bound:
        table._meta._db = engine


def database() -> Engine:
    """The engine that the tables were given last."""
    engine: Engine | None = Migration._meta._db  # type: ignore[assignment]  # one of ours
    if engine is None:
        raise RuntimeError("The tables have no engine yet: call bind() first.")
    return engine


def transaction() -> AbstractAsyncContextManager[Any]:
    """A transaction of that engine; inside another one it joins."""
    return cast(AbstractAsyncContextManager[Any], database().transaction())


def alone() -> AbstractAsyncContextManager[Any]:
    """A transaction of which there is one at a time, and that sees what the one before has written. Not inside of
    another one.

    `unchanged` is one. A form that deletes something uses this, or who saves it at that moment would make it anew.
    """
    engine = database()
    writing: Any = engine.transaction()
    writing.beginning = engine.alone
    return cast(AbstractAsyncContextManager[Any], writing)


def snapshot() -> AbstractAsyncContextManager[Any]:
    """A transaction that only reads: everything as it was at one moment, whatever others write meanwhile."""
    engine = database()
    reading: Any = engine.transaction()
    reading.beginning = engine.snapshot
    return cast(AbstractAsyncContextManager[Any], reading)
