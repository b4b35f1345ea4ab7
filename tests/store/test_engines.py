"""The engines under contention, cancellation and restarts, on real SQLite and real PostgreSQL."""

# ruff: noqa: PT012  # what raises is a whole transaction

import asyncio
import contextlib
import gc
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager
from contextvars import Context
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # asyncpg has no types
import pytest
from piccolo.columns import BigInt, Integer, Timestamptz, Varchar
from piccolo.engine.exceptions import TransactionError
from piccolo.table import Table

from credenza.store import consents, sqlite
from credenza.store.addresses import engine_from_url
from credenza.store.batches import delete_batch
from credenza.store.clients import ClientPermissionRow
from credenza.store.engine import (
    AlreadyExists,
    DatabaseBusy,
    DeletedMeanwhile,
    Engine,
    Statement,
    StoreUnavailable,
    alone,
    bind,
    database,
    patient,
)
from credenza.store.postgresql import SafeCockroachEngine, SafePostgresEngine
from credenza.store.sqlite import SafeSQLiteEngine
from credenza.testing import running as server_running
from credenza.testing import test_settings

from .test_upgrade import run_sql


class Coin(Table, tablename="test_coin"):
    name = Varchar(unique=True)
    batch = Integer(default=0)
    spent_at = BigInt(null=True, default=None)
    minted_at = Timestamptz()


@asynccontextmanager
async def running(engine: Engine, deadline: float = 60) -> AsyncIterator[Engine]:
    """On a slow machine too, nothing but a test of the deadline meets it."""
    engine.deadline = deadline
    bind(engine, [Coin])
    await engine.start()
    try:
        await Coin.create_table(if_not_exists=True)
        yield engine
    finally:
        await engine.stop()


