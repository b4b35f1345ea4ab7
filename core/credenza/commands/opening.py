"""A server for the length of one command, and in one line why there is none."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import asyncpg  # type: ignore[import-untyped]  # asyncpg has no types

from ..app import create_server
from ..server import AuthorizationServer, engine_of
from ..settings import Settings, load_settings
from ..store.clients import list_client_types, list_permission_sources
from ..store.engine import AlreadyExists, StoreUnavailable
from ..store.postgresql import ERRORS
from ..store.sqlite import SafeSQLiteEngine
from ..web.passwords import Passwords

Result = TypeVar("Result")
Subparsers: TypeAlias = "argparse._SubParsersAction[Any]"  # what a subcommand is added to
# What a database says that is not there, not ours, or no database at all.
DATABASE_ERRORS = (StoreUnavailable, AlreadyExists, sqlite3.Error, *ERRORS)
WRONG_ADDRESS = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.ClientConfigurationError)  # or a wrong user


def database_trouble(error: Exception) -> str:
    """What a database said, in one line, and what to do next where that is known."""
    said = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"{said}; create it, or correct database_url"
    if isinstance(error, WRONG_ADDRESS):
        return f"{said}; correct database_url"
    if isinstance(error, StoreUnavailable) and said.startswith("SQLite"):
        return f"{said}; may this user write to the file and its folder, and is there room on the disk?"
    if type(error) is StoreUnavailable:
        return f"{said}; is it running, and is database_url right?"
    return said if isinstance(error, StoreUnavailable) else f"{type(error).__name__}: {said}"


class Refusal(Exception):
    """One line that says why."""


def settings_of(arguments: argparse.Namespace, **overrides: Any) -> Settings:
    return load_settings(arguments.config, **overrides)


def what_is_missing(settings: Settings) -> str:
    """A sentence about a file of SQLite's that is not there, which looking for it would make; else empty."""
    engine = engine_of(settings)
    if not isinstance(engine, SafeSQLiteEngine) or Path(engine.path).exists():
        return ""
    return f"{Path(engine.path).resolve()}: there is no database yet; run `credenza migrate`, or correct database_url"


@asynccontextmanager
async def opened(
    settings: Settings, *, migrated: bool = True, there: bool = True
) -> AsyncIterator[tuple[AuthorizationServer, Passwords]]:
    """A server with its database open; refuses when there is none or migrations wait, unless told that it may be so."""
    if migrated and there and (missing := what_is_missing(settings)):
        raise Refusal(missing)
    server, passwords, _ = create_server(settings)
    await server.start()
    try:
        if migrated:
            if server.settings.sqlite_path is not None:
                await server.migrate()  # an embedded database belongs to nobody else
            elif waiting := await server.pending_migrations():
                raise Refusal(f"migrations have not run, beginning with {waiting[0]}; run `credenza migrate` first")
            await server.read_lasting_secret()
        yield server, passwords
    finally:
        await server.stop()


async def lost_types(server: AuthorizationServer) -> list[str]:
    """A sentence for each type of applications that no plugin brings any more: nobody can use those."""
    return [
        f"applications of the type {kind!r} are refused, because no plugin brings it; install that again"
        for kind in await list_client_types()
        if kind not in server.client_types
    ]


async def lost_sources(server: AuthorizationServer) -> list[str]:
    """A sentence for each source of permissions that no plugin brings any more: nobody is granted those."""
    return [
        f"permissions of the source {source!r} are granted to nobody, because no plugin brings it; install that again"
        for source in await list_permission_sources()
        if source not in server.scope_providers
    ]


def run(function: Callable[[], Awaitable[Result]]) -> Result:
    async def call() -> Result:
        return await function()

    return asyncio.run(call())
