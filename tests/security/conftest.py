"""One server for all attacks that must change nothing, and a server of its own for each test that changes something.

`CREDENZA_SECURITY_DATABASE=postgresql` runs everything here on PostgreSQL.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from credenza import cleaning
from credenza.store import users
from credenza.testing import PASSWORD, Callback, Credenza, PageSeen, RelyingParty, UserAgent, running, test_settings

POSTGRESQL = os.environ.get("CREDENZA_SECURITY_DATABASE") == "postgresql"
# A refused request may be written down, may wait for its user, and may count as a failure.
MAY_GROW = {"credenza_audit_event", "credenza_interaction", "credenza_failed_sign_in", "credenza_version"}
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "own_server(**settings): the test changes clients, users or keys, or needs other settings"
    )


# -- servers ----------------------------------------------------------------------------------------------------------


class Server(Credenza):
    """A server as an attacker sees it: each test comes from an address of its own."""

    address = "203.0.113.7"

    def request(self, method: str, url: str, *, address: str = "", **options: Any) -> httpx.Response:
        return super().request(method, url, address=address or self.address, **options)

    def raw(
        self,
        method: str,
        path: str,
        *,
        query: bytes = b"",
        headers: list[tuple[bytes, bytes]] | None = None,
        body: bytes | list[bytes] = b"",
    ) -> Answer:
        """A request as bytes, for what no well-behaved client would send."""
        chunks = body if isinstance(body, list) else [body]

        async def call() -> Answer:
            waiting = iter(chunks)
            sent: list[Any] = []

            async def receive() -> Any:
                chunk = next(waiting, None)
                if chunk is None:
                    return {"type": "http.disconnect"}
                return {"type": "http.request", "body": chunk, "more_body": True}

            async def receive_all() -> Any:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return {"type": "http.request", "body": b"", "more_body": False}
                return message

            async def send(message: Any) -> None:
                sent.append(message)

            scope: Any = {
                "type": "http",
                "asgi": {"version": "3.0", "spec_version": "2.3"},
                "http_version": "1.1",
                "method": method,
                "scheme": "https",
                "path": path,
                "raw_path": path.encode(),
                "query_string": query,
                "root_path": "",
                "headers": headers if headers is not None else [(b"host", b"id.example.com")],
                "client": (self.address, 50000),
                "server": ("id.example.com", 443),
                "state": {},
            }
            await self.app(scope, receive_all, send)  # type: ignore[arg-type]
            found = {name.lower().decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
            return Answer(sent[0]["status"], found, b"".join(part.get("body", b"") for part in sent[1:]))

        return self.portal.call(call)

    def rows(self, *without: str) -> dict[str, int]:
        """How many rows each table has."""

        tables = [table for app in self.server.table_apps for table in app.table_classes]
        names = [table._meta.tablename for table in tables if table._meta.tablename not in without]
        counts = " UNION ALL ".join(f"SELECT '{name}' AS name, COUNT(*) AS n FROM {name}" for name in names)

        async def count() -> dict[str, int]:
            return {row["name"]: int(row["n"]) for row in await tables[0].raw(counts)}

        return self.run(count)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """G2: a refused request changes nothing."""
        before = self.rows()
        yield
        after = self.rows()
        assert {n: c for n, c in after.items() if n not in MAY_GROW} == {
            n: c for n, c in before.items() if n not in MAY_GROW
        }

    def dump(self) -> str:
        """Everything that the database holds, as text."""

        async def read() -> str:
            tables = [table for app in self.server.table_apps for table in app.table_classes]
            return json.dumps({table._meta.tablename: await table.select() for table in tables}, default=str)

        return self.run(read)

    def new_user(self, **changes: Any) -> str:
        """Somebody like Ada, whom no other test knows; returns the user name."""
        name = f"person{next(_numbers)}"

        async def insert() -> None:
            ada = await users.find_user_by_identifier("ada")
            assert ada is not None
            values = {"id": users.new_user_id(), "username": name, "email": f"{name}@example.com"} | changes
            await users.insert_user(replace(ada, **values))

        self.run(insert)
        return name

    def user(self, name: str) -> users.User:
        found = self.run(users.find_user_by_identifier, name)
        assert found is not None
        return found


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def as_server(credenza: Credenza) -> Server:
    server = Server(credenza.app, credenza.portal)
    server.address = f"198.51.{next(_numbers) % 250}.{next(_numbers) % 250}"
    return server


@pytest.fixture(scope="session")
def shared_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if POSTGRESQL:
        template = request.getfixturevalue("postgresql_template")
        server, name = request.getfixturevalue("postgresql_server"), f"test_{uuid4().hex}"
        server.psql(f"CREATE DATABASE {name} TEMPLATE {template};")
        return str(server.get_uri(name))
    path = tmp_path_factory.mktemp("shared") / "credenza.db"
    shutil.copyfile(request.getfixturevalue("credenza_template"), path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def shared(shared_database: str) -> Iterator[Credenza]:
    cleaning.EVERY = 10**9  # tests move the time, and count rows
    with running(test_settings(shared_database)) as started:
        yield started


@pytest.fixture
def credenza_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if POSTGRESQL:
        return str(request.getfixturevalue("filled_postgresql_url"))
    copy = tmp_path / "credenza.db"
    shutil.copyfile(request.getfixturevalue("credenza_template"), copy)
    return f"sqlite:///{copy}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def both_engines(request: pytest.FixtureRequest) -> str:
    """For tests with `own_server`: the database of `credenza`, on each engine."""
    return str(request.getfixturevalue(f"filled_{request.param}_url"))


@pytest.fixture
def credenza(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The shared server, or one of its own for a test marked `own_server`."""
    marker = request.node.get_closest_marker("own_server")
    if marker is None:
        shared = request.getfixturevalue("shared")
        shared.bind()
        yield as_server(shared)
        return
    name = "both_engines" if "both_engines" in request.fixturenames else "credenza_database"
    url, plugins = request.getfixturevalue(name), request.getfixturevalue("credenza_plugins")
    with running(test_settings(url, **marker.kwargs), plugins) as started:
        yield as_server(started)


