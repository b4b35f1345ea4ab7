"""HTTP as uvicorn speaks it, but for one thing: the offer of HTTP/2 without TLS is not taken, and costs nothing."""

from __future__ import annotations

import re

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

H2C = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)


class HttpProtocol(HttpToolsProtocol):
    """Java's own client makes the offer with every request, and uvicorn's parser then drops the body.

    "A server MAY ignore a received Upgrade header field." RFC 9110 §7.8.
    """

    def data_received(self, data: bytes) -> None:
        if self.cycle is None or self.cycle.response_complete:  # a request begins
            head, end, body = data.partition(b"\r\n\r\n")
            data = H2C.sub(b"", head + end[:2], count=1) + end[2:] + body if end else data
        super().data_received(data)