@contextmanager
def other_process_writing(path: str) -> Iterator[None]:
    """Another connection to the file, in the middle of a transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.rollback()


async def settled(engine: Engine) -> bool:
    """Whether every connection came back, with no transaction left on it."""
    assert engine.open_transaction() is None
    if isinstance(engine, SafeSQLiteEngine):
        connections = await engine.connections()
        return not connections.lock.locked() and not connections.writer.in_transaction
    assert isinstance(engine, SafePostgresEngine)
    pool = engine.own_pool()
    assert pool is not None
    held = [await pool.acquire(30, for_page=False) for _ in range(engine.pool_size)]
    idle = [not connection.is_in_transaction() for connection in held]
    for connection in held:
        pool.release(connection, for_page=False)
    return all(idle)


class TestTheUrl:
    def test_sqlite_with_three_slashes_is_relative(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        engine = engine_from_url("sqlite:///data/credenza.db")
        assert isinstance(engine, SafeSQLiteEngine)
        assert engine.path == str(tmp_path / "data" / "credenza.db")

    def test_sqlite_with_four_slashes_is_absolute(self) -> None:
        engine = engine_from_url("sqlite:////var/lib/credenza%20x.db")
        assert isinstance(engine, SafeSQLiteEngine)
        assert engine.path == "/var/lib/credenza x.db"

    @pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
    def test_postgresql_gives_its_pool_option_to_us_and_the_rest_to_the_driver(self, scheme: str) -> None:
        engine = engine_from_url(f"{scheme}://someone:s%40crt@db.example:5433/credenza?pool=3&sslmode=require")
        assert isinstance(engine, SafePostgresEngine)
        assert engine.pool_size == 3
        assert engine.config == {"dsn": "postgresql://someone:s%40crt@db.example:5433/credenza?sslmode=require"}

    def test_postgresql_may_be_several_servers_each_with_its_port(self) -> None:
        url = "postgresql://someone@a.example:5432,b.example:5433/credenza?target_session_attrs=read-write"
        engine = engine_from_url(url)
        assert isinstance(engine, SafePostgresEngine)
        assert engine.config == {"dsn": url}
        with pytest.raises(ValueError, match="Port"):
            engine_from_url("postgresql://someone@a.example:5432,b.example:x/credenza")

    def test_cockroachdb_is_asked_in_postgresqls_protocol(self) -> None:
        engine = engine_from_url("cockroachdb://root@db.example:26257/credenza")
        assert engine.engine_type in consents._DECIDED
        assert isinstance(engine, SafeCockroachEngine)
        assert engine.engine_type == "cockroach"
        assert engine.config == {"dsn": "postgresql://root@db.example:26257/credenza"}

    @pytest.mark.parametrize(
        "url",
        [
            "mysql://db.example/credenza",
            "credenza.db",
            "",
            "sqlite://",
            "sqlite:///:memory:",
            "sqlite://host/credenza.db",
            "sqlite:///credenza.db?mode=ro",
            "postgresql:///credenza?pool=0",
            "postgresql:///credenza?pool=many",
        ],
    )
    def test_anything_else_is_refused_in_a_sentence(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"\.$"):
            engine_from_url(url)


def test_piccolos_queries_work(database_url: str) -> None:
    async def main() -> None:
        async with running(engine_from_url(database_url)) as engine:
            assert database() is engine
            [row] = await Coin.insert(Coin(name="one")).returning(*Coin.all_columns())
            assert row["minted_at"].tzinfo is not None
            coin = await Coin.objects().get(Coin.name == "one")
            assert coin is not None
            coin.batch = 7
            await coin.save()
            assert await Coin.exists().where(Coin.batch == 7)
            assert await Coin.count() == 1
            assert await Coin.raw("SELECT batch FROM test_coin WHERE name = {}", "one") == [{"batch": 7}]
            assert await Coin.raw("WITH c AS (SELECT batch FROM test_coin) SELECT * FROM c") == [{"batch": 7}]
            assert await Coin.update({Coin.batch: Coin.batch + 1}, force=True).returning(Coin.batch) == [{"batch": 8}]
            assert await Coin.delete().where(Coin.batch == 8).returning(Coin.name) == [{"name": "one"}]
            async with await Coin.select().batch() as batch:
                assert [rows async for rows in batch] == []
            atomic = engine.atomic()
            atomic.add(Coin.insert(Coin(name="two")), Coin.insert(Coin(name="three")))
            await atomic.run()
            await Coin.alter().add_column("note", Varchar(null=True, default=None))
            assert await Coin.count() == 2

    asyncio.run(main())


def test_what_is_due_is_deleted_in_batches_and_nothing_else(database_url: str) -> None:
    async def main() -> None:
        async with running(engine_from_url(database_url)):
            for number in range(7):
                await Coin.insert(Coin(name=f"coin {number}", batch=number))
            deleted = [await delete_batch(Coin, Coin.batch < 5, batch=3) for _ in range(3)]
            assert deleted == [3, 2, 0]
            assert [row["batch"] for row in await Coin.select(Coin.batch).order_by(Coin.batch)] == [5, 6]

    asyncio.run(main())


def test_it_works_without_start_and_in_successive_event_loops(database_url: str) -> None:
    engine = engine_from_url(database_url)
    bind(engine, [Coin])

    async def create() -> None:
        await Coin.create_table()

    async def insert(name: str) -> None:
        async with engine.transaction():
            await Coin.insert(Coin(name=name))
        await asyncio.gather(*(Coin.update({Coin.batch: 1}).where(Coin.name == name) for _ in range(3)))

    async def count() -> int:
        try:
            return await Coin.count()
        finally:
            await engine.stop()

    asyncio.run(create())
    asyncio.run(insert("one"))
    asyncio.run(insert("two"))
    assert asyncio.run(count()) == 2


def test_what_was_opening_a_file_while_its_engine_stopped_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        path = tmp_path / "credenza.db"
        engine = SafeSQLiteEngine(path)
        monkeypatch.setattr(engine, "_checkpoint", lambda mode: 0)  # it would wait for the other process
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("CREATE TABLE t (id)")
            other.execute("BEGIN EXCLUSIVE")
            opening = asyncio.create_task(engine.connections())
            await asyncio.sleep(0)
            await engine.stop()
            other.execute("ROLLBACK")
        with pytest.raises(StoreUnavailable, match="stopped"):
            await opening
        assert not engine._connections

    asyncio.run(main())


def test_a_unique_violation_is_known_from_other_errors(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """And told to whoever waits for it only: somebody who takes a name that is taken is no error of the server."""

    async def main() -> None:
        async with running(engine_from_url(database_url)):
            await Coin.insert(Coin(name="one", id=1))
            for same in (Coin(name="one", id=2), Coin(name="two", id=1)):
                with pytest.raises(AlreadyExists):
                    await Coin.insert(same)
            with pytest.raises((sqlite3.IntegrityError, asyncpg.NotNullViolationError)):
                await Coin.raw("INSERT INTO test_coin (id, name) VALUES (3, NULL)")
            patient.set(True)  # as an administrator is
            for _ in range(200):  # in a thread, which is sometimes done before anybody waits
                with pytest.raises(AlreadyExists):
                    async with database().transaction():
                        await Coin.insert(Coin(name="one", id=2))

    asyncio.run(main())
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_what_belongs_to_something_deleted_may_be_tried_again(filled_database_url: str) -> None:
    """An application may be deleted, or a user, while a request about them is under way."""

    async def insert() -> None:
        async with database().transaction():
            await ClientPermissionRow.insert(
                ClientPermissionRow(id="1", client="gone", source="profile", scope="email")
            )

    with server_running(test_settings(filled_database_url)) as credenza:
        with pytest.raises(DeletedMeanwhile):
            credenza.run(insert)
        assert credenza.request("GET", "/readyz").status_code == 200


async def cancel_at_random_moments(database_url: str, *, patiently: bool = False) -> None:
    async with running(engine_from_url(database_url)) as engine:
        committed = set()
        kept = []  # the garbage collector must not be what gives the connections back

        async def mint(batch: int) -> None:
            patient.set(patiently)
            transaction = engine.transaction()
            kept.append(transaction)
            async with transaction:
                await Coin.insert(Coin(name=f"{batch} a", batch=batch))
                await asyncio.sleep(random.choice([0, 0, 0.001]))
                await Coin.insert(Coin(name=f"{batch} b", batch=batch))
            committed.add(batch)

        async def disturb(batch: int) -> None:
            task = asyncio.create_task(mint(batch))
            for _ in range(random.randrange(60)):
                await asyncio.sleep(0)
            await asyncio.sleep(random.choice([0, random.uniform(0, 0.02)]))
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        for start in range(0, 400, 20):
            await asyncio.gather(*(disturb(batch) for batch in range(start, start + 20)))
        assert await settled(engine)
        await mint(400)
        batches = [row["batch"] for row in await Coin.select(Coin.batch)]
        assert all(batches.count(batch) == 2 for batch in batches)
        assert committed <= set(batches)


class TestTransactions:
    def test_100_that_read_and_then_write_all_succeed(self, database_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(database_url)) as engine:
                seen = []

                async def mint(number: int) -> None:
                    async with engine.transaction():
                        count = await Coin.count()
                        await asyncio.sleep(0)
                        await Coin.insert(Coin(name=f"coin {number}"))
                    seen.append(count)

                await asyncio.gather(*(mint(number) for number in range(100)))
                assert await Coin.count() == 100
                if isinstance(engine, SafeSQLiteEngine):
                    assert seen == list(range(100))
                assert await settled(engine)

        asyncio.run(main())

    def test_of_50_that_spend_one_coin_one_wins(self, database_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(database_url)) as engine:
                await Coin.insert(Coin(name="the one"))

                async def spend(number: int) -> bool:
                    query = Coin.update({Coin.spent_at: number}).where(Coin.name == "the one", Coin.spent_at.is_null())
                    if number % 2:
                        return bool(await query.returning(Coin.id))
                    async with engine.transaction():
                        return bool(await query.returning(Coin.id))

                assert sum(await asyncio.gather(*(spend(number) for number in range(50)))) == 1

        asyncio.run(main())

    def test_others_read_what_was_committed_and_nothing_else(self, database_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(database_url)) as engine:
                written, looked = asyncio.Event(), asyncio.Event()

                async def mint(*, fail: bool) -> None:
                    async with engine.transaction():
                        await Coin.insert(Coin(name="one"))
                        assert await Coin.count() == 1
                        written.set()
                        await looked.wait()
                        if fail:
                            raise ValueError

                for fail, left in ((True, 0), (False, 1)):
                    written.clear()
                    looked.clear()
                    minting = asyncio.create_task(mint(fail=fail))
                    await written.wait()
                    assert await Coin.count() == 0
                    looked.set()
                    await asyncio.gather(minting, return_exceptions=True)
                    assert await Coin.count() == left

        asyncio.run(main())

    def test_an_exception_rolls_back_and_a_nested_one_joins(self, database_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(database_url)) as engine:
                with pytest.raises(ZeroDivisionError):
                    async with engine.transaction():
                        async with engine.transaction():
                            await Coin.insert(Coin(name="one"))
                        assert await Coin.count() == 1
                        raise ZeroDivisionError
                assert await Coin.count() == 0
                assert await settled(engine)

        asyncio.run(main())

    def test_a_savepoint_can_be_rolled_back_to(self, database_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(database_url)) as engine:
                async with engine.transaction() as transaction:
                    await Coin.insert(Coin(name="one"))
                    savepoint = await transaction.savepoint()
                    await Coin.insert(Coin(name="two"))
                    await savepoint.rollback_to()
                assert await Coin.count() == 1

        asyncio.run(main())

    def test_a_commit_that_fails_rolls_back(self, database_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(database_url)) as engine:
                await Coin.raw(
                    "CREATE TABLE test_owner (coin INTEGER REFERENCES test_coin (id) DEFERRABLE INITIALLY DEFERRED)"
                )
                called = []

                async def callback() -> None:
                    called.append(1)

                with pytest.raises(Exception, match=r"(?i)foreign key"):
                    async with engine.transaction():
                        await engine.after_commit(callback)
                        await Coin.insert(Coin(name="one"))
                        await Coin.raw("INSERT INTO test_owner VALUES (12345)")
                assert await settled(engine)
                assert await Coin.count() == 0
                assert not called

        asyncio.run(main())

    def test_400_cancelled_at_random_moments_leave_nothing_behind(self, database_url: str) -> None:
        asyncio.run(cancel_at_random_moments(database_url))

    def test_a_task_that_outlives_its_transaction_is_on_its_own(self, database_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(database_url)) as engine:
                over = asyncio.Event()

                async def later() -> None:
                    await over.wait()
                    await Coin.insert(Coin(name="later"))
                    with pytest.raises(ZeroDivisionError):
                        async with engine.transaction():
                            await Coin.insert(Coin(name="never"))
                            raise ZeroDivisionError

                async with engine.transaction():
                    task = asyncio.create_task(later())
                    await Coin.insert(Coin(name="now"))
                over.set()
                await task
                assert {row["name"] for row in await Coin.select(Coin.name)} == {"now", "later"}

        asyncio.run(main())


class TestAfterCommit:
    def test_it_runs_after_the_outermost_commit_outside_of_the_transaction(self, database_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(database_url)) as engine:
                seen: list[Any] = []

                async def callback() -> None:
                    seen.append((engine.open_transaction(), await Coin.count()))

                async with engine.transaction():
                    async with engine.transaction():
                        await engine.after_commit(callback)
                        await Coin.insert(Coin(name="one"))
                    assert not seen
                assert seen == [(None, 1)]

        asyncio.run(main())

    def test_it_does_not_run_after_a_rollback(self, database_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(database_url)) as engine:
                seen = []

                async def callback() -> None:
                    seen.append(1)

                with pytest.raises(ZeroDivisionError):
                    async with engine.transaction():
                        await engine.after_commit(callback)
                        raise ZeroDivisionError
                async with engine.transaction() as transaction:
                    await engine.after_commit(callback)
                    await transaction.rollback()
                assert not seen

        asyncio.run(main())

    def test_outside_of_a_transaction_it_runs_at_once(self, database_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(database_url)) as engine:
                seen = []

                async def callback() -> None:
                    seen.append(1)

                await engine.after_commit(callback)
                assert seen == [1]

        asyncio.run(main())

    def test_one_that_fails_neither_stops_the_next_nor_undoes_the_commit(
        self, database_url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def main() -> None:
            async with running(engine_from_url(database_url)) as engine:
                seen = []

                async def fail() -> None:
                    raise ZeroDivisionError

                async def callback() -> None:
                    seen.append(await Coin.count())

                async with engine.transaction():
                    await Coin.insert(Coin(name="one"))
                    await engine.after_commit(fail)
                    await engine.after_commit(callback)
                assert seen == [1]

        asyncio.run(main())
        assert "A callback failed after the commit." in caplog.text


WRITER = """
import asyncio, sys
from piccolo.columns import BigInt, Integer, Timestamptz, Varchar
from piccolo.table import Table
from credenza.store.addresses import engine_from_url
from credenza.store.engine import bind

