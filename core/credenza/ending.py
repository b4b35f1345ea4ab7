"""Marks the grants that ended with very many others; see `store/endings.py`."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from .repeating import repeated
from .server import AuthorizationServer
from .store.endings import claim_ending, mark_ended
from .store.engine import patient

EVERY = 30.0  # seconds; what ended is refused meanwhile


def keep_marking(server: AuthorizationServer) -> AbstractAsyncContextManager[None]:
    return repeated(server, mark_all, every=EVERY, name="marking of ended grants")


async def mark_all(server: AuthorizationServer) -> None:
    patient.set(True)  # nobody waits
    while ending := await claim_ending(server.now()):
        await mark_ended(ending, server.now)
