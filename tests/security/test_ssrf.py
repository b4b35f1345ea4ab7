"""The one way out leads outside. SECURITY.md §2.7, K21, R-OP-08. Nothing here ever leaves the loopback interface."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from credenza import outbound, remote_keys
from credenza.outbound import Refused, fetch, is_public
from credenza.protocol.errors import TemporarilyUnavailable
from credenza.remote_keys import RemoteKeys
from credenza.testing import ISSUER, ORDERS, test_settings

Resolver = Callable[..., list[Any]]
SETTINGS = test_settings("sqlite:///unused")


def answers(*rounds: tuple[str, ...]) -> tuple[Resolver, list[str]]:
    """A name server: each question gets the next round of addresses; the last one stays."""
    asked: list[str] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        addresses = rounds[min(len(asked), len(rounds)) - 1]
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    return resolve, asked


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever would connect fails the test."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was about to be made")

    monkeypatch.setattr(httpx, "AsyncClient", refuse)


INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "fc00::1",
    "fd00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "100::1",
]
OUTSIDE = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INSIDE)
def test_a_ssr_02_addresses_that_lead_inside(address: str) -> None:
    """A-SSR-01, A-SSR-02, K21."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_addresses_out_in_the_world(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize("address", INSIDE)
def test_a_ssr_03_a_public_name_with_an_address_inside(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """A-SSR-03: also when another address of the name is a public one, in either order."""
    for rounds in ((address,), (OUTSIDE[0], address), (address, OUTSIDE[0]), (OUTSIDE[0], OUTSIDE[1], address)):
        resolve, _ = answers(rounds)
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with pytest.raises(Refused, match="not a public address"):
            asyncio.run(fetch(SETTINGS, "https://app.example.com/jwks"))


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1:22",
    ],
)
def test_a_ssr_01_a_ssr_02_literals_in_every_spelling(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """A-SSR-01, A-SSR-02: as this machine's own resolver reads them."""

    real = socket.getaddrinfo

    def offline(name: str, port: int, *_: Any, **__: Any) -> Any:
        numeric = socket.AI_NUMERICHOST if name != "localhost" else 0
        return real(name, port, type=socket.SOCK_STREAM, flags=numeric)

    monkeypatch.setattr(socket, "getaddrinfo", offline)
    for scheme in ("http", "https"):
        with pytest.raises(Refused):
            asyncio.run(fetch(SETTINGS, f"{scheme}://{host}/"))


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://app.example.com/",
        "ftp://app.example.com/",
        "data:application/json,{}",
        "unix:///var/run/docker.sock",
        "javascript:x",
        "http://app.example.com/jwks",
        "//app.example.com/jwks",
        "/jwks",
        "",
        "https://",
        "https:///x",
        "https://user@app.example.com/",
        "https://app.example.com\\@127.0.0.1/",
        "https://app.example.com:0/",
        "https://app.example.com:99999/",
        "https://[fe80::1%25lo]/",
        "https://127.0.0.1\u3002nip.io/",
        "https://app.example.com/\r\nX: y",
        "https://" + "a" * 3000,
    ],
    ids=ascii,
)
def test_a_ssr_09_other_schemes_and_malformed_addresses(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A-SSR-09, K22: refused before any name is asked for."""

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a name was asked for")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    with pytest.raises(Refused):
        asyncio.run(fetch(SETTINGS, url))


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize("error", [socket.gaierror("x"), OSError("x"), UnicodeError("x")])
def test_a_name_that_cannot_be_resolved(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Refused, match="resolved"):
        asyncio.run(fetch(SETTINGS, "https://" + "a" * 70 + ".example.com/"))
    monkeypatch.setattr(socket, "getaddrinfo", answers(())[0])
    with pytest.raises(Refused, match="no address"):
        asyncio.run(fetch(SETTINGS, "https://app.example.com/"))


# -- a host of our own, on loopback, which the settings allow ----------------------------------------------------------


class Host(BaseHTTPRequestHandler):
    """Answers by path, and remembers who came."""

    seen: list[tuple[str, dict[str, str]]]
    document: dict[str, Any]

    def do_GET(self) -> None:
        type(self).seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        try:
            self._answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer(self) -> None:
        name = self.path.strip("/")
        if name.isdecimal():
            self.send_response(int(name))
            self.send_header("Location", "/inside")
            self.end_headers()
            return
        self.send_response(200)
        if name == "gzip":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if name == "endless":
            for _ in range(4000):
                self.wfile.write(b"x" * 65_536)
        elif name == "gzip":
            self.wfile.write(gzip.compress(b"0" * 60_000_000))
        elif name == "slow":
            for _ in range(100):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
        elif name == "jwks":
            self.wfile.write(json.dumps(type(self).document).encode())
        elif name == "deep":
            self.wfile.write(b"[" * 60_000)
        else:
            self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def host() -> Iterator[Any]:
    handler = type("OwnHost", (Host,), {"seen": [], "document": {"keys": []}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    handler.base = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    handler.port = server.server_port  # type: ignore[attr-defined]
    yield handler
    server.shutdown()
    server.server_close()


def allowing(host: Any) -> Any:
    return test_settings("sqlite:///unused", outbound_allow=(f"127.0.0.1:{host.port}",))


def test_what_the_operator_allows_is_called_and_nothing_else(host: Any) -> None:
    """CONTRACT.md, CREDENZA_OUTBOUND_ALLOW: a host, a host with its port, or a network."""
    port = host.port
    for entry in ("127.0.0.1", f"127.0.0.1:{port}", "127.0.0.0/8", "127.0.0.1/32"):
        settings = test_settings("sqlite:///unused", outbound_allow=(entry,))
        assert asyncio.run(fetch(settings, host.base + "/x"))[0] == 200
    before = len(host.seen)
    for entry in ("127.0.0.2", f"127.0.0.1:{port + 1}", "10.0.0.0/8", "localhost", "127.0.0", "::1", "0.0.0.0/32"):
        settings = test_settings("sqlite:///unused", outbound_allow=(entry,))
        with pytest.raises(Refused):
            asyncio.run(fetch(settings, host.base + "/x"))
    assert len(host.seen) == before


def test_r_ci_02_nothing_of_ours_is_sent_along(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-CI-02: no cookies, no credentials, no proxy of the environment."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert asyncio.run(fetch(allowing(host), host.base + "/x"))[0] == 200
    _, headers = host.seen[0]
    assert headers["host"] == f"127.0.0.1:{host.port}"
    assert not {"cookie", "authorization", "referer", "origin", "x-forwarded-for"} & headers.keys()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_ssr_05_redirects_are_not_followed(host: Any, status: int) -> None:
    """A-SSR-05."""
    assert asyncio.run(fetch(allowing(host), f"{host.base}/{status}"))[0] == status
    assert [path for path, _ in host.seen] == [f"/{status}"]
    with pytest.raises(Refused):
        asyncio.run(RemoteKeys(allowing(host)).get(f"{host.base}/{status}", None))


def test_a_ssr_06_a_body_without_end_is_cut(host: Any) -> None:
    """A-SSR-06."""
    with pytest.raises(Refused, match="more than"):
        asyncio.run(fetch(allowing(host), host.base + "/endless"))


def test_a_ssr_06_nothing_is_unpacked(host: Any) -> None:
    """A-SSR-06: sixty megabytes in sixty kilobytes stay sixty kilobytes."""
    _, _, body = asyncio.run(fetch(allowing(host), host.base + "/gzip"))
    assert body.startswith(b"\x1f\x8b")
    _, headers = host.seen[0]
    assert headers["accept-encoding"] == "identity"


def test_a_ssr_07_slow_answers_have_a_deadline(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-SSR-07: of the whole call, not of each byte; and the worker goes on meanwhile."""
    monkeypatch.setattr(outbound, "TIMEOUT", 0.3)

    async def both() -> tuple[float, int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        started = time.perf_counter()
        with pytest.raises(Refused, match="did not answer"):
            await fetch(allowing(host), host.base + "/slow")
        ticking.cancel()
        return time.perf_counter() - started, ticks

    taken, ticks = asyncio.run(both())
    assert taken < 2
    assert ticks > 5
    assert outbound.TIMEOUT <= 5


def test_g1_all_calls_of_a_request_share_their_time(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-SSR-07, R-CI-02: a stranger's document, the list it names and its logo may each be slow."""
    monkeypatch.setattr(outbound, "TIMEOUT", 0.3)
    monkeypatch.setattr(outbound, "ALTOGETHER", 0.3)

    async def asked(times: int) -> float:
        started = time.perf_counter()
        for _ in range(times):
            with pytest.raises(Refused, match="did not answer"):
                await fetch(allowing(host), host.base + "/slow")
        return time.perf_counter() - started

    async def main() -> tuple[float, float]:
        alone = await asked(2)
        outbound.begin_request()
        await asyncio.sleep(0.3)  # whoever sends a body slowly has not lost that time
        first = await asked(1)
        for _ in range(5):
            with pytest.raises(Refused, match="did not answer"):
                await fetch(allowing(host), host.base + "/quick")
        return alone, first

    alone, first = asyncio.run(main())
    assert alone > 0.5, "the command line makes as many calls as it has to"
    assert first > 0.25
    assert {path for path, _ in host.seen} == {"/slow"}


@pytest.mark.own_server
def test_g1_what_a_request_leaves_behind_has_its_own_time(credenza: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever signs out does not take the time of the applications that are told about it."""
    seen: dict[str, float | None] = {}

    async def beside() -> None:
        seen["beside"] = outbound._until.get()

    async def request(*_: Any, **__: Any) -> None:
        seen["request"] = outbound._until.get()
        outbound.limit_calls()
        credenza.server.spawn(beside())

    monkeypatch.setattr("credenza.endpoints.operations.find_trouble", request)
    credenza.request("GET", "/readyz")
    credenza.request("GET", "/readyz")
    assert seen == {"request": 0.0, "beside": None}


def test_a_ssr_07_names_that_nobody_answers_for_keep_nothing_else_waiting(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-SSR-07, G1: the name server is a stranger's too, and the thread that waits for it goes on when nobody does."""
    real, answered = socket.getaddrinfo, threading.Event()

    def resolve(name: str, *arguments: Any, **options: Any) -> Any:
        if name.endswith(".example.net"):
            answered.wait(60)
            raise socket.gaierror("x")
        return real(name, *arguments, **options)

    async def crowd() -> None:
        addresses = [f"https://n{number}.example.net/" for number in range(outbound.LOOKUPS - 1)]
        waiting = [asyncio.create_task(fetch(SETTINGS, address)) for address in addresses]
        await asyncio.sleep(0)
        try:
            assert await asyncio.to_thread(lambda: "made") == "made"
            assert (await fetch(allowing(host), f"{host.base}/x"))[0] == 200
            waiting.append(asyncio.create_task(fetch(SETTINGS, "https://one-more.example.net/")))
            await asyncio.sleep(0)
            with pytest.raises(Refused, match="too many names"):
                await fetch(SETTINGS, "https://too-many.example.net/")
        finally:
            answered.set()
        refused = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(each) for each in refused} == {Refused}
        assert (await fetch(allowing(host), f"{host.base}/x"))[0] == 200

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    asyncio.run(crowd())


@pytest.mark.parametrize("fails", ["no thread is left", "nobody waits any more"])
def test_a_ssr_07_a_look_up_that_never_begins_takes_no_place(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    """G1: as many as there are places, and then one that is answered."""
    begun: list[threading.Thread] = []

    class Thread(threading.Thread):
        def start(self) -> None:
            if fails == "no thread is left":
                raise RuntimeError("can't start new thread")
            begun.append(self)

    async def look_up() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(threading, "Thread", Thread)
            for _ in range(outbound.LOOKUPS):
                with pytest.raises((Refused, TimeoutError)):
                    async with asyncio.timeout(0):
                        await fetch(SETTINGS, "https://rp.example.net/")
        for thread in begun:
            thread.run()
        monkeypatch.setattr(socket, "getaddrinfo", answers(("10.0.0.1",))[0])
        with pytest.raises(Refused, match="public"):
            await fetch(SETTINGS, "https://rp.example.net/")

    asyncio.run(look_up())


def test_a_ssr_04_the_address_that_was_judged_is_the_one_that_is_called(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-SSR-04: a second answer of the name server changes nothing, because nobody asks a second time."""
    resolve, asked = answers(("127.0.0.1",), ("10.0.0.1",))
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    settings = test_settings("sqlite:///unused", outbound_allow=("127.0.0.0/8",))
    with pytest.raises(Refused):  # http is for loopback names only
        asyncio.run(fetch(settings, f"http://app.example.com:{host.port}/x"))
    assert asyncio.run(fetch(settings, f"http://localhost:{host.port}/x"))[0] == 200
    assert asked == ["localhost"]
    assert host.seen[0][1]["host"] == f"localhost:{host.port}"


@pytest.mark.parametrize("path", ["x", "deep", "404", "500", "204", "jwks"])
def test_answers_that_are_no_keys(host: Any, path: str) -> None:
    """A-SSR-15, K13, G1: one kind of exception, and the address is left alone for a while."""
    keys = RemoteKeys(allowing(host))
    for _ in range(5):
        with pytest.raises(Refused):
            asyncio.run(keys.get(f"{host.base}/{path}", "k"))
    assert len(host.seen) == 1


def test_a_ssr_17_a_crowd_asks_once(host: Any, forgery: Any, rsa_key: Any) -> None:
    """A-SSR-17: and an unknown `kid` does not make us ask again and again."""
    host.document = {"keys": [forgery.public_jwk(rsa_key, kid="k")]}
    keys = RemoteKeys(allowing(host))

    async def crowd() -> None:
        found = await asyncio.gather(*(keys.get(host.base + "/jwks", "k") for _ in range(50)))
        assert all(each[0].kid == "k" for each in found)
        await asyncio.gather(*(keys.get(host.base + "/jwks", f"unknown{n}") for n in range(50)))

    asyncio.run(crowd())
    assert len(host.seen) == 1


def test_of_a_crowd_that_waits_for_keys_only_so_many_take_a_place(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-SSR-07, G1: who comes then is told at once, and everybody else finds room."""
    keys = RemoteKeys(allowing(host))
    monkeypatch.setattr(outbound.Crowd, "most", 20)

    async def crowd() -> list[Any]:
        waiting = [keys.get(f"{host.base}/404?{number % 7}", "k") for number in range(50)]
        return [type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)]

    assert asyncio.run(crowd()) == [Refused] * 20 + [TemporarilyUnavailable] * 30
    with pytest.raises(Refused):  # they have left
        asyncio.run(keys.get(f"{host.base}/404?more", "k"))


def test_addresses_without_end_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch, host: Any) -> None:
    """A-BRU-13: a client that registers itself, or a metadata document, may name another one each time."""
    monkeypatch.setattr(remote_keys, "MOST", 10)
    keys = RemoteKeys(allowing(host))

    async def look() -> None:
        for number in range(40):
            with pytest.raises(Refused):
                await keys.get(f"{host.base}/404?{number}", "k")

    asyncio.run(look())
    assert max(len(kept) for kept in vars(keys).values() if isinstance(kept, dict)) <= 11


def test_a_crowd_before_a_dead_address_does_not_queue_up(monkeypatch: pytest.MonkeyPatch, host: Any) -> None:
    """A-SSR-07, G1: the first one waits for the deadline, the others are told what it learnt."""
    monkeypatch.setattr(outbound, "TIMEOUT", 0.3)
    keys = RemoteKeys(allowing(host))

    async def crowd() -> float:
        started = time.perf_counter()
        results = await asyncio.gather(*(keys.get(host.base + "/slow", "k") for _ in range(20)), return_exceptions=True)
        assert all(isinstance(result, Refused) for result in results)
        return time.perf_counter() - started

    assert asyncio.run(crowd()) < 5, "one after the other they would take 6"


@pytest.mark.own_server
def test_a_ssr_01_a_client_whose_keys_are_inside(credenza: Any, forgery: Any, rsa_key: Any, host: Any) -> None:
    """A-SSR-01: through the front door; the listener sees nothing, the client sees invalid_client."""
    application = {
        "client_id": "signer",
        "name": "Signer",
        "type": "machine_to_machine",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": host.base + "/jwks",
        "permissions": {"api": {ORDERS: ["orders:read"]}},
    }
    credenza.apply({"applications": [application]})
    now = credenza.server.now()
    claims = {"iss": "signer", "sub": "signer", "aud": ISSUER, "iat": now, "exp": now + 60, "jti": "1"}
    form = {
        "grant_type": "client_credentials",
        "client_assertion": forgery.forge({"alg": "RS256", "kid": "k"}, claims, rsa_key),
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    answer = credenza.request("POST", "/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "127.0.0.1" not in answer.text
    assert host.seen == []