# -- people -----------------------------------------------------------------------------------------------------------


class Visitor(UserAgent):
    """A browser of somebody whom no other test knows."""

    def __init__(self, credenza: Server, name: str) -> None:
        super().__init__(credenza)
        self.address = credenza.address
        self.name = name

    def sign_in(self, identifier: str = "", password: str = PASSWORD) -> PageSeen | Callback:
        return super().sign_in(identifier or self.name, password)

    def authorize(self, client: RelyingParty, *, user: str = "", **changes: str | None) -> PageSeen | Callback:
        return super().authorize(client, user=user or self.name, **changes)


@pytest.fixture
def user_agent(credenza: Server) -> Visitor:
    return Visitor(credenza, credenza.new_user())


@pytest.fixture
def new_visitor(credenza: Server) -> Callable[..., Visitor]:
    """Another browser: of somebody else, or of the person with the name."""

    def make(name: str = "") -> Visitor:
        return Visitor(credenza, name or credenza.new_user())

    return make


@pytest.fixture
def native(credenza: Server) -> RelyingParty:
    """The third-party native application `native`, a public client on a loopback port."""
    return RelyingParty(credenza, "native", "http://127.0.0.1:51004/cb", auth_method="none")


@pytest.fixture
def own(credenza: Server) -> RelyingParty:
    """The first-party web application `own`."""
    return RelyingParty(credenza, "own", "https://own.example.com/cb")


@pytest.fixture
def machine(credenza: Server) -> RelyingParty:
    return RelyingParty(credenza, "machine", "")


# -- forging ----------------------------------------------------------------------------------------------------------


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def forge(header: Mapping[str, Any] | bytes, claims: Mapping[str, Any] | bytes, key: Any = None) -> str:
    """A compact JWS, made by hand: `key` is a private key, the bytes of an HMAC key, or None for no signature."""
    parts = [p if isinstance(p, bytes) else json.dumps(p).encode() for p in (header, claims)]
    text = ".".join(b64(part) for part in parts)
    return f"{text}.{b64(_signature(text.encode(), key))}"


def _signature(text: bytes, key: Any) -> bytes:
    if key is None:
        return b""
    if isinstance(key, bytes):
        return hmac.new(key, text, "sha256").digest()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8 or 1, "big"))


def public_jwk(key: Any, **members: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **members}
    size = (key.curve.key_size + 7) // 8
    curve = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}[key.curve.name]
    return {
        "kty": "EC",
        "crv": curve,
        "x": b64(numbers.x.to_bytes(size, "big")),
        "y": b64(numbers.y.to_bytes(size, "big")),
        **members,
    }


def forms_of_a_public_key(key: Any) -> dict[str, bytes]:
    """What a confused library could take for an HMAC key."""
    public = key.public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    jwk = public_jwk(key)
    return {
        "pem": public.public_bytes(serialization.Encoding.PEM, spki),
        "pem without the last line end": public.public_bytes(serialization.Encoding.PEM, spki).strip(),
        "der": public.public_bytes(serialization.Encoding.DER, spki),
        "jwk": json.dumps(jwk).encode(),
        "compact jwk": json.dumps(jwk, separators=(",", ":")).encode(),
        "empty": b"",
    }


@dataclass
class Forgery:
    """The tools of a forger, in one fixture."""

    forge = staticmethod(forge)
    public_jwk = staticmethod(public_jwk)
    forms_of_a_public_key = staticmethod(forms_of_a_public_key)
    b64 = staticmethod(b64)
    number = staticmethod(number)


@pytest.fixture(scope="session")
def forgery() -> Forgery:
    return Forgery()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
