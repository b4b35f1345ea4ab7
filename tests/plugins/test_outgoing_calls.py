"""What plugins send elsewhere: a form or a JSON document, through the one way out."""

from __future__ import annotations

import asyncio
import json
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from credenza import Refused, Settings, fetch


class Elsewhere(HTTPServer):
    sent: tuple[str, str, bytes]


class Handler(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_POST(self) -> None:  # as the library calls it
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.sent = (self.headers["content-type"], self.headers.get("authorization", ""), body)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_document_is_sent_as_json_and_a_form_as_a_form(elsewhere: Elsewhere) -> None:
    settings = Settings(outbound_allow=("127.0.0.1",))
    url = f"http://127.0.0.1:{elsewhere.server_port}/events"
    document = {"event": "UserSignedIn", "data": {"amr": ["pwd"]}}
    call = fetch(settings, url, method="POST", document=document, authorization="Bearer x")
    assert asyncio.run(call)[0] == 204
    media_type, authorization, body = elsewhere.sent
    assert (media_type, authorization, json.loads(body)) == ("application/json", "Bearer x", document)
    assert asyncio.run(fetch(settings, url, method="POST", form={"a": "b c"}))[0] == 204
    assert elsewhere.sent == ("application/x-www-form-urlencoded", "", b"a=b+c")


def test_a_header_that_cannot_be_sent_is_told_without_what_it_holds(elsewhere: Elsewhere) -> None:
    url = f"http://127.0.0.1:{elsewhere.server_port}/events"
    secret = "-".join(("a", "secret"))  # so that the lines of the traceback do not have it
    with pytest.raises(Refused, match=r"was not asked: .*authorization") as caught:
        asyncio.run(fetch(Settings(outbound_allow=("127.0.0.1",)), url, authorization=f"Bearer {secret}\n"))
    assert secret not in "".join(traceback.format_exception(caught.value))
