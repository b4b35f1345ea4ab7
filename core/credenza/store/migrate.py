"""Migrations: every app's files, in order, each with its row in one transaction, by one process at a time."""

import asyncio
import fcntl
import os
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, redirect_stdout
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.util import module_from_spec, spec_from_file_location
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # asyncpg has no types
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import ENVIRONMENT_VARIABLE as PICCOLO_CONF
from piccolo.conf.apps import AppConfig

from .. import piccolo_conf
from .engine import Engine, StoreUnavailable, bind
from .postgresql import SafeCockroachEngine, SafePostgresEngine, explained
from .sqlite import SafeSQLiteEngine

ADVISORY_LOCK = 0x63726564656E7A61  # "credenza"
IN_THE_WAY = (
    asyncpg.LockNotAvailableError,
    asyncpg.SerializationError,
    # CREATE TABLE IF NOT EXISTS by several at once:
    asyncpg.DuplicateTableError,
    asyncpg.DuplicateObjectError,
    asyncpg.UniqueViolationError,
)


class MigrationFailed(Exception):
    """A migration did not run; those before it did, and running again goes on from there."""


async def migrate(
    engine: Engine, app_configs: Sequence[AppConfig], tell: Callable[[str], None] = lambda line: None
) -> list[str]:
    """Run what has not run yet and return it as `app/id`; safe from several machines at once.

    A large table may take minutes, so `tell` is called with a line about each one before it begins. Raises
    MigrationFailed.
    """
    bind(engine, [table for app_config in app_configs for table in app_config.table_classes])
    if not await _pending(app_configs):  # as at nearly every start: nobody else has to wait
        return []
    done = []
    os.environ[PICCOLO_CONF] = piccolo_conf.__name__
    with piccolo_conf.answering(engine, app_configs), redirect_stdout(StringIO()):
        async with lock(engine):
            if not await Migration.table_exists():  # a role that may only serve may not even ask
                await Migration.create_table(if_not_exists=True)
            waiting = await _pending(app_configs)
            for number, (app_config, migration) in enumerate(waiting, 1):
                name = f"{app_config.app_name}/{migration.ID}"
                tell(f"migration {number} of {len(waiting)}, {name}: {getattr(migration, 'DESCRIPTION', '')}")
                try:
                    await run(engine, app_config.app_name, migration)
                except StoreUnavailable:
                    raise
                except Exception as error:
                    raise MigrationFailed(f"The migration {name} failed: {error}") from error
                done.append(name)
    return done


async def pending(engine: Engine, app_configs: Sequence[AppConfig]) -> list[str]:
    """What `migrate` would run, as `app/id`."""
    bind(engine, ())
    return [f"{app_config.app_name}/{migration.ID}" for app_config, migration in await _pending(app_configs)]


async def newer(engine: Engine, app_configs: Sequence[AppConfig]) -> list[str]:
    """What a newer release of these apps has run here, as `app/id`."""
    bind(engine, ())
    ours = {app.app_name: {migration.ID for migration in migrations_of(app)} for app in app_configs}
    return sorted(f"{app}/{name}" for app, name in await _ran() if app in ours and name not in ours[app])


async def _ran() -> set[tuple[str, str]]:
    if not await Migration.table_exists():
        return set()
    rows = await Migration.select(Migration.app_name, Migration.name)
    return {(row["app_name"], row["name"]) for row in rows}


async def _pending(app_configs: Sequence[AppConfig]) -> list[tuple[AppConfig, ModuleType]]:
    ran = await _ran()
    return [
        (app_config, migration)
        for app_config in in_order(app_configs)
        for migration in migrations_of(app_config)
        if (app_config.app_name, migration.ID) not in ran
    ]


