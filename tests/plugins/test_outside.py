"""`credenza.testing.Outside`: other services in a test. What is real of `fetch` stays real."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any

import pytest
from litestar import get

from credenza import Answer, Refused, Settings, fetch_answer, fetch_document, hookimpl
from credenza.events import UserSignedIn
from credenza.testing import Credenza, Outside, RelyingParty, UserAgent

SETTINGS = Settings()
GROUPS = "https://staff.example.com/groups"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks up a name or connects fails the test."""

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr(socket.socket, "connect", never)


def call(url: str = GROUPS, **options: Any) -> Answer:
    return asyncio.run(fetch_answer(SETTINGS, url, **options))


def refusal(call: Coroutine[Any, Any, object]) -> str:
    with pytest.raises(Refused) as caught:
        asyncio.run(call)
    return str(caught.value)


# -- what is answered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, (200, None, b"")),
        ({"document": ["pilots"]}, (200, "application/json", b'["pilots"]')),
        ({"document": {}, "headers": {"Content-Type": "application/scim+json"}}, (200, "application/scim+json", b"{}")),
        (
            {"status": 404, "body": b"none\0\xff", "headers": {"content-type": "text/plain"}},
            (404, "text/plain", b"none\0\xff"),
        ),
        ({"status": 204, "document": {}}, (204, "application/json", b"")),
        ({"body": b"x" * 65_536}, (200, None, b"x" * 65_536)),
    ],
)
def test_an_address_answers_what_the_test_says(
    outside: Outside, said: Mapping[str, Any], expected: tuple[int, str | None, bytes]
) -> None:
    outside.answers(GROUPS, **said)
    answer = call()
    assert (answer.status, answer.headers.get("content-type"), answer.body) == expected


def test_what_is_said_later_counts(outside: Outside) -> None:
    outside.is_away(GROUPS)
    assert refusal(fetch_document(SETTINGS, GROUPS)) == f"{GROUPS} did not answer: ConnectError"
    assert outside.requests == []
    outside.answers(GROUPS, 503)
    assert refusal(fetch_document(SETTINGS, GROUPS)) == f"{GROUPS} answered 503"
    outside.answers(GROUPS, document=["pilots"], headers={"Cache-Control": "max-age=60"})
    document = asyncio.run(fetch_document(SETTINGS, GROUPS))
    assert (document.content, document.max_age) == (["pilots"], 60)


def test_no_test_waits_for_what_is_slow(outside: Outside) -> None:
    outside.is_slow(GROUPS)
    assert refusal(fetch_document(SETTINGS, GROUPS)) == f"{GROUPS} did not answer: ReadTimeout"
    assert [sent.url for sent in outside.requests] == [GROUPS]


def test_an_address_answers_each_query_unless_one_was_said(outside: Outside) -> None:
    outside.answers(GROUPS, document=[])
    outside.answers(f"{GROUPS}?of=ada", document=["pilots"])
    assert [call(GROUPS + query).body for query in ("", "?of=grace", "?of=ada")] == [b"[]", b"[]", b'["pilots"]']


@pytest.mark.parametrize(
    "url", ["https://staff.example.com", "https://staff.example.com/", "https://staff.example.com:443"]
)
def test_a_host_is_its_first_page_whatever_way_it_is_written(outside: Outside, url: str) -> None:
    outside.answers(url, document=[])
    assert call("https://staff.example.com").status == 200
    assert call("https://staff.example.com:443/").status == 200


# -- what was sent ----------------------------------------------------------------------------------------------------


def test_requests_are_kept_as_they_were_sent(outside: Outside) -> None:
    outside.answers(GROUPS)
    call(f"{GROUPS}?of=ada", headers={"X-Api-Key": "a-secret"}, authorization="Bearer x")
    call(method="PUT", document={"groups": ["pilots"]})
    call(method="POST", form={"of": "ada & grace", "all": ""})
    call(method="HEAD")
    read, put, posted, head = outside.requests
    assert (read.method, read.url, read.body) == ("GET", f"{GROUPS}?of=ada", b"")
    assert read.headers["host"] == "staff.example.com"
    assert (read.headers["x-api-key"], read.headers["authorization"]) == ("a-secret", "Bearer x")
    assert read.headers["accept-encoding"] == "identity"
    assert (put.method, put.document) == ("PUT", {"groups": ["pilots"]})
    assert (posted.method, posted.form) == ("POST", {"of": "ada & grace", "all": ""})
    assert head.method == "HEAD"


# -- what stays real --------------------------------------------------------------------------------------------------


def test_an_address_inside_is_refused_unless_the_operator_allows_it(outside: Outside) -> None:
    for url in ("https://10.0.0.7/groups", "https://[fd00::7]/groups", "http://localhost:9000/groups"):
        outside.answers(url, document=[])
        assert "not a public address" in refusal(fetch_document(SETTINGS, url))
    assert outside.requests == []
    allowing = Settings(outbound_allow=("10.0.0.0/8", "fd00::/8", "localhost:9000"))
    for url in ("https://10.0.0.7/groups", "https://[fd00::7]/groups", "http://localhost:9000/groups"):
        assert asyncio.run(fetch_document(allowing, url)).content == []
        assert outside.requests[-1].url == url


