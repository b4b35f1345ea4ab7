"""What plugins send elsewhere: a form or a JSON document, through the one way out."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import importlib
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from credenza import Refused, Settings, fetch, fetch_document, place_of
from credenza.remote_keys import RemoteKeys
from credenza.testing import Credenza, Outside, RelyingParty, UserAgent

SETTINGS = Settings()
EVENTS = "https://events.example.com/in"


@pytest.fixture(autouse=True)
def elsewhere(outside: Outside) -> None:
    outside.answers(EVENTS, 204)


def test_a_document_is_sent_as_json_and_a_form_as_a_form(outside: Outside) -> None:
    document = {"event": "UserSignedIn", "data": {"amr": ["pwd"]}}
    call = fetch(SETTINGS, EVENTS, method="POST", document=document, authorization="Bearer x")
    assert asyncio.run(call)[0] == 204
    assert asyncio.run(fetch(SETTINGS, EVENTS, method="POST", form={"a": "b c"}))[0] == 204
    first, second = outside.requests
    assert (first.headers["content-type"], first.headers["authorization"]) == ("application/json", "Bearer x")
    assert first.document == document
    assert (second.headers["content-type"], second.body) == ("application/x-www-form-urlencoded", b"a=b+c")
    assert "authorization" not in second.headers


@pytest.mark.parametrize("value", ["{}\n", "{}\r\nX-Other: 1", "{} ", " {}", "{}\t1", "{}\0", "{}\x7f", "{}é"])
def test_a_header_that_cannot_be_sent_is_told_without_what_it_holds(outside: Outside, value: str) -> None:
    secret = "-".join(("a", "secret"))  # so that the lines of the traceback do not have it
    wrong = value.format(secret)
    for given in ({"authorization": wrong}, {"headers": {"X-Api-Key": wrong}}):
        with pytest.raises(Refused, match=r"was not asked: .*header (Authorization|X-Api-Key)") as caught:
            asyncio.run(fetch(SETTINGS, EVENTS, method="POST", document={}, **given))  # type: ignore[arg-type]
        assert secret not in "".join(traceback.format_exception(caught.value))
    assert outside.requests == []


def test_headers_are_sent_beside_our_own_and_are_not_in_the_log(
    outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {"X-Api-Key": "a-secret", "Signature": "t=1, v1=3f"}
    assert asyncio.run(fetch(SETTINGS, EVENTS, method="POST", document={}, headers=headers))[0] == 204
    (sent,) = outside.requests
    assert sent.headers["x-api-key"] == "a-secret"
    assert sent.headers["signature"] == "t=1, v1=3f"
    assert sent.headers["content-type"] == "application/json"
    assert caplog.text
    assert "a-secret" not in caplog.text


def test_a_body_is_sent_as_it_stands_with_the_type_that_its_header_says(outside: Outside) -> None:
    body = b'{"a":  "\xc3\xa9"}'
    headers = {"Content-Type": "application/cloudevents+json"}
    assert asyncio.run(fetch(SETTINGS, EVENTS, method="POST", body=body, headers=headers))[0] == 204
    (sent,) = outside.requests
    assert (sent.headers["content-type"], sent.body) == ("application/cloudevents+json", body)


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
def test_a_header_that_the_call_decides_is_refused(outside: Outside, name: str) -> None:
    call = fetch(SETTINGS, EVENTS, method="POST", document={}, headers={name: "close"})
    with pytest.raises(Refused, match=f"was not asked: `headers` may not have {name}"):
        asyncio.run(call)
    assert outside.requests == []


@pytest.mark.parametrize("name", ["", "X Key", "X-Key:", "X-Key\r\nHost", "X-Kéy", "X\0", "X-Key\n", "(x)", '"x"'])
def test_the_name_of_a_header_is_a_token(outside: Outside, name: str) -> None:
    """RFC 9110 §5.6.2."""
    with pytest.raises(Refused, match="was not asked: the name of a header is a token"):
        asyncio.run(fetch(SETTINGS, EVENTS, method="POST", document={}, headers={name: "1"}))
    assert outside.requests == []


def test_no_header_comes_twice(outside: Outside) -> None:
    headers = {"X-Api-Key": "1", "x-api-key": "2"}
    with pytest.raises(Refused, match="was not asked: `headers` has x-api-key twice"):
        asyncio.run(fetch(SETTINGS, EVENTS, method="POST", document={}, headers=headers))
    assert outside.requests == []


@pytest.mark.parametrize(
    "two", [{"document": {}, "body": b"x"}, {"form": {}, "body": b""}, {"form": {"a": "1"}, "document": {}}]
)
def test_two_things_to_send_are_a_mistake_at_once(outside: Outside, two: dict[str, Any]) -> None:
    """Of a document and a body that signs something else, one was sent, and nobody was told."""
    with pytest.raises(TypeError, match="a form, a document or a body is sent, and not two of them"):
        asyncio.run(fetch(SETTINGS, EVENTS, method="POST", **two))
    assert outside.requests == []


def test_a_method_that_cannot_be_sent_is_told(outside: Outside) -> None:
    with pytest.raises(Refused, match=r"was not asked: .*`method`"):
        asyncio.run(fetch(SETTINGS, EVENTS, method="PO ST"))


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
    return RemoteKeys(SETTINGS).get(address, None)


@pytest.mark.parametrize(
    ("answer", "call"),
    [
        ({}, lambda address: fetch(SETTINGS, address, headers={"Host": "x"})),
        ({}, lambda address: fetch(SETTINGS, address, method="PO ST")),
        ({"body": b"12"}, lambda address: fetch(SETTINGS, address, limit=1)),
        ({"status": 404}, lambda address: fetch_document(SETTINGS, address)),
        ({"body": b"{}"}, lambda address: fetch_document(SETTINGS, address)),
        ({"body": b"{", "headers": {"Content-Type": "application/json"}}, lambda a: fetch_document(SETTINGS, a)),
        ({"status": 404}, keys),
        ({"body": b"{"}, keys),
        ({"document": {"keys": []}}, keys),
        (None, keys),
    ],
)
def test_no_message_has_the_query_of_an_address(
    outside: Outside, answer: dict[str, Any] | None, call: Callable[[str], Awaitable[object]]
) -> None:
    """It may hold a key, and messages reach logs, the audit log and pages of the console."""
    secret = "-".join(("a", "secret"))  # so that the lines of the traceback do not have it
    outside.is_away(EVENTS) if answer is None else outside.answers(EVENTS, **answer)

    async def called() -> None:
        await call(f"{EVENTS}?key={secret}")

    with pytest.raises(Refused, match=f"^{EVENTS}:? ") as caught:
        asyncio.run(called())
    assert secret not in "".join(traceback.format_exception(caught.value))


# -- docs/plugins/examples/signed_webhook.py ---------------------------------------------------------------------------


@pytest.fixture
def credenza_settings() -> dict[str, object]:
    return {"plugins": {"signed-webhook": {"address": EVENTS, "key": "k" * 32}}}


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    return [("signed-webhook", importlib.import_module("signed_webhook"))]


def test_a_webhook_is_signed_over_what_arrives(
    credenza: Credenza, outside: Outside, user_agent: UserAgent, client: RelyingParty
) -> None:
    user_agent.authorize(client)
    credenza.settle()
    (sent,) = outside.requests
    moment, mac = sent.headers["webhook-signature"].split(",")
    message = moment.removeprefix("t=").encode() + b"." + sent.body
    assert mac == "v1=" + hmac.new(b"k" * 32, message, hashlib.sha256).hexdigest()
    assert (sent.method, sent.headers["content-type"]) == ("POST", "application/json")
    assert sent.document["client"] == "app"


@pytest.mark.parametrize("fails", ["status", "away", "slow"])
def test_a_webhook_that_fails_is_in_the_log_and_stops_nobody(
    credenza: Credenza,
    outside: Outside,
    user_agent: UserAgent,
    client: RelyingParty,
    caplog: pytest.LogCaptureFixture,
    fails: str,
) -> None:
    does = {"status": lambda url: outside.answers(url, 500), "away": outside.is_away, "slow": outside.is_slow}
    does[fails](EVENTS)
    assert "access_token" in client.tokens(user_agent.authorize(client))
    credenza.settle()
    assert "listener of plugin 'signed-webhook' failed on UserSignedIn" in caplog.text
    assert f"Refused: {EVENTS} " in caplog.text