class Coin(Table, tablename="test_coin"):
    name = Varchar(unique=True)
    batch = Integer(default=0)
    spent_at = BigInt(null=True, default=None)
    minted_at = Timestamptz()

async def main(url, name):
    engine = engine_from_url(url)
    engine.deadline = 60
    bind(engine, [Coin])
    await engine.start()
    async def mint(number):
        async with engine.transaction():
            await Coin.count()
            await Coin.insert(Coin(name=f"{name} {number}"))
        await Coin.update({Coin.batch: Coin.batch + 1}).where(Coin.name == "shared")
    for start in range(0, 200, 20):
        await asyncio.gather(*(mint(number) for number in range(start, start + 20)))
    await engine.stop()

asyncio.run(main(*sys.argv[1:]))
"""


class TestSQLite:
    def test_two_processes_write_into_one_file(self, sqlite_url: str) -> None:
        async def create() -> None:
            async with running(engine_from_url(sqlite_url)):
                await Coin.insert(Coin(name="shared"))

        async def check() -> None:
            async with running(engine_from_url(sqlite_url)):
                assert await Coin.count() == 401
                assert await Coin.select(Coin.batch).where(Coin.name == "shared") == [{"batch": 400}]

        asyncio.run(create())
        processes = [subprocess.Popen([sys.executable, "-c", WRITER, sqlite_url, name]) for name in ("a", "b")]
        assert [process.wait() for process in processes] == [0, 0]
        asyncio.run(check())

    def test_a_lock_held_too_long_is_busy_while_the_event_loop_goes_on(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with running(SafeSQLiteEngine(tmp_path / "credenza.db"), deadline=0.3) as engine:
                ticks = 0

                async def tick() -> None:
                    nonlocal ticks
                    while True:
                        await asyncio.sleep(0.005)
                        ticks += 1

                async def in_transaction() -> None:
                    async with engine.transaction():
                        await Coin.insert(Coin(name="one"))

                async def alone() -> None:
                    await Coin.insert(Coin(name="two"))

                ticker = asyncio.create_task(tick())
                with other_process_writing(str(tmp_path / "credenza.db")):
                    results = await asyncio.gather(in_transaction(), alone(), in_transaction(), return_exceptions=True)
                    assert await Coin.count() == 0, "a reader does not wait"
                ticker.cancel()
                assert [type(result) for result in results] == [DatabaseBusy] * 3
                assert ticks >= 5
                assert await settled(engine)
                await in_transaction()

        asyncio.run(main())

    def test_a_lock_given_back_in_time_is_waited_for(self, sqlite_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(sqlite_url)) as engine:
                assert isinstance(engine, SafeSQLiteEngine)
                with other_process_writing(engine.path):
                    task = asyncio.create_task(Coin.insert(Coin(name="one")).run())
                    await asyncio.sleep(0.05)
                    assert not task.done()
                await task

        asyncio.run(main())

    def test_a_full_disk_is_unavailable_and_rolls_back_the_whole_transaction(self, sqlite_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(sqlite_url)) as engine:
                assert isinstance(engine, SafeSQLiteEngine)
                writer = (await engine.connections()).writer
                pages = writer.execute("PRAGMA page_count").fetchone()[0]
                writer.execute(f"PRAGMA max_page_count = {pages}")
                with pytest.raises(StoreUnavailable):
                    async with engine.transaction():
                        for number in range(1000):
                            await Coin.insert(Coin(name=f"{number} {'x' * 200}"))
                assert await settled(engine)
                assert await Coin.count() == 0
                writer.execute("PRAGMA max_page_count = 1000000")
                await Coin.insert(Coin(name="one"))

        asyncio.run(main())

    def test_what_sqlite_rolled_back_by_itself_is_not_continued(self, sqlite_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(sqlite_url)) as engine:
                assert isinstance(engine, SafeSQLiteEngine)
                with pytest.raises(StoreUnavailable):
                    async with engine.transaction():
                        (await engine.connections()).writer.rollback()
                        await Coin.insert(Coin(name="one"))
                with pytest.raises(TransactionError):
                    async with engine.transaction() as transaction:
                        await transaction.commit()
                        await Coin.insert(Coin(name="one"))
                assert await Coin.count() == 0
                assert await settled(engine)

        asyncio.run(main())

    def test_the_log_is_checkpointed_in_the_background_and_on_stop(self, sqlite_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(sqlite_url)) as engine:
                assert isinstance(engine, SafeSQLiteEngine)
                await Coin.insert(Coin(name="one"))
                for _ in range(500):
                    if not engine.written:
                        break
                    await asyncio.sleep(0.01)
                assert not engine.written
                await Coin.insert(Coin(name="two"))
                await engine.checkpoint()

        asyncio.run(main())
        assert not Path(sqlite_url.removeprefix("sqlite:///") + "-wal").exists()

    def test_a_long_log_is_copied_whatever_other_threads_wait_for(
        self, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody writes meanwhile, and names are looked up in those threads: a slow one was waited for."""
        monkeypatch.setattr(sqlite, "LONG_WAL", -1)

        async def main() -> None:
            loop, looked_up = asyncio.get_running_loop(), threading.Event()
            async with running(engine_from_url(sqlite_url)) as engine:
                assert isinstance(engine, SafeSQLiteEngine)
                loop.set_default_executor(ThreadPoolExecutor(1))
                looking_up = loop.run_in_executor(None, looked_up.wait, 60)
                try:
                    async with asyncio.timeout(10):
                        await engine.checkpoint()
                finally:
                    looked_up.set()
                    await looking_up

        asyncio.run(main())

    def test_400_of_the_patient_leave_nothing_behind_either(self, sqlite_url: str) -> None:
        asyncio.run(cancel_at_random_moments(sqlite_url, patiently=True))

    def test_what_the_patient_write_keeps_no_reader_waiting_and_is_undone_with_them(self, sqlite_url: str) -> None:
        numbers = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n FROM n) SELECT count(*) FROM n"
        forever = f"DELETE FROM test_coin WHERE batch < ({numbers})"

        async def write() -> None:
            patient.set(True)
            async with database().transaction():
                await Coin.insert(Coin(name="undone"))
                await Coin.raw(forever)

        async def go() -> None:
            async with running(engine_from_url(sqlite_url)):
                await Coin.insert(Coin(name="kept"))
                for _ in range(3):
                    writing = asyncio.create_task(write())
                    for _ in range(10):
                        assert await Coin.count() == 1
                        await asyncio.sleep(0.001)
                    assert not writing.done()
                    writing.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await writing
                    assert await Coin.select(Coin.name) == [{"name": "kept"}]
                await Coin.insert(Coin(name="later"))
                assert await Coin.count() == 2

        asyncio.run(go())

    def test_what_the_patient_read_keeps_nobody_waiting_and_ends_with_them(self, sqlite_url: str) -> None:
        forever = "SELECT count(*) FROM (WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n FROM n) SELECT n FROM n)"

        async def read_patiently(sql: str) -> Any:
            patient.set(True)
            return await Coin.raw(sql)

        async def go() -> None:
            async with running(engine_from_url(sqlite_url)):
                search = asyncio.create_task(read_patiently(forever))
                for _ in range(20):
                    assert await Coin.raw("SELECT 1 AS one") == [{"one": 1}]
                    await asyncio.sleep(0.001)
                assert not search.done()
                another = asyncio.create_task(read_patiently("SELECT 2 AS two"))
                search.cancel()
                assert await another == [{"two": 2}]
                with pytest.raises(asyncio.CancelledError):
                    await search
                left = asyncio.create_task(read_patiently(forever))
                await asyncio.sleep(0.01)
            with pytest.raises(StoreUnavailable):
                await left

        asyncio.run(go())

    def test_foreign_keys_are_enforced_and_the_log_is_write_ahead(self, sqlite_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(sqlite_url)) as engine:
                assert isinstance(engine, SafeSQLiteEngine)
                connections = await engine.connections()
                for connection in (connections.writer, connections.reader):
                    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
                    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
                    assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
                    assert connection.execute("PRAGMA busy_timeout").fetchone() == (0,)

        asyncio.run(main())


