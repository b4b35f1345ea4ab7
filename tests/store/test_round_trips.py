"""PostgreSQL is asked no more often than it has to be: each answer is awaited while locks are held."""

# ruff: noqa: PT012  # what raises is a whole transaction

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext

import pytest
from piccolo.columns import ForeignKey, Integer, Varchar
from piccolo.table import Table

from credenza.store.addresses import engine_from_url
from credenza.store.batches import delete_batch
from credenza.store.engine import AlreadyExists, DeletedMeanwhile, Engine, Statement, bind, patient
from credenza.store.postgresql import SafeCockroachTransaction, SafePostgresEngine
from credenza.store.statements import Insert

pytestmark = pytest.mark.postgresql


class Purse(Table, tablename="test_purse"):
    name = Varchar(unique=True)


class Penny(Table, tablename="test_penny"):
    purse = ForeignKey(references=Purse, target_column=Purse.name, null=False)
    year = Integer()
    minted_at = Integer(default=0, index=True)


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[tuple[Engine, list[str]]]:
    """An engine with one connection, and what is sent over it."""
    engine, sent = engine_from_url(f"{url}&pool=1"), list[str]()
    assert isinstance(engine, SafePostgresEngine)
    bind(engine, [Purse, Penny])
    await engine.start()
    try:
        await Purse.create_table(if_not_exists=True)
        await Penny.create_table(if_not_exists=True)
        async with engine.connection() as connection:
            connection.add_query_logger(lambda record: sent.append(record.query.rstrip(";")))
        yield engine, sent
    finally:
        await engine.stop()


async def told(sent: list[str]) -> list[str]:
    await asyncio.sleep(0)  # asyncpg tells in the next round of the event loop
    return sent


