"""HTTP as uvicorn speaks it, but for two things: a head has a limit, and the offer of HTTP/2 without TLS costs nothing.

uvicorn keeps as many headers as somebody sends, of whatever length. RFC 9110 §5.4: "A server that receives a request
header field line, field value, or set of fields larger than it wishes to process MUST respond with an appropriate 4xx".
"""

from __future__ import annotations

import re

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

H2C = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)
MOST_FIELDS = 128
LARGEST_FIELDS = 32 * 1024  # bytes of all names and values
LARGEST_HEAD = 160 * 1024  # bytes that come and are no part of a body: the address of a request may have 64 KiB


class TooLarge(Exception):
    """More than anybody honest sends; the parser stops, and answers 400."""


class HttpProtocol(HttpToolsProtocol):
    """Java's own client makes the offer with every request, and uvicorn's parser then drops the body.

    "A server MAY ignore a received Upgrade header field." RFC 9110 §7.8.
    """

    _unused = 0  # bytes since something was made of those that came

    def data_received(self, data: bytes) -> None:
        self._unused += len(data)
        if b"h2c" in data and (self.cycle is None or self.cycle.response_complete):  # a request begins
            head, end, body = data.partition(b"\r\n\r\n")
            data = H2C.sub(b"", head + end[:2], count=1) + end[2:] + body if end else data
        super().data_received(data)
        if self._unused > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.abort()  # a line without an end, or what may follow a body

    def on_headers_complete(self) -> None:
        # What came is at least what the fields have, so those of most requests need not be measured.
        if len(self.headers) > MOST_FIELDS or (self._unused > LARGEST_FIELDS and self._size() > LARGEST_FIELDS):
            raise TooLarge
        self._unused = 0
        super().on_headers_complete()

    def _size(self) -> int:
        return sum(len(name) + len(value) for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        self._unused = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unused = 0
        super().on_message_complete()
