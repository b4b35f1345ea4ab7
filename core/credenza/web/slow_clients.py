"""HTTP for clients of which some are slow on purpose: a head must be complete in time, or the connection ends.

uvicorn limits how long it waits between two requests, and not how long the head of one may take.
"""

from __future__ import annotations

import asyncio

from .http import HttpProtocol

HEAD = 15.0  # seconds from the first byte (or the connection) to the end of the head
LINGER = 5.0  # seconds from an early answer to the end of the body that nobody reads any more


class PatientProtocol(HttpProtocol):
    """One timer for each connection that is in the middle of a head; whoever sends it at once never has one."""

    _timer: asyncio.TimerHandle | None = None
    _lingering: asyncio.TimerHandle | None = None
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_lingering()
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
        self._stop_lingering()
        super().on_message_begin()

    def on_response_complete(self) -> None:
        """After an answer that came before the end of the body: whoever still sends may read it, and is cut then."""
        super().on_response_complete()
        if self.cycle.more_body and self._lingering is None and not self.transport.is_closing():
            self._lingering = self.loop.call_later(LINGER, self._give_up)

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

    def _stop_lingering(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
