"""Clients' JWKS documents, fetched when needed and kept for a while. RFC 7517."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from .outbound import Crowd, Refused, fetch
from .protocol import jose
from .protocol.redirect_uris import place_of
from .settings import Settings

FRESH = 300  # seconds
REFETCH = 30  # seconds between two looks for a kid we do not know
MOST = 1000  # addresses that are remembered: clients that register themselves name as many as they like


class RemoteKeys:
    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._now = now
        self._kept: dict[str, tuple[float, list[jose.VerificationKey]]] = {}
        self._failed: dict[str, tuple[float, Refused]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.crowd = Crowd()

    async def get(self, uri: str, kid: str | None) -> list[jose.VerificationKey]:
        """The keys at an address; a `kid` nobody knows makes us look again, but not all the time.

        Raises Refused, and TemporarilyUnavailable when too many wait.
        """
        fetched_at, known = self._kept.get(uri, (0, []))
        age = abs(self._now() - fetched_at)  # a clock that was set back makes nothing young
        if known and age < FRESH and (kid is None or any(key.kid == kid for key in known) or age < REFETCH):
            return known
        with self.crowd.place():
            return await self._look_again(uri, fetched_at)

    async def _look_again(self, uri: str, fetched_at: float) -> list[jose.VerificationKey]:
        async with self._locks.setdefault(uri, asyncio.Lock()):
            again_at, again = self._kept.get(uri, (0, []))
            if again_at != fetched_at:
                return again
            failed_at, refusal = self._failed.get(uri, (0, None))
            if refusal is not None and abs(self._now() - failed_at) < REFETCH:
                raise Refused(str(refusal))  # whoever waits in line behind a dead address is not made to wait again
            try:
                keys = await self._fetch(uri)
            except Refused as error:
                self._make_room(self._failed)
                self._failed[uri] = (self._now(), error)
                raise
            self._make_room(self._kept)
            self._kept[uri] = (self._now(), keys)
            return keys

    def _make_room(self, remembered: dict[str, Any]) -> None:
        if len(remembered) >= MOST:
            remembered.clear()
        if len(self._locks) > MOST:
            self._locks = {uri: lock for uri, lock in self._locks.items() if lock.locked()}

    async def _fetch(self, uri: str) -> list[jose.VerificationKey]:
        status, _, body = await fetch(self._settings, uri)
        if status != 200:
            raise Refused(f"{place_of(uri)} answered {status}")
        if not (keys := _parse(body, uri)):
            raise Refused(f"{place_of(uri)} has no key that could be used")
        return keys


def _parse(body: bytes, uri: str) -> list[jose.VerificationKey]:
    try:
        document: Any = json.loads(body)
        return jose.parse_jwks(document)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{place_of(uri)}: {error}") from error
