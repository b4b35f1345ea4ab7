"""Two workers on one database, everything at the same moment: the rules of SECURITY.md §0.2, D1 and D2, hold."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from faults.oracle import TWO_LIVE, ask

from credenza.testing import Callback, RelyingParty, UserAgent

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]
Answer = tuple[int, dict[str, Any]]


async def at_once(party: RelyingParty, requests: Sequence[tuple[str, dict[str, str]]]) -> list[Answer]:
    """Every connection is open before the first byte is sent; each worker takes some of them."""
    port = urlsplit(party.credenza.issuer).port
    connections = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in requests))
    for (path, form), (_, writer) in zip(requests, connections, strict=True):
        body = urlencode(form if party.auth_method != "none" else {**form, "client_id": party.client_id}).encode()
        basic = b64encode(f"{party.client_id}:{party.secret}".encode()).decode()
        head = [
            f"POST {path} HTTP/1.1",
            "Host: localhost",
            *([f"Authorization: Basic {basic}"] if party.auth_method != "none" else []),
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
    answers = await asyncio.gather(*(reader.read() for reader, _ in connections))
    for _, writer in connections:
        writer.close()
        await writer.wait_closed()
    return [(int(a.split(b" ", 2)[1]), json.loads(a.partition(b"\r\n\r\n")[2] or b"{}")) for a in answers]


@pytest.fixture(scope="module")
def server(copy_database: Callable[[str], str], serve: Callable[..., Any]) -> Any:
    return serve(database_url=copy_database("postgresql"), workers=2)


@pytest.fixture
def app(server: Any) -> RelyingParty:
    return RelyingParty(server, "app", "https://app.example.com/cb")


@pytest.fixture
def spa(server: Any) -> RelyingParty:
    """A public client: its refresh tokens rotate."""
    return RelyingParty(server, "spa", "https://spa.example.com/cb", auth_method="none")


def code_for(agent: UserAgent, party: RelyingParty) -> str:
    seen = agent.authorize(party, scope="openid profile offline_access")
    assert isinstance(seen, Callback), seen.text
    return seen.code


def test_of_fifty_redemptions_at_once_one_succeeds(server: Any, app: RelyingParty) -> None:
    agent = UserAgent(server)
    for _ in range(5):
        form = {
            "grant_type": "authorization_code",
            "code": code_for(agent, app),
            "redirect_uri": app.redirect_uri,
            "code_verifier": app.verifier,
        }
        answers = asyncio.run(at_once(app, [("/token", form)] * 50))
        assert sorted(status for status, _ in answers) == [200] + [400] * 49
        assert {body["error"] for status, body in answers if status == 400} == {"invalid_grant"}
    assert ask(server.database_url, TWO_LIVE) == []


def test_of_twenty_refreshes_at_once_one_token_lives(server: Any, spa: RelyingParty) -> None:
    """A-REF-02, D2: "At any instant at most one live refresh token per family", however many were answered."""
    agent = UserAgent(server)
    for _ in range(5):
        tokens = spa.tokens(Callback(spa.redirect_uri, {"code": code_for(agent, spa)}))
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        answers = asyncio.run(at_once(spa, [("/token", form)] * 20))
        assert {status for status, _ in answers} <= {200, 400}
        given = {body["refresh_token"] for status, body in answers if status == 200}
        assert given
        assert ask(server.database_url, TWO_LIVE) == []
        works = [token for token in given if spa.refresh(token).status_code == 200]
        assert len(works) == 1


def test_a_revocation_wins_against_a_refresh_of_the_same_moment(server: Any, spa: RelyingParty) -> None:
    """A-REF-06, a hundred rounds: once a revocation was answered nothing is alive, whichever came first."""
    agent = UserAgent(server)
    first = 0
    for number in range(100):
        tokens = spa.tokens(Callback(spa.redirect_uri, {"code": code_for(agent, spa)}))
        refresh = ("/token", {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
        revoke = ("/revoke", {"token": tokens["refresh_token"]})
        pair = [refresh, revoke] if number % 2 else [revoke, refresh]
        answers = dict(zip([path for path, _ in pair], asyncio.run(at_once(spa, pair)), strict=True))
        assert answers["/revoke"][0] == 200
        status, body = answers["/token"]
        assert status in (200, 400)
        alive = [tokens["access_token"]]
        if status == 200:
            first += 1
            alive.append(body["access_token"])
            assert spa.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"
        for token in alive:
            assert spa.userinfo(token).status_code == 401
        assert spa.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert first > 0, "the two never met: the refresh was always the later one"
