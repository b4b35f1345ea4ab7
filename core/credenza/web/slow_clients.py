"""HTTP for clients of which some are slow on purpose: a head must be complete in time, or the connection ends.

uvicorn limits how long it waits between two requests, and not how long the head of one may take.
"""

from __future__ import annotations

import asyncio

from .http import HttpProtocol

HEAD = 15.0  # seconds from the first byte (or the connection) to the end of the head


class PatientProtocol(HttpProtocol):
    """One timer for each connection that is in the middle of a head; whoever sends it at once never has one."""

    _timer: asyncio.TimerHandle | None = None
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head:
            if self._timer is not None:
                self._stop_timer()
        elif self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(HEAD, self._give_up)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
