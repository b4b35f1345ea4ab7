"""Migrations: in order, once, resumable, by one of many processes."""

import asyncio
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from faults.waiting import PATIENCE
from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import AppConfig

from credenza.store.addresses import engine_from_url
from credenza.store.engine import Engine, bind
from credenza.store.migrate import MigrationFailed, lock, locked_row, migrate, pending
from credenza.store.postgresql import SafePostgresEngine

MIGRATION = """
import os, signal
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import ForeignKey, Varchar
from piccolo.table import Table

ID = "{id}"
VERSION = "1.38.0"
DESCRIPTION = ""

async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="{app}", description=DESCRIPTION)
{body}
    return manager
"""

TABLE = """
    manager.add_table(class_name="{name}", tablename="{name}")
    manager.add_column(
        table_class_name="{name}", tablename="{name}", column_name="name", column_class_name="Varchar",
        column_class=Varchar, params={{"length": 100, "default": "", "null": False}},
    )
"""

FAIL = """
    async def fail():
        if not os.environ.get("TEST_MIGRATION_HEALED"):
            raise ZeroDivisionError("not yet")
    async def work():
        await Table.raw("CREATE TABLE half (id INTEGER)")
    manager.add_raw(work)
    manager.add_raw(fail)
"""

DIE = """
    async def work():
        await Table.raw("CREATE TABLE half (id INTEGER)")
        if not os.environ.get("TEST_MIGRATION_HEALED"):
            os.kill(os.getpid(), signal.SIGKILL)
    manager.add_raw(work)
"""

PROCESS = """
import asyncio, sys
from importlib import import_module
from credenza.store.addresses import engine_from_url
from credenza.store.migrate import migrate

async def main(url, *names):
    engine = engine_from_url(url)
    await engine.start()
    try:
        ran = await migrate(engine, [import_module(f"{name}.piccolo_app").APP_CONFIG for name in names])
    finally:
        await engine.stop()
    print("ran", *ran)

sys.path.insert(0, sys.argv[1])
asyncio.run(main(*sys.argv[2:]))
"""


class Apps:
    """Piccolo apps written to a folder, as the core and its plugins would be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, migrations: dict[str, str], needs: tuple[str, ...] = ()) -> AppConfig:
        """`migrations` are the bodies of `forwards()` by ID; every app's first file has the same name."""
        package = self.folder / name
        (package / "migrations").mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        (package / "piccolo_app.py").write_text(
            "from pathlib import Path\nfrom piccolo.conf.apps import AppConfig\n"
            f"APP_CONFIG = AppConfig({name!r}, str(Path(__file__).parent / 'migrations'), "
            f"migration_dependencies={[f'{need}.piccolo_app' for need in needs]!r})\n"
        )
        for number, (identifier, body) in enumerate(migrations.items()):
            text = MIGRATION.format(id=identifier, app=name, body=body)
            (package / "migrations" / f"m{number}.py").write_text(text)
        config = import_module(f"{name}.piccolo_app").APP_CONFIG
        assert isinstance(config, AppConfig)
        return config


@pytest.fixture
def apps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apps:
    folder = tmp_path / "apps"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    for name in ("shelf", "books"):
        monkeypatch.delitem(sys.modules, f"{name}.piccolo_app", raising=False)
        monkeypatch.delitem(sys.modules, name, raising=False)
    return Apps(folder)


async def tables(engine: Engine) -> set[str]:
    source = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if engine.engine_type == "sqlite"
        else "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    )
    bind(engine, ())
    return {row["name"] for row in await Migration.raw(source)}


