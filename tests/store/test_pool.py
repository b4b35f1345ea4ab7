"""Pages leave some of a pool's connections to programs, so that a storm of sign-ins keeps no token waiting."""

from __future__ import annotations

import asyncio

import pytest

from credenza.store.engine import DatabaseBusy, urgent
from credenza.store.postgresql import SafePostgresEngine


@pytest.mark.postgresql
def test_pages_cannot_take_the_last_connections(postgresql_url: str) -> None:
    async def main() -> None:
        engine = SafePostgresEngine(postgresql_url, pool_size=7, deadline=0.5)
        await engine.start()
        try:
            async with engine.connection(), engine.connection():
                with pytest.raises(DatabaseBusy):
                    async with engine.connection():
                        pass
                urgent.set(True)
                async with engine.connection(), engine.connection(), engine.connection():
                    pass
                urgent.set(False)
            async with engine.connection(), engine.connection():
                pass  # what was given back, or never had, can be taken
        finally:
            await engine.stop()

    asyncio.run(main())