def test_a_redirect_is_not_followed(outside: Outside) -> None:
    outside.answers(GROUPS, 302, headers={"Location": "https://elsewhere.example.com/"})
    assert call().status == 302


def test_too_much_is_refused(outside: Outside) -> None:
    outside.answers(GROUPS, body=b"x" * 65_537)
    assert refusal(fetch_document(SETTINGS, GROUPS)) == f"{GROUPS} sent more than 65536 bytes"


def test_what_no_request_may_hold_is_refused(outside: Outside) -> None:
    outside.answers(GROUPS)
    assert "was not asked" in refusal(fetch_answer(SETTINGS, GROUPS, method="PO ST"))
    assert "was not asked" in refusal(fetch_answer(SETTINGS, GROUPS, headers={"Host": "x"}))
    assert outside.requests == []


# -- mistakes of a test -----------------------------------------------------------------------------------------------


def test_who_calls_what_nobody_spoke_of_is_refused_and_fails_the_test() -> None:
    """Also where the plugin goes on without an answer."""
    url = "https://staff.example.com/others?of=ada"

    def goes_on_without() -> None:
        with Outside() as outside:
            outside.answers(GROUPS)
            assert refusal(fetch_document(SETTINGS, url)) == f"the test does not say what {url} answers"
            assert refusal(fetch_document(SETTINGS, "https://other.example.com/")).endswith("example.com/ answers")
            assert outside.requests == []

    with pytest.raises(AssertionError) as caught:
        goes_on_without()
    assert str(caught.value) == (
        f"The test does not say what these answer, and they were called: GET {url}, GET https://other.example.com/"
    )


def test_a_test_that_fails_is_told_so_beside_its_own_reason() -> None:

    def fails() -> None:
        with Outside():
            refusal(fetch_document(SETTINGS, GROUPS))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        fails()
    assert caught.value.__notes__ == [f"The test does not say what these answer, and they were called: GET {GROUPS}"]


def test_what_cannot_be_is_refused_where_it_is_said(outside: Outside) -> None:
    with pytest.raises(ValueError, match="begins with https"):
        outside.answers("staff.example.com/groups")
    with pytest.raises(ValueError, match="http is only allowed"):
        outside.is_away("http://staff.example.com/groups")
    with pytest.raises(TypeError, match="a document or a body"):
        outside.answers(GROUPS, document=[], body=b"")


def test_it_ends_and_fetch_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look_up(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return []

    with Outside() as outside:
        outside.answers(GROUPS)
        call()
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert refusal(fetch_answer(SETTINGS, GROUPS)) == "staff.example.com has no address"
    assert asked == ["staff.example.com"]


# -- a server whose plugin asks a service ----------------------------------------------------------------------------


class StaffPage:
    """A page that asks a service, and goes on without."""

    @hookimpl
    def register_routes(self, settings: Settings) -> object:
        @get("/groups")
        async def groups() -> str:
            try:
                return str((await fetch_document(settings, GROUPS)).content)
            except Refused as refused:
                return f"none: {refused}"

        return groups


class Straggler:
    """A listener that calls when the test is over."""

    over = threading.Event()

    @hookimpl
    def register_listeners(self, settings: Settings) -> object:
        async def tell(event: UserSignedIn) -> None:
            await asyncio.to_thread(self.over.wait)
            await asyncio.sleep(0.2)
            await fetch_document(settings, GROUPS)

        return tell


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    return [("staff-page", StaffPage()), ("straggler", Straggler())]


def test_a_server_calls_what_the_test_says(credenza: Credenza, outside: Outside) -> None:
    outside.answers(GROUPS, document=["pilots"])
    assert credenza.request("GET", "/groups").text == "['pilots']"
    outside.is_away(GROUPS)
    assert credenza.request("GET", "/groups").text == f"none: {GROUPS} did not answer: ConnectError"
    assert len(outside.requests) == 1


@pytest.fixture
def ends(credenza: Credenza) -> Iterator[None]:
    """The first that is taken down."""
    Straggler.over.clear()
    yield
    Straggler.over.set()


@pytest.fixture
def in_the_end() -> Iterator[list[Outside]]:
    """Looks at what was sent when everything else is over."""
    kept: list[Outside] = []
    yield kept
    assert [sent.url for outside in kept for sent in outside.requests] == [GROUPS]


def test_what_the_server_does_besides_meets_no_other_world_when_the_test_is_over(
    in_the_end: list[Outside], credenza: Credenza, outside: Outside, ends: None
) -> None:
    outside.answers(GROUPS, document=[])
    in_the_end.append(outside)
    UserAgent(credenza).through("/account")


def test_one_can_wait_for_it(credenza: Credenza, outside: Outside, user_agent: UserAgent, client: RelyingParty) -> None:
    outside.answers(GROUPS, document=[])
    Straggler.over.set()
    user_agent.authorize(client)
    credenza.settle()
    assert [sent.url for sent in outside.requests] == [GROUPS]