def test_dependencies_are_migrated_first_and_everything_once(database_url: str, apps: Apps) -> None:
    shelf = apps.write("shelf", {"2026-01": TABLE.format(name="shelf"), "2026-02": TABLE.format(name="label")})
    foreign_key = (
        TABLE.format(name="book")
        + """
    class shelf(Table, tablename="shelf"):
        pass
    manager.add_column(
        table_class_name="book", tablename="book", column_name="shelf", column_class_name="ForeignKey",
        column_class=ForeignKey, params={"references": shelf, "default": None, "null": True},
    )
"""
    )
    books = apps.write("books", {"2025-01": foreign_key}, needs=("shelf",))

    async def main() -> None:
        engine = engine_from_url(database_url)
        await engine.start()
        try:
            expected = ["shelf/2026-01", "shelf/2026-02", "books/2025-01"]
            assert await pending(engine, [books, shelf]) == expected
            assert await migrate(engine, [books, shelf]) == expected
            assert await pending(engine, [books, shelf]) == []
            assert await migrate(engine, [books, shelf]) == []
            assert {"shelf", "label", "book"} <= await tables(engine)
        finally:
            await engine.stop()

    asyncio.run(main())


def test_what_is_new_runs_alone(database_url: str, apps: Apps, capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        engine = engine_from_url(database_url)
        try:
            shelf = apps.write("shelf", {"2026-01": TABLE.format(name="shelf")})
            assert await migrate(engine, [shelf]) == ["shelf/2026-01"]
            shelf = apps.write("shelf", {"2026-01": TABLE.format(name="shelf"), "2026-02": TABLE.format(name="label")})
            assert await pending(engine, [shelf]) == ["shelf/2026-02"]
            assert await migrate(engine, [shelf]) == ["shelf/2026-02"]
        finally:
            await engine.stop()

    asyncio.run(main())
    assert capsys.readouterr().out == "", "Piccolo's printing is silenced"


def test_a_migration_can_ask_for_a_table_as_it_was(database_url: str, apps: Apps) -> None:
    ask = """
    async def work():
        shelf = await manager.get_table_from_snapshot("shelf", "shelf")
        await shelf.insert(shelf(name="first"))
    manager.add_raw(work)
"""
    shelf = apps.write("shelf", {"2026-01": TABLE.format(name="shelf"), "2026-02": ask})

    async def main() -> None:
        engine = engine_from_url(database_url)
        try:
            await migrate(engine, [shelf])
            assert await Migration.raw("SELECT name FROM shelf") == [{"name": "first"}]
        finally:
            await engine.stop()

    asyncio.run(main())


def test_one_that_fails_leaves_nothing_and_can_be_run_again(
    database_url: str, apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = apps.write("shelf", {"2026-01": TABLE.format(name="shelf"), "2026-02": FAIL})

    async def main() -> None:
        engine = engine_from_url(database_url)
        await engine.start()
        try:
            with pytest.raises(MigrationFailed, match="shelf/2026-02 failed: not yet") as caught:
                await migrate(engine, [shelf])
            assert isinstance(caught.value.__cause__, ZeroDivisionError)
            assert "shelf" in await tables(engine)
            assert "half" not in await tables(engine)
            assert await pending(engine, [shelf]) == ["shelf/2026-02"]
            monkeypatch.setenv("TEST_MIGRATION_HEALED", "yes")
            assert await migrate(engine, [shelf]) == ["shelf/2026-02"]
        finally:
            await engine.stop()

    asyncio.run(main())


def test_one_that_cannot_be_recorded_leaves_nothing(database_url: str, apps: Apps) -> None:
    recorded = """
    async def work():
        await Table.raw("CREATE TABLE half (id INTEGER)")
        await Table.raw("INSERT INTO migration (name, app_name) VALUES ({}, 'shelf')", ID)
        await Table.raw("CREATE UNIQUE INDEX once ON migration (name, app_name)")
    manager.add_raw(work)
"""
    shelf = apps.write("shelf", {"2026-01": recorded})

    async def main() -> None:
        engine = engine_from_url(database_url)
        try:
            with pytest.raises(MigrationFailed, match=r"(?i)unique"):
                await migrate(engine, [shelf])
            assert "half" not in await tables(engine)
            assert await pending(engine, [shelf]) == ["shelf/2026-01"]
        finally:
            await engine.stop()

    asyncio.run(main())


def test_one_that_is_killed_leaves_nothing_and_can_be_run_again(
    database_url: str, apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = apps.write("shelf", {"2026-01": TABLE.format(name="shelf"), "2026-02": DIE})
    killed = subprocess.run([sys.executable, "-c", PROCESS, str(apps.folder), database_url, "shelf"], check=False)
    assert killed.returncode == -9

    async def main() -> None:
        engine = engine_from_url(database_url)
        await engine.start()
        try:
            assert "half" not in await tables(engine)
            assert await pending(engine, [shelf]) == ["shelf/2026-02"]
            monkeypatch.setenv("TEST_MIGRATION_HEALED", "yes")
            assert await migrate(engine, [shelf]) == ["shelf/2026-02"]
        finally:
            await engine.stop()

    asyncio.run(main())


def test_of_three_processes_at_once_one_migrates_and_all_succeed(database_url: str, apps: Apps) -> None:
    apps.write("shelf", {f"2026-{number:02}": TABLE.format(name=f"shelf{number}") for number in range(1, 9)})
    apps.write("books", {"2025-01": TABLE.format(name="book")}, needs=("shelf",))
    command = [sys.executable, "-c", PROCESS, str(apps.folder), database_url, "books", "shelf"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(len(output.split()) - 1 for output in outputs) == [0, 0, 9]


def test_waiting_for_another_migration_can_be_cancelled(database_url: str, apps: Apps) -> None:
    wait = """
    import asyncio
    async def work():
        Table.started.set()
        await asyncio.sleep(3600)
    manager.add_raw(work)
"""
    shelf = apps.write("shelf", {"2026-01": wait})
    books = apps.write("books", {"2025-01": TABLE.format(name="book")})

    async def main() -> None:
        from piccolo.table import Table

        engine = engine_from_url(database_url)
        await engine.start()
        Table.started = asyncio.Event()  # type: ignore[attr-defined]
        try:
            holder = asyncio.create_task(migrate(engine, [shelf]))
            await Table.started.wait()  # type: ignore[attr-defined]
            waiting = asyncio.create_task(migrate(engine, [books]))
            done, _ = await asyncio.wait([waiting], timeout=0.3)
            assert not done
            for task in (waiting, holder):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await migrate(engine, [books]) == ["books/2025-01"]
        finally:
            del Table.started  # type: ignore[attr-defined]
            await engine.stop()

    asyncio.run(main())


def test_who_has_nothing_to_do_does_not_wait(database_url: str, apps: Apps) -> None:
    shelf = apps.write("shelf", {"2026-01": TABLE.format(name="shelf")})

    async def main() -> None:
        engine = engine_from_url(database_url)
        await engine.start()
        try:
            await migrate(engine, [shelf])
            async with lock(engine):
                assert await asyncio.wait_for(migrate(engine, [shelf]), PATIENCE) == []
        finally:
            await engine.stop()

    asyncio.run(main())


def test_an_app_that_is_needed_and_missing_is_named(sqlite_url: str, apps: Apps) -> None:
    apps.write("shelf", {"2026-01": TABLE.format(name="shelf")})
    books = apps.write("books", {"2025-01": TABLE.format(name="book")}, needs=("shelf",))

    async def main() -> None:
        engine = engine_from_url(sqlite_url)
        try:
            with pytest.raises(MigrationFailed, match=r"not installed: shelf\."):
                await migrate(engine, [books])
        finally:
            await engine.stop()

    asyncio.run(main())


@pytest.mark.postgresql
def test_the_lock_for_cockroachdb_is_a_row_and_excludes(postgresql_url: str) -> None:
    """PostgreSQL stands in: it understands the same statements."""

    async def main() -> None:
        engine = engine_from_url(postgresql_url)
        assert isinstance(engine, SafePostgresEngine)
        inside = 0

        async def enter() -> None:
            nonlocal inside
            async with locked_row(engine):
                inside += 1
                assert inside == 1
                await asyncio.sleep(0.01)
                inside -= 1

        await asyncio.gather(*(enter() for _ in range(4)))

    asyncio.run(main())
