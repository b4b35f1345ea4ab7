"""What has expired is deleted in small batches, so that tables stay bounded and no lock lasts."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager

from .hookspecs import Cleaner
from .plugins import of_kind
from .repeating import repeated
from .server import AuthorizationServer
from .store.audit import clean_up_events
from .store.device_authorizations import clean_up_device_authorizations
from .store.engine import StoreUnavailable, patient
from .store.expired import clean_up
from .store.failed_sign_ins import clean_up_failed_sign_ins
from .store.logout import clean_up_deliveries
from .store.sessions import clean_up_sessions

logger = logging.getLogger("credenza")
EVERY = 60.0  # seconds
BATCH, PAUSE = 100, 0.05  # rows of each kind of token, and seconds: nobody waits for more than a few milliseconds of it


def keep_clean(server: AuthorizationServer) -> AbstractAsyncContextManager[None]:
    return repeated(server, _clean_up_all, every=EVERY, name="cleaning")


async def _clean_up_all(server: AuthorizationServer) -> None:
    patient.set(True)  # nobody waits
    while await _clean_up(server):
        await asyncio.sleep(PAUSE)


async def _clean_up(server: AuthorizationServer) -> bool:
    """One batch of everything; whether there may be more."""
    now = server.now()
    deleted = await clean_up(now, grant_lifetime=server.settings.refresh_token_lifetime, batch=BATCH)
    deleted += await clean_up_sessions(now) + await clean_up_failed_sign_ins(now)
    deleted += await clean_up_device_authorizations(now) + await clean_up_deliveries(now)
    if server.settings.audit_retention_days:
        deleted += await clean_up_events(now - server.settings.audit_retention_days * 24 * 3600)
    for plugin, cleaner in server.cleaners:
        deleted += await _ask(plugin, cleaner, now)
    return deleted > 0


async def _ask(plugin: str, cleaner: Cleaner, now: int) -> int:
    try:
        return of_kind(await cleaner(now), int)
    except StoreUnavailable:
        raise
    except Exception:
        logger.exception("a cleaner of plugin %r failed", plugin)
        return 0
