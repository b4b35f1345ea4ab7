"""HTTP as uvicorn speaks it, but for limits, what follows a body, and that nobody changes to another protocol.

uvicorn keeps as many headers as somebody sends, of whatever length, and as many requests as come before the first one
is answered. RFC 9110 §5.4: "A server that receives a request header field line, field value, or set of fields larger
than it wishes to process MUST respond with an appropriate 4xx".
"""

from __future__ import annotations

import asyncio
import re

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..logs import NO_HTTP

MOST_FIELDS = 128
LARGEST_FIELDS = 32 * 1024  # bytes of all names and values
MOST_AHEAD = 100  # requests that wait until an earlier one is answered
LARGEST_HEAD = 160 * 1024  # bytes that come and are no part of a body: the address of a request may have 64 KiB

HOST = re.compile(rb"[0-9A-Za-z!$&'()*+,;=\-._~:\[\]@%]*")  # RFC 3986 §3.2.2, and a port


class TooLarge(Exception):
    """More than anybody honest sends; the parser stops."""


class NotOneHost(Exception):
    """Somebody in between may have read the other one, or one of their own. RFC 9112 §3.2."""


class OneWrite:
    """A transport on which the head of an answer waits for what follows in the same turn of the event loop.

    uvicorn writes the head and the body one after the other, and each would be a system call and a segment of its own.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._held = b""
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held + data)
        elif data:
            self._held = data
            self._call_soon(self._flush)

    def _flush(self) -> None:
        if self._held and not self.is_closing():
            held, self._held = self._held, b""
            self._transport.write(held)

    def get_write_buffer_size(self) -> int:
        return len(self._held) + self._transport.get_write_buffer_size()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._held = b""
        self._transport.abort()


class HttpProtocol(HttpToolsProtocol):
    """Whoever offers another protocol, as Java's own client does with every request, is answered in this one.

    uvicorn's parser takes the body after such an offer for the next request.
    "A server MAY ignore a received Upgrade header field." RFC 9110 §7.8.
    """

    _unused = 0  # bytes since something was made of those that came

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        super().connection_made(OneWrite(transport, self.loop))  # type: ignore[arg-type]  # all that uvicorn uses

    def eof_received(self) -> None:
        """Whoever sends nothing any more may read on, and asyncio closes after this: what is held goes out before."""
        self.transport.write(b"")

    def data_received(self, data: bytes) -> None:
        self._unused += len(data)
        self._unset_keepalive_if_required()
        rest = memoryview(data)
        try:
            while rest:
                try:
                    self.parser.feed_data(rest)
                    break
                except httptools.HttpParserUpgrade as offer:
                    rest, head = rest[offer.args[0] :], self._without_offer()
                    self.parser = httptools.HttpRequestParser(self)  # the other one may have seen its last request
                    self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
                    self.parser.feed_data(head)
        except httptools.HttpParserError:
            self.logger.warning(NO_HTTP)
            if self._owes_an_answer():
                self.transport.abort()
            else:
                self.send_400_response(NO_HTTP)
        if self._unused > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.abort()  # a line without an end, or what may follow a body

    def _owes_an_answer(self) -> bool:
        """Whether the next answer would be taken for that to an earlier request. RFC 9112 §9.3.2."""
        cycle = self.cycle
        return bool(self.pipeline) or not (cycle is None or cycle.response_complete or cycle.more_body)

    def _should_upgrade(self) -> bool:
        return True  # uvicorn makes nothing of it then

    def _without_offer(self) -> bytes:
        """The head that was read last. Raises HttpParserError when it wants a tunnel, which takes no header field.

        RFC 9110 §9.3.6.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            raise httptools.HttpParserInvalidMethodError("no proxy")
        line = b"%s %s HTTP/%s" % (method, self.url, version.encode())
        fields = (b"%s: %s" % field for field in self.scope["headers"] if field[0] != b"upgrade")
        return b"\r\n".join((line, *fields, b"\r\n"))

    def on_headers_complete(self) -> None:
        """A recipient "MUST NOT merge a trailer field into the header section": what comes after the body is forgotten,
        since no proxy looked at it. RFC 9110 §6.5.1.
        """
        # What came is at least what the fields have, so those of most requests need not be measured.
        if len(self.headers) > MOST_FIELDS or (self._unused > LARGEST_FIELDS and self._size() > LARGEST_FIELDS):
            raise TooLarge
        if len(self.pipeline) == MOST_AHEAD:
            raise TooLarge
        hosts = [value for name, value in self.headers if name == b"host"]
        if not (len(hosts) == 1 and HOST.fullmatch(hosts[0])) and (hosts or self.parser.get_http_version() == "1.1"):
            raise NotOneHost
        self._unused = 0
        super().on_headers_complete()
        self.headers = []

    def _size(self) -> int:
        return sum(len(name) + len(value) for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        self._unused = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unused = 0
        super().on_message_complete()
