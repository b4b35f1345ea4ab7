"""`credenza check`: what an operator should know before users do.

A problem is exit 1, which keeps a unit from starting. A warning is what a server serves with all the same. A note is
for people, on a terminal.
"""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import entry_points
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ..encryption import Undecryptable
from ..plugins import load_plugins, with_own_settings
from ..server import AuthorizationServer, engine_of
from ..settings import GROUP, Settings, config_of
from ..store import users
from ..store.migrate import newer
from ..store.version import touch_version
from ..web.limits import Limiter
from ..web.rules import Rule
from .opening import (
    DATABASE_ERRORS,
    Subparsers,
    database_trouble,
    lost_sources,
    lost_types,
    opened,
    run,
    settings_of,
    what_is_missing,
)
from .output import print_json, print_line

HERE = (None, "", "localhost", "127.0.0.1", "::1")
MOST_NAMES = 20
FEW_CHARACTERS = 10  # in a key of 32 or more that was made at random there are more different ones


def add_check(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "check", help="exit with 1 on unsafe settings, an unreachable database or pending migrations"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=check)


def check(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    engine_of(settings)  # an address that names no database is wrong usage of the settings, like any other value
    problems = [*unsafe_settings(settings), *open_files(settings, config_of(arguments.config))]
    in_database, warnings = run(lambda: look_into_database(settings))
    problems += in_database + run(lambda: cache_problems(settings))
    if sys.stderr.isatty():  # a script wants the problems only
        for note in notes(settings):
            sys.stderr.write(f"note: {note}\n")
    if arguments.json:
        print_json({"problems": problems, "warnings": warnings})
    for line in [*(f"warning: {warning}" for warning in warnings), *problems]:
        sys.stderr.write(f"credenza: {line}\n")
    if not problems and not arguments.json:
        print_line("It can serve; mind the warnings." if warnings else "Everything looks right.")
    return 1 if problems else 0


def unsafe_settings(settings: Settings) -> Iterator[str]:
    if not settings.rate_limit:
        yield "rate_limit is off: only for benchmarks and test runs"
    if settings.argon2_memory_kib < 7168 or (settings.argon2_memory_kib < 19_456 and settings.argon2_time_cost < 3):
        yield "argon2: less than 19 MiB with two passes can be guessed too fast"
    if settings.outbound_allow and settings.secure:
        yield f"outbound_allow: private addresses can be reached: {', '.join(settings.outbound_allow)}"
    if settings.secret_key and len(set(settings.secret_key)) < FEW_CHARACTERS:
        yield "secret_key: not made at random; take one from `openssl rand -hex 32`"
    for proxy in settings.trusted_proxies:
        if ip_network(proxy, strict=False).prefixlen == 0:
            yield f"trusted_proxies: {proxy} is everybody, who may then name any address as theirs"
    installed = {"defaults", Path(settings.plugins_path).stem, *(entry.name for entry in entry_points(group=GROUP))}
    for name in settings.plugins_disabled:
        if name not in installed:
            yield f"plugins_disabled: no plugin is called {name!r}, so nothing stays out; see `credenza plugins`"
    if settings.secure and os.environ.get("CREDENZA_TRACE_PLUGINS") == "1":
        yield "CREDENZA_TRACE_PLUGINS is set: for debugging, it writes what plugins are given"


def notes(settings: Settings) -> Iterator[str]:
    if not settings.secure:
        yield f"the issuer {settings.issuer} is http: for development on this machine only"
    if settings.former_secret_keys:
        yield "former_secret_keys: after `credenza reseal` they are not needed any more"
    if settings.registration == "open":
        yield "registration is open: anybody may register an application, with no permission but openid"
    database, mail = urlsplit(settings.database_url), urlsplit(settings.smtp_url)
    if database.hostname not in HERE and "sslmode" not in parse_qs(database.query):
        yield "database_url: without sslmode=verify-full the database's certificate is not checked"
    if mail.scheme == "smtp" and mail.hostname not in HERE:
        yield "smtp_url: with smtp:// whoever is on the way can read the links that are mailed; take smtps://"


def open_files(settings: Settings, config: Path | None) -> Iterator[str]:
    """What others on this machine could read or change."""
    path = settings.sqlite_path
    files = [path.with_name(path.name + end) for end in ("", ".key", "-wal", ".migrating")] if path is not None else []
    for file in files:
        if file.exists() and file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            yield f"{file} can be read by others; chmod 600 it"
    if config is not None and config.exists():
        mode, text = config.stat().st_mode, config.read_text()
        if mode & stat.S_IWOTH:
            yield f"{config} can be changed by others; chmod 600 it"
        elif mode & stat.S_IROTH and (has_password(text) or any(value in text for value in secrets_of(settings))):
            yield f"{config} holds secrets and can be read by others; chmod 600 it"


def secrets_of(settings: Settings) -> list[str]:
    """Ours and those of plugins, which are known once these are loaded."""
    plugins = load_plugins(disabled=settings.plugins_disabled, path=settings.plugins_path)
    theirs = (
        getattr(own, f.name)
        for own in with_own_settings(settings, plugins).own.values()
        for f in fields(own)
        if not f.repr
    )
    return [
        value
        for value in (
            settings.secret_key,
            *settings.former_secret_keys,
            settings.metrics_token,
            settings.registration_token,
            *(text for value in theirs for text in (value if isinstance(value, tuple) else [value])),
        )
        if value and isinstance(value, str)
    ]


def has_password(text: str) -> bool:
    """Whether an address of a database or a cache in it has one."""
    addresses = (line.partition("=")[2].strip(" \t\"'") for line in text.splitlines() if "://" in line)
    return any("@" in a and ":" in urlsplit(a).netloc.rpartition("@")[0] for a in addresses)


async def look_into_database(settings: Settings) -> tuple[list[str], list[str]]:
    """Problems, and what is no reason to keep everybody out."""
    if missing := what_is_missing(settings):
        return [missing], []
    try:
        async with opened(settings, migrated=False) as (server, _):
            waiting = await server.pending_migrations()
            if waiting:
                return [f"migrations have not run, beginning with {waiting[0]}; run `credenza migrate`"], []
            await server.check_secret_key()
            warnings = [*await lost_types(server), *await lost_sources(server), *await from_a_newer_release(server)]
            return await why_it_cannot_be_written(), [*warnings, *await names_in_another_form()]
    except DATABASE_ERRORS as error:
        return [f"the database does not answer: {database_trouble(error)}"], []
    except Undecryptable as error:
        return [f"secret_key: {error}"], []


async def from_a_newer_release(server: AuthorizationServer) -> list[str]:
    """Two neighbouring releases may serve from one database; an older one may lack what it needs by now."""
    unknown = await newer(server.engine, server.table_apps)
    return [f"the database was migrated by a newer release, which has {', '.join(unknown)}"] if unknown else []


async def names_in_another_form() -> list[str]:
    """As ASCII, since they look the same."""
    return [
        f"the user name {user.username!a} of {user.id} is not in Unicode's form C"
        + (f", in which {other.id} has it" if other is not None else "")
        + "; its owner signs in by typing it exactly so, or with the email address"
        for user, other in await users.list_other_forms(MOST_NAMES)
    ]


async def why_it_cannot_be_written() -> list[str]:
    """A user that may only read, a replica, a full disk."""
    try:
        await touch_version()
    except DATABASE_ERRORS as error:
        return [f"the database can be read and not written to: {database_trouble(error)}"]
    return []


async def cache_problems(settings: Settings) -> list[str]:
    limiter = Limiter(cache_url=settings.cache_url)
    try:
        if limiter.shared is not None:
            await limiter.shared.ask("blocked", [(Rule("credenza check", burst=1, seconds=1), "")])
            if not limiter.shared.answers:
                return ["the cache does not answer; limits would be counted in each worker alone"]
    finally:
        await limiter.close()
    return []
