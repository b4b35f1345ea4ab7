"""The load generator: keep-alive connections over plain sockets, and the operations they repeat."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

REDIRECT_URI = "https://app.example.com/callback"
API = "https://api.example.com"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes

    def json(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.body)
        return answer


class Refused(Exception):
    """A server under test did not do what was asked: the run is worth nothing."""


def expect(answer: Answer, *statuses: int) -> Answer:
    if answer.status not in statuses:
        raise Refused(f"{answer.status}, not {statuses}: {answer.body[-500:]!r} {answer.headers}")
    return answer


class Connection:
    """One keep-alive connection with a cookie jar, reading just as much HTTP as the two servers send."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: str = "", *, jar: bool = False
    ) -> Answer:
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        assert self.reader is not None
        lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self.port}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if jar and self.cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields, cookies = {}, []
        for line in head[1:]:
            name, _, value = line.partition(": ")
            if name.lower() == "set-cookie":
                cookies.append(value)
            else:
                fields[name.lower()] = value
        if fields.get("transfer-encoding") == "chunked":
            content = b""
            while size := int(await self.reader.readline(), 16):
                content += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readline()
        else:
            content = await self.reader.readexactly(int(fields.get("content-length", 0)))
        if jar:
            self._keep(cookies)
        if fields.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(head[0].split(" ")[1]), fields, cookies, content)

    def _keep(self, cookies: list[str]) -> None:
        for cookie in cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            gone = not value or "1970" in cookie or "max-age=0" in cookie.lower()
            if gone:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server under test has its endpoints, from its own metadata; paths only."""

    port: int
    metadata: dict[str, str]

    def path(self, endpoint: str) -> str:
        parts = urlsplit(self.metadata[endpoint])
        return parts.path


@dataclass(slots=True)
class Client:
    id: str
    secret: str = "benchmark-secret-0123456789-0123456789-abcdef"  # noqa: S105  # a benchmark's own
    alg: str = "ES256"

    @property
    def basic(self) -> dict[str, str]:
        if not self.secret:
            return FORM
        pair = f"{quote(self.id, safe='')}:{quote(self.secret, safe='')}"
        return FORM | {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


@dataclass(slots=True)
class User:
    """One connection's relying party and user agent; `kept` is what one operation leaves for the next."""

    server: Server
    account: tuple[str, str]
    connection: Connection = field(init=False)
    kept: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connection = Connection(self.server.port)

    async def get(self, endpoint: str) -> Answer:
        return expect(await self.connection.request("GET", self.server.path(endpoint)), 200)

    async def token(self, client: Client, **parameters: str) -> dict[str, str]:
        path = self.server.path("token_endpoint")
        named = {} if client.secret else {"client_id": client.id}
        answer = await self.connection.request("POST", path, client.basic, urlencode(parameters | named))
        return expect(answer, 200).json()

    async def authorize(self, client: Client, scope: str) -> tuple[str, str]:
        """To the code, through sign-in and consent pages where the server has them; and the PKCE verifier."""
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": client.id,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": scope,
            "state": "s" * 22,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if "offline_access" in scope:
            query["prompt"] = "consent"
        path = f"{self.server.path('authorization_endpoint')}?{urlencode(query)}"
        answer = await self.connection.request("GET", path, jar=True)
        for _ in range(12):
            if answer.status in (302, 303):
                location = answer.headers["location"]
                if location.startswith(REDIRECT_URI):
                    found = parse_qs(urlsplit(location).query)
                    if "code" not in found:
                        raise Refused(location)
                    return found["code"][0], verifier
                parts = urlsplit(location)
                path = parts.path + (f"?{parts.query}" if parts.query else "")
                answer = await self.connection.request("GET", path, jar=True)
            else:
                answer = await self.submit(expect(answer, 200))
        raise Refused("The flow does not end.")

    async def submit(self, page: Answer) -> Answer:
        """Fill in the one form on a page, as a person would."""
        text = page.body.decode()
        for form in re.findall(r"<form.*?</form>", text, re.DOTALL):
            action = re.search(r'action="([^"]*)"', form)
            if ("password" not in form and 'value="authorize"' not in form) or action is None:
                continue
            hidden = re.findall(r'<input[^>]*type="hidden"[^>]*>', form)
            fields = {_attribute(tag, "name"): _attribute(tag, "value") for tag in hidden}
            if "password" in form:
                fields |= {"identifier": self.account[0], "password": self.account[1]}
            else:
                fields["decision"] = "authorize"
            origin = {"origin": f"http://localhost:{self.server.port}"}
            path = html.unescape(action[1])
            return await self.connection.request("POST", path, FORM | origin, urlencode(fields), jar=True)
        raise Refused(f"No form to fill in: {text[:2000]}")

    async def code_round(self, client: Client, scope: str = "openid email profile") -> dict[str, str]:
        code, verifier = await self.authorize(client, scope)
        return await self.token(
            client, grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, code_verifier=verifier
        )


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', tag)
    return html.unescape(found[1]) if found else ""


Operation = Callable[[User], Awaitable[object]]


@dataclass(slots=True)
class Measured:
    operations: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)


async def repeat(users: list[User], operation: Operation, *, operations: int, seconds: float) -> Measured:
    """Each connection repeats the operation until so many are done in all, or the time is up."""
    measured = Measured()
    started = time.perf_counter()
    left = operations

    async def work(user: User) -> None:
        nonlocal left
        while left > 0 and time.perf_counter() - started < seconds:
            left -= 1
            began = time.perf_counter()
            await operation(user)
            measured.latencies.append(time.perf_counter() - began)

    await asyncio.gather(*(work(user) for user in users))
    measured.seconds = time.perf_counter() - started
    measured.operations = len(measured.latencies)
    return measured
