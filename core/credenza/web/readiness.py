"""Whether requests should come here: the database answers and takes writes, is migrated, and our keys open."""

from __future__ import annotations

import asyncio

from ..encryption import Undecryptable
from ..server import AuthorizationServer
from ..store.engine import StoreFull, StoreUnavailable
from ..store.version import read_version, touch_version

PATIENCE = 3.0  # seconds


async def find_trouble(server: AuthorizationServer) -> str:
    """What is in the way, in words for an operator that tell a stranger nothing; empty when all is well."""
    if server.stopping:
        return "stopping"
    if not server.up:
        return "the database does not answer, or its migrations have not run"
    try:
        async with asyncio.timeout(PATIENCE):
            await read_version()
            if server.full:
                await touch_version()
                if not server.engine.has_room():
                    raise StoreFull
                server.full = False
            await server.read_lasting_secret()
            await server.keys()
    except StoreFull:
        return "the database takes no writes: is the disk full?"
    except (StoreUnavailable, TimeoutError):
        return "the database does not answer"
    except Undecryptable:
        return "the signing keys do not open with this secret key"
    return ""
