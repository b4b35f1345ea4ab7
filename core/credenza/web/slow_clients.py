"""HTTP for clients of which some are slow on purpose: a head must come and an answer be read, or the connection ends.

uvicorn limits how long it waits between two requests, and neither how long the head of one may take nor its answer.
And it closes, when it ends, connections on which a request may be on its way.
"""

from __future__ import annotations

import asyncio

from .http import HttpProtocol

HEAD = 15.0  # seconds from the first byte (or the connection) to the end of the head
LINGER = 5.0  # seconds from an early answer to the end of the body that nobody reads any more
STALL = 30.0  # seconds in which something of what waits for the client must be read
LAST = 1.0  # seconds that a connection has for a last request when the server ends


class PatientProtocol(HttpProtocol):
    """One timer for each connection that is in the middle of a head; whoever sends it at once never has one."""

    _timer: asyncio.TimerHandle | None = None
    _lingering: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _leaving: asyncio.TimerHandle | None = None
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_lingering()
        self._stop_stalled()
        self._stop_leaving()
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

    def pause_writing(self) -> None:
        """More waits for the client than fits on the way to it; also of a connection that would close after that."""
        super().pause_writing()
        self._watch_reading()

    def resume_writing(self) -> None:
        self._stop_stalled()
        super().resume_writing()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
        if self._leaving is not None:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """What is on its way by now nobody else would answer, and a proxy sends a POST only once: it is the last one.

        RFC 9112 §9.5.
        """
        if not self._is_idle():
            super().shutdown()
        elif self._leaving is None:
            self._leaving = self.loop.call_later(LAST, self._leave)

    def _leave(self) -> None:
        if self._is_idle():
            self._give_up()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

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

    def _stop_leaving(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def _watch_reading(self) -> None:
        self._stop_stalled()
        waiting = self.transport.get_write_buffer_size()
        self._stalled = self.loop.call_later(STALL, self._expect_less_than, waiting)

    def _expect_less_than(self, waiting: int) -> None:
        if self.transport.get_write_buffer_size() < waiting:
            self._watch_reading()
        else:
            self.transport.abort()

    def _stop_stalled(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