def in_order(app_configs: Sequence[AppConfig]) -> list[AppConfig]:
    """Dependencies first, and otherwise as given."""
    named = {app_config.app_name: app_config for app_config in app_configs}
    needs = {
        name: [needed.app_name for needed in app_config.migration_dependency_app_configs]
        for name, app_config in named.items()
    }
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise MigrationFailed(f"These apps depend on each other: {', '.join(error.args[1])}.") from error
    if missing := set(order) - set(named):
        raise MigrationFailed(f"These apps are needed by others and not installed: {', '.join(sorted(missing))}.")
    return [named[name] for name in order]


def migrations_of(app_config: AppConfig) -> list[ModuleType]:
    """The app's migration files by ID.

    Piccolo imports them by bare file name; two plugins' files of one name would be one module.
    """
    paths = Path(app_config.migrations_folder_path).glob("*.py")
    modules = [_module(app_config.app_name, path, path.stat().st_mtime_ns) for path in paths]
    return sorted((module for module in modules if hasattr(module, "ID")), key=lambda module: str(module.ID))


@cache
def _module(app_name: str, path: Path, _changed_at: int) -> ModuleType:
    """Once for all servers of a process: a start looks at them several times."""
    spec = spec_from_file_location(f"_migrations_{app_name}.{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def run(engine: Engine, app_name: str, migration: ModuleType) -> None:
    """Run one migration and record it; killed anywhere, either both are done or neither is."""
    manager = await migration.forwards()
    if not isinstance(manager, MigrationManager):
        raise TypeError("forwards() must return a MigrationManager; its work would not be undone on failure.")
    # CockroachDB alters columns outside of transactions only, and a migration may ask for none.
    one = manager.wrap_in_transaction and not isinstance(engine, SafeCockroachEngine)
    async with engine.transaction() if one else nullcontext():
        if not manager.fake:
            await manager.run()
        await Migration.insert(Migration(name=migration.ID, app_name=app_name))


def lock(engine: Engine) -> AbstractAsyncContextManager[None]:
    """Keep every other process and machine from migrating the same database; the lock dies with its holder."""
    match engine:
        case SafeSQLiteEngine():
            return locked_file(Path(f"{engine.path}.migrating"))
        case SafeCockroachEngine():
            return locked_row(engine)
        case SafePostgresEngine():
            return advisory_lock(engine)
    raise TypeError(f"There is no migration lock for a {type(engine).__name__}.")


@asynccontextmanager
async def locked_file(path: Path) -> AsyncIterator[None]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await pause()
        yield


@asynccontextmanager
async def advisory_lock(engine: SafePostgresEngine) -> AsyncIterator[None]:
    async with own_connection(engine) as connection:
        # A waiting pg_advisory_lock() could not be cancelled without a second connection.
        with explained(connection):
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", ADVISORY_LOCK):
                await pause()
        yield


@asynccontextmanager
async def locked_row(engine: SafePostgresEngine) -> AsyncIterator[None]:
    """CockroachDB has no advisory locks."""
    async with own_connection(engine) as connection:
        with explained(connection):
            while not await take_row(connection):
                await pause()
        yield


async def take_row(connection: Any) -> bool:
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS credenza_migration_lock (id INT PRIMARY KEY)")
        await connection.execute("INSERT INTO credenza_migration_lock (id) VALUES (1) ON CONFLICT DO NOTHING")
        await connection.execute("BEGIN")
        await connection.execute("SELECT id FROM credenza_migration_lock WHERE id = 1 FOR UPDATE NOWAIT")
    except IN_THE_WAY:
        await connection.execute("ROLLBACK")
        return False
    return True


@asynccontextmanager
async def own_connection(engine: SafePostgresEngine) -> AsyncIterator[Any]:
    with explained():
        connection = await engine.get_new_connection()
    try:
        yield connection
    finally:
        connection.terminate()  # cannot wait, so cannot be cancelled; the server lets the locks go


async def pause() -> None:
    await asyncio.sleep(random.uniform(0.05, 0.15))  # noqa: S311  # jitter is no secret