@pytest.mark.postgresql
class TestPostgreSQL:
    def test_it_heals_after_a_restart(self, postgresql_url: str, restart_postgresql: Callable[[], None]) -> None:
        async def main() -> None:
            async with running(engine_from_url(f"{postgresql_url}&pool=4")) as engine:
                going = True
                strange: list[BaseException] = []
                acknowledged = []

                async def work(worker: int) -> None:
                    number = 0
                    while going:
                        number += 1
                        name = f"{worker} {number}"
                        try:
                            if worker % 2:
                                async with engine.transaction():
                                    await Coin.insert(Coin(name=name))
                                    await Coin.count()
                            else:
                                await Coin.insert(Coin(name=name))
                            acknowledged.append(name)
                        except StoreUnavailable:
                            await asyncio.sleep(0.01)
                        except Exception as error:  # noqa: BLE001  # none other is expected
                            strange.append(error)

                async with engine.transaction():
                    await Coin.count()
                workers = [asyncio.create_task(work(worker)) for worker in range(8)]
                for _ in range(2):
                    await asyncio.to_thread(restart_postgresql)
                    before = len(acknowledged)
                    async with asyncio.timeout(30):
                        while len(acknowledged) < before + 20:  # the workers know no event
                            await asyncio.sleep(0.01)
                going = False
                await asyncio.gather(*workers)
                assert not strange
                assert set(acknowledged) <= {row["name"] for row in await Coin.select(Coin.name)}
                assert await settled(engine)

        asyncio.run(main())

    def test_a_connection_lost_in_a_transaction_is_unavailable(self, postgresql_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(postgresql_url)) as engine:
                assert isinstance(engine, SafePostgresEngine)
                with pytest.raises(StoreUnavailable):
                    async with engine.transaction() as transaction:
                        pid = transaction.connection.get_server_pid()
                        other = await engine.get_new_connection()
                        await other.execute("SELECT pg_terminate_backend($1)", pid)
                        await other.close()
                        await Coin.insert(Coin(name="one"))
                assert await settled(engine)

        asyncio.run(main())

    def test_a_read_outside_of_a_transaction_is_tried_again(self, postgresql_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(f"{postgresql_url}&pool=1")) as engine:
                query = asyncio.create_task(Coin.raw("SELECT pg_sleep(0.3)").run())
                other = await engine.get_new_connection()  # type: ignore[attr-defined]
                sleeping = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
                while not (pids := await other.fetch(sleeping)):  # the server tells only when asked
                    await asyncio.sleep(0.01)
                await other.execute("SELECT pg_terminate_backend($1)", pids[0]["pid"])
                await other.close()
                await query

        asyncio.run(main())

    def test_a_read_that_took_too_long_is_not_made_to_take_twice_as_long(self, postgresql_url: str) -> None:
        """F-05: a database that is slow already is not asked the same once more."""

        async def main() -> None:
            async with running(engine_from_url(f"{postgresql_url}&pool=1")) as engine:
                await Coin.raw("CREATE SEQUENCE asked")
                engine.slowest = 0.2
                with pytest.raises(StoreUnavailable):
                    await Coin.raw("SELECT nextval('asked'), pg_sleep(20)")
                engine.slowest = None
                assert await Coin.raw("SELECT last_value FROM asked") == [{"last_value": 1}]
                assert await settled(engine)

        asyncio.run(main())

    @pytest.mark.parametrize("inside", [False, True])
    @pytest.mark.parametrize("cancelled", [False, True])
    def test_what_nobody_waits_for_any_more_is_ended_in_the_server_too(
        self, postgresql_url: str, inside: bool, cancelled: bool
    ) -> None:
        """F-05: or statements pile up there, beyond what the pool allows, and hold their locks."""

        async def sleep(engine: Engine) -> None:
            async with engine.transaction() if inside else contextlib.nullcontext():
                await Coin.raw("SELECT pg_sleep(20)")

        async def main() -> None:
            async with running(engine_from_url(f"{postgresql_url}&pool=1")) as engine:
                other = await engine.get_new_connection()  # type: ignore[attr-defined]
                sleeping = (
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
                )
                engine.slowest = None if cancelled else 0.2
                task = asyncio.create_task(sleep(engine))
                while not await other.fetchval(sleeping):
                    assert not task.done()
                    await asyncio.sleep(0.01)
                if cancelled:
                    task.cancel()
                with pytest.raises(asyncio.CancelledError if cancelled else StoreUnavailable):
                    await task
                async with asyncio.timeout(5):
                    while await other.fetchval(sleeping):
                        await asyncio.sleep(0.01)
                await other.close()
                assert await settled(engine)

        asyncio.run(main())

    def test_no_free_connection_is_busy(self, postgresql_url: str) -> None:
        async def main() -> None:
            async with running(engine_from_url(f"{postgresql_url}&pool=1"), deadline=0.5) as engine:
                async with engine.transaction():
                    task = asyncio.create_task(Coin.count().run(), context=Context())
                    with pytest.raises(DatabaseBusy):
                        await task
                assert await settled(engine)

        asyncio.run(main())

    def test_no_server_is_unavailable_and_making_the_engine_does_not_need_one(self, tmp_path: Path) -> None:
        async def main() -> None:
            engine = engine_from_url(f"postgresql:///credenza?host={tmp_path}")
            bind(engine, [Coin])
            with pytest.raises(StoreUnavailable):
                await engine.start()
            with pytest.raises(StoreUnavailable):
                await Coin.count()
            await engine.stop()

        asyncio.run(main())