def run(url: str, main: Callable[[Engine, list[str]], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with watched(url) as (engine, sent):
            await main(engine, sent)

    asyncio.run(all_of_it())


def inserts() -> tuple[Insert, Insert]:
    return Insert(Purse), Insert(Penny)


def test_rows_of_several_tables_are_one_statement_that_needs_no_transaction(postgresql_url: str) -> None:
    add_purse, add_penny = inserts()

    async def main(engine: Engine, sent: list[str]) -> None:
        async with engine.transaction():
            await add_purse(name="red")
            await add_penny(purse="red", year=1901)  # refers to the other row of its statement
        (statement,) = await told(sent)
        assert statement.startswith("WITH _0 AS (INSERT INTO test_purse")
        assert await Penny.select(Penny.purse, Penny.year) == [{"purse": "red", "year": 1901}]

    run(postgresql_url, main)


def test_what_comes_after_rows_sees_them_and_they_come_in_order(postgresql_url: str) -> None:
    add_purse, add_penny = inserts()
    count = Statement("SELECT count(*) AS n FROM test_penny")

    async def main(engine: Engine, sent: list[str]) -> None:
        async with engine.transaction():
            await add_purse(name="red")
            for year in (1903, 1901, 1902):
                await add_penny(purse="red", year=year)
            row = await count.first()
            assert row is not None
            assert row["n"] == 3
            await add_penny(purse="red", year=1900)
        years = await Penny.select(Penny.year).order_by(Penny.id).output(as_list=True)
        assert years == [1903, 1901, 1902, 1900]
        assert [sql.split()[0] for sql in sent[:7]] == [
            "BEGIN",
            "WITH",
            "INSERT",
            "INSERT",
            "SELECT",
            "INSERT",
            "COMMIT",
        ]

    run(postgresql_url, main)


def test_a_transaction_in_which_nothing_happens_sends_nothing(postgresql_url: str) -> None:
    async def main(engine: Engine, sent: list[str]) -> None:
        called = asyncio.Event()
        async with engine.transaction():
            await engine.after_commit(_set(called))
        with pytest.raises(ZeroDivisionError):
            async with engine.transaction():
                raise ZeroDivisionError
        assert await told(sent) == []
        assert called.is_set()

    run(postgresql_url, main)


def _set(event: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        event.set()

    return call


def test_rows_are_forgotten_with_their_transaction(postgresql_url: str) -> None:
    add_purse, _ = inserts()

    async def main(engine: Engine, sent: list[str]) -> None:
        for reads in (False, True):
            with pytest.raises(ZeroDivisionError):
                async with engine.transaction():
                    if reads:
                        await Purse.count()
                    await add_purse(name="red")
                    raise ZeroDivisionError
        assert await Purse.count() == 0

    run(postgresql_url, main)


@pytest.mark.parametrize("reads", [False, True])
def test_a_row_that_cannot_be_leaves_nothing_of_its_transaction(postgresql_url: str, reads: bool) -> None:
    add_purse, add_penny = inserts()

    async def main(engine: Engine, sent: list[str]) -> None:
        called = asyncio.Event()
        await add_purse(name="red")
        with pytest.raises(AlreadyExists):
            async with engine.transaction():
                if reads:
                    await Purse.count()
                await engine.after_commit(_set(called))
                await add_penny(purse="red", year=1901)
                await add_purse(name="red")
        with pytest.raises(DeletedMeanwhile):
            async with engine.transaction():
                await add_purse(name="blue")
                await add_penny(purse="green", year=1901)
        assert not called.is_set()
        assert await Purse.select(Purse.name).output(as_list=True) == ["red"]
        assert await Penny.count() == 0

    run(postgresql_url, main)


def test_on_cockroachdb_each_row_is_a_statement(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rules for statements that write several tables are not PostgreSQL's, and no server is at hand to try them."""
    monkeypatch.setattr(
        SafePostgresEngine,
        "transaction",
        lambda self: SafeCockroachTransaction(self),  # on a server that is at hand
    )
    add_purse, add_penny = inserts()

    async def main(engine: Engine, sent: list[str]) -> None:
        async with engine.transaction():
            await add_purse(name="red")
            await add_penny(purse="red", year=1901)
        assert [sql.split()[0] for sql in await told(sent)] == ["BEGIN", "INSERT", "INSERT", "COMMIT"]

    run(postgresql_url, main)


def test_a_batch_to_delete_is_found_in_the_order_of_the_index_that_its_condition_names(postgresql_url: str) -> None:
    """F-16: else PostgreSQL begins at the start of the table, and reads past all that was deleted before."""

    async def main(engine: Engine, sent: list[str]) -> None:
        await delete_batch(Penny, (Penny.minted_at < 5) & (Penny.year < 1900))
        await delete_batch(Penny, Penny.year < 1900)
        indexed, other = await told(sent)
        assert "ORDER BY" in indexed
        assert "minted_at" in indexed.partition("ORDER BY")[2]
        assert "ORDER BY" not in other

    run(postgresql_url, main)


@pytest.mark.parametrize(("patiently", "generic"), [(True, 0), (False, 3)])
def test_what_the_patient_read_is_planned_for_its_values(postgresql_url: str, patiently: bool, generic: int) -> None:
    """Of a statement that is kept PostgreSQL plans five for their values, and then one for whatever may come."""
    plans = Statement("SELECT sum(generic_plans) AS n FROM pg_prepared_statements WHERE statement LIKE 'SELECT ALL%'")

    async def main(engine: Engine, sent: list[str]) -> None:
        patient.set(patiently)
        await Purse.insert(Purse(name="red"))
        for _ in range(8):
            assert await Purse.select(Purse.name).where(Purse.name.like("%e%")) == [{"name": "red"}]
        row = await plans.first()
        assert row is not None
        assert (row["n"] or 0) == generic

    run(postgresql_url, main)


def test_what_is_looked_up_by_fixed_sql_is_not_prepared_anew_for_the_patient(postgresql_url: str) -> None:
    """An administrator's page asks for keys, too, whose plan is the same for all: each would cost two round trips."""
    looked_up = Statement("SELECT name FROM test_purse WHERE name = {}")
    plans = Statement("SELECT generic_plans + custom_plans AS n FROM pg_prepared_statements WHERE statement = {}")

    async def main(engine: Engine, sent: list[str]) -> None:
        patient.set(True)
        for alone in (True, False):
            async with engine.transaction() if not alone else nullcontext():
                for _ in range(3):
                    assert await looked_up.all("red") == []
        row = await plans.first(looked_up.numbered)
        assert row is not None
        assert row["n"] == 6, "one statement, asked each time"

    run(postgresql_url, main)
