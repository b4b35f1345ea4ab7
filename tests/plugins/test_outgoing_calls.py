"""What plugins send elsewhere: a form or a JSON document, through the one way out."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import importlib
import json
import logging
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from credenza import Refused, Settings, fetch, fetch_document, place_of
from credenza.remote_keys import RemoteKeys
from credenza.testing import Credenza, RelyingParty, UserAgent

ALLOWING = Settings(outbound_allow=("127.0.0.1",))


class Elsewhere(HTTPServer):
    sent: tuple[str, str, bytes]
    headers: Message | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/events"


class Handler(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_POST(self) -> None:  # as the library calls it
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.sent = (self.headers.get("content-type", ""), self.headers.get("authorization", ""), body)
        self.server.headers = self.headers
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:  # as the library calls it
        path = self.path.partition("?")[0]
        if path == "/silence":
            return
        self.send_response(404 if path == "/404" else 200)
        self.send_header("content-type", "text/plain" if path == "/text" else "application/json")
        self.end_headers()
        self.wfile.write(b"{" if path == "/broken" else b'{"keys": []}')

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def test_a_document_is_sent_as_json_and_a_form_as_a_form(elsewhere: Elsewhere) -> None:
    document = {"event": "UserSignedIn", "data": {"amr": ["pwd"]}}
    call = fetch(ALLOWING, elsewhere.url, method="POST", document=document, authorization="Bearer x")
    assert asyncio.run(call)[0] == 204
    media_type, authorization, body = elsewhere.sent
    assert (media_type, authorization, json.loads(body)) == ("application/json", "Bearer x", document)
    assert asyncio.run(fetch(ALLOWING, elsewhere.url, method="POST", form={"a": "b c"}))[0] == 204
    assert elsewhere.sent == ("application/x-www-form-urlencoded", "", b"a=b+c")


@pytest.mark.parametrize("value", ["{}\n", "{}\r\nX-Other: 1", "{} ", " {}", "{}\t1", "{}\0", "{}\x7f", "{}é"])
def test_a_header_that_cannot_be_sent_is_told_without_what_it_holds(elsewhere: Elsewhere, value: str) -> None:
    secret = "-".join(("a", "secret"))  # so that the lines of the traceback do not have it
    wrong = value.format(secret)
    for given in ({"authorization": wrong}, {"headers": {"X-Api-Key": wrong}}):
        with pytest.raises(Refused, match=r"was not asked: .*header (Authorization|X-Api-Key)") as caught:
            asyncio.run(fetch(ALLOWING, elsewhere.url, method="POST", document={}, **given))  # type: ignore[arg-type]
        assert secret not in "".join(traceback.format_exception(caught.value))
    assert elsewhere.headers is None


def test_headers_are_sent_beside_our_own_and_are_not_in_the_log(
    elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {"X-Api-Key": "a-secret", "Signature": "t=1, v1=3f"}
    assert asyncio.run(fetch(ALLOWING, elsewhere.url, method="POST", document={}, headers=headers))[0] == 204
    assert elsewhere.headers is not None
    assert elsewhere.headers["x-api-key"] == "a-secret"
    assert elsewhere.headers["signature"] == "t=1, v1=3f"
    assert elsewhere.headers["content-type"] == "application/json"
    assert caplog.text
    assert "a-secret" not in caplog.text


def test_a_body_is_sent_as_it_stands_with_the_type_that_its_header_says(elsewhere: Elsewhere) -> None:
    body = b'{"a":  "\xc3\xa9"}'
    headers = {"Content-Type": "application/cloudevents+json"}
    assert asyncio.run(fetch(ALLOWING, elsewhere.url, method="POST", body=body, headers=headers))[0] == 204
    assert elsewhere.sent == ("application/cloudevents+json", "", body)


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "HOST",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Proxy-Connection",
        "Proxy-Authorization",
        "Keep-Alive",
        "Upgrade",
        "HTTP2-Settings",
        "TE",
        "Trailer",
        "Expect",
        "Accept",
        "Accept-Encoding",
        "Authorization",
        "Cookie",
        "User-Agent",
        "Content-Type",
    ],
)
def test_a_header_that_the_call_decides_is_refused(elsewhere: Elsewhere, name: str) -> None:
    call = fetch(ALLOWING, elsewhere.url, method="POST", document={}, headers={name: "close"})
    with pytest.raises(Refused, match=f"was not asked: `headers` may not have {name}"):
        asyncio.run(call)
    assert elsewhere.headers is None


@pytest.mark.parametrize("name", ["", "X Key", "X-Key:", "X-Key\r\nHost", "X-Kéy", "X\0", "X-Key\n", "(x)", '"x"'])
def test_the_name_of_a_header_is_a_token(elsewhere: Elsewhere, name: str) -> None:
    """RFC 9110 §5.6.2."""
    with pytest.raises(Refused, match="was not asked: the name of a header is a token"):
        asyncio.run(fetch(ALLOWING, elsewhere.url, method="POST", document={}, headers={name: "1"}))
    assert elsewhere.headers is None


def test_no_header_comes_twice(elsewhere: Elsewhere) -> None:
    headers = {"X-Api-Key": "1", "x-api-key": "2"}
    with pytest.raises(Refused, match="was not asked: `headers` has x-api-key twice"):
        asyncio.run(fetch(ALLOWING, elsewhere.url, method="POST", document={}, headers=headers))
    assert elsewhere.headers is None


@pytest.mark.parametrize(
    "two", [{"document": {}, "body": b"x"}, {"form": {}, "body": b""}, {"form": {"a": "1"}, "document": {}}]
)
def test_two_things_to_send_are_a_mistake_at_once(elsewhere: Elsewhere, two: dict[str, Any]) -> None:
    """Of a document and a body that signs something else, one was sent, and nobody was told."""
    with pytest.raises(TypeError, match="a form, a document or a body is sent, and not two of them"):
        asyncio.run(fetch(ALLOWING, elsewhere.url, method="POST", **two))
    assert elsewhere.headers is None


def test_a_method_that_cannot_be_sent_is_told(elsewhere: Elsewhere) -> None:
    with pytest.raises(Refused, match=r"was not asked: .*`method`"):
        asyncio.run(fetch(ALLOWING, elsewhere.url, method="PO ST"))


# -- what is told of an address ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("https://api.example.com:8443/v1/users?key=s3cret", "https://api.example.com:8443/v1/users"),
        ("https://api.example.com?key=s3cret/x", "https://api.example.com"),
        ("https://api.example.com/a//b#s3cret?x", "https://api.example.com/a//b"),
        ("https://ada:s3cret@api.example.com/@b?c", "https://api.example.com/@b"),
        ("https://ada:s3cret@[2001:db8::1]:1", "https://[2001:db8::1]:1"),
        ("com.example.app:/cb?s3cret", "com.example.app:/cb"),
        ("", ""),
    ],
)
def test_the_place_of_an_address_has_no_query(address: str, place: str) -> None:
    assert place_of(address) == place


def keys(address: str) -> Awaitable[object]:
    return RemoteKeys(ALLOWING).get(address, None)


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("/", lambda address: fetch(ALLOWING, address, headers={"Host": "x"})),
        ("/", lambda address: fetch(ALLOWING, address, method="PO ST")),
        ("/", lambda address: fetch(ALLOWING, address, limit=1)),
        ("/silence", lambda address: fetch(ALLOWING, address)),
        ("/404", lambda address: fetch_document(ALLOWING, address)),
        ("/text", lambda address: fetch_document(ALLOWING, address)),
        ("/broken", lambda address: fetch_document(ALLOWING, address)),
        ("/404", keys),
        ("/broken", keys),
        ("/", keys),
    ],
)
def test_no_message_has_the_query_of_an_address(
    elsewhere: Elsewhere, path: str, call: Callable[[str], Awaitable[object]]
) -> None:
    """It may hold a key, and messages reach logs, the audit log and pages of the console."""
    place = elsewhere.url.replace("/events", path)
    secret = "-".join(("a", "secret"))  # so that the lines of the traceback do not have it

    async def called() -> None:
        await call(f"{place}?key={secret}")

    with pytest.raises(Refused, match=f"^{place}:? ") as caught:
        asyncio.run(called())
    assert secret not in "".join(traceback.format_exception(caught.value))


# -- docs/plugins/examples/signed_webhook.py ---------------------------------------------------------------------------


@pytest.fixture
def credenza_settings(elsewhere: Elsewhere) -> dict[str, object]:
    plugins = {"signed-webhook": {"address": elsewhere.url, "key": "k" * 32}}
    return {"outbound_allow": ("127.0.0.1",), "plugins": plugins}


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    return [("signed-webhook", importlib.import_module("signed_webhook"))]


async def settled(credenza: Credenza) -> None:
    """Listeners are tasks of their own."""
    while credenza.server._tasks:
        await asyncio.wait(set(credenza.server._tasks))


def test_a_webhook_is_signed_over_what_arrives(
    credenza: Credenza, elsewhere: Elsewhere, user_agent: UserAgent, client: RelyingParty
) -> None:
    user_agent.authorize(client)
    credenza.run(settled, credenza)
    assert elsewhere.headers is not None
    media_type, _, body = elsewhere.sent
    moment, mac = elsewhere.headers["webhook-signature"].split(",")
    message = moment.removeprefix("t=").encode() + b"." + body
    assert mac == "v1=" + hmac.new(b"k" * 32, message, hashlib.sha256).hexdigest()
    assert media_type == "application/json"
    assert json.loads(body)["client"] == "app"
