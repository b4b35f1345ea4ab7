"""The engine that DATABASE_URL names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from .engine import POOL_SIZE, Engine
from .postgresql import SafeCockroachEngine, SafePostgresEngine
from .sqlite import SafeSQLiteEngine


def engine_from_url(url: str) -> Engine:
    """Make the engine for `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://…` or `cockroachdb://…`.

    `?pool=20` bounds the connections of one process to PostgreSQL. Raises ValueError; never connects.
    """
    parts = urlsplit(url)
    match parts.scheme:
        case "sqlite":
            path = unquote(parts.path.removeprefix("/"))
            if parts.netloc or parts.query or path == ":memory:" or not Path(path).name or Path(path).is_dir():
                raise ValueError("A SQLite address names a file: sqlite:///relative.db or sqlite:////absolute.db.")
            return SafeSQLiteEngine(path)
        case "postgresql" | "postgres" | "cockroachdb":
            for server in parts.netloc.rpartition("@")[2].split(","):
                _ = urlsplit(f"//{server}").port  # raises ValueError for one that cannot be
            options = dict(parse_qsl(parts.query, keep_blank_values=True))
            pool = options.pop("pool", str(POOL_SIZE))
            if not pool.isdecimal() or int(pool) < 1:
                raise ValueError("The pool option of the database address is a number of connections, at least 1.")
            dsn = f"postgresql://{parts.netloc}{parts.path}?{urlencode(options)}".removesuffix("?")
            if parts.scheme == "cockroachdb":
                return SafeCockroachEngine(dsn, pool_size=int(pool))
            return SafePostgresEngine(dsn, pool_size=int(pool))
    raise ValueError("A database address begins with sqlite:///, postgresql:// or cockroachdb://.")