def test_what_may_be_lost_does_not_wait_for_the_disk_and_changes_nothing_else(postgresql_url: str) -> None:
    mint = Statement(
        "INSERT INTO test_coin (name, batch, minted_at) VALUES ({}, 0, now()) RETURNING id", may_be_lost=True
    )

    async def main() -> None:
        async with running(engine_from_url(f"{postgresql_url}&pool=1")) as engine:
            (row,) = await mint.all("one")
            assert dict(row).get("set_config") == "off"
            assert await Coin.raw("SHOW synchronous_commit") == [{"synchronous_commit": "on"}]
            async with engine.transaction():
                (row,) = await mint.all("two")
                assert dict(row).keys() == {"id"}
                assert await Coin.raw("SHOW synchronous_commit") == [{"synchronous_commit": "on"}]
            assert await Coin.count() == 2

    asyncio.run(main())


def test_who_waits_to_be_alone_sees_what_the_one_before_has_written(postgresql_url: str) -> None:
    """Also where a transaction sees one moment if nothing else is said: it would be the one before the wait."""
    name = postgresql_url.partition("?")[0].rpartition("/")[2]
    run_sql(postgresql_url, f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")

    async def mint(number: int) -> int:
        async with alone():
            seen = await Coin.count()
            await asyncio.sleep(0.2)
            await Coin.insert(Coin(name=str(number)))
            return int(seen)

    async def both() -> list[int]:
        async with running(engine_from_url(postgresql_url)):
            return await asyncio.gather(mint(1), mint(2))

    assert sorted(asyncio.run(both())) == [0, 1]
