"""What comes in crowds lets everything else through in between. SECURITY.md F-17, F-18."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from credenza.store.engine import urgent
from credenza.testing import Credenza, RelyingParty, UserAgent
from credenza.web.turnstile import Turnstile


async def through(turnstile: Turnstile) -> None:
    if not turnstile.passes():
        await turnstile.turn()


@pytest.mark.parametrize("at_once", [1, 8])
def test_a_few_pass_in_each_round_in_the_order_in_which_they_came(at_once: int) -> None:
    async def main() -> list[list[int]]:
        turnstile, passed = Turnstile(at_once), []

        async def one(number: int) -> None:
            await through(turnstile)
            passed.append(number)

        tasks = [asyncio.create_task(one(number)) for number in range(5 * at_once)]
        rounds = []
        while not all(task.done() for task in tasks):
            before = len(passed)
            await asyncio.sleep(0)  # somebody else's turn
            rounds.append(passed[before:])
        return rounds

    rounds = asyncio.run(main())
    assert [number for some in rounds for number in some] == list(range(5 * at_once))
    assert max(len(some) for some in rounds) == at_once


@pytest.mark.parametrize("at_once", [1, 8])
def test_whoever_gives_up_takes_nobodys_turn(at_once: int) -> None:
    async def main() -> None:
        turnstile = Turnstile(at_once)
        tasks = [asyncio.create_task(through(turnstile)) for _ in range(4 * at_once)]
        await asyncio.sleep(0)
        for task in tasks[at_once : 3 * at_once]:
            task.cancel()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        assert sum(isinstance(one, asyncio.CancelledError) for one in done) == 2 * at_once
        await asyncio.wait_for(through(turnstile), 10)

    asyncio.run(main())


PAGE, TOKEN = ("GET", "/nowhere"), ("POST", "/token")


async def ask(app: Any, method: str, path: str) -> int:
    """As uvicorn does it: the request is there, and a task begins."""
    status = 0

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"accept", b"text/html")],
        "client": ("203.0.113.7", 50000),
        "server": ("localhost", 8400),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    await app(scope, receive, send)
    return status


def test_f_18_a_token_request_passes_between_the_pages_that_came_before_it(credenza: Credenza) -> None:
    """F-18: behind a hundred people it waits for one of them, and people are served in the order of their coming."""
    answered: list[tuple[str, int]] = []

    async def main() -> None:
        async def one(number: int, request: tuple[str, str]) -> None:
            await ask(credenza.app, *request)
            answered.append((request[1], number))

        async with asyncio.TaskGroup() as tasks:
            for number in range(100):
                tasks.create_task(one(number, PAGE))
            tasks.create_task(one(100, TOKEN))

    credenza.run(ask, credenza.app, *PAGE)  # what is read once, and then known
    credenza.run(main)
    assert answered.index(("/token", 100)) <= 2
    people = [number for path, number in answered if path == "/nowhere"]
    assert sorted(people) == list(range(100))
    # Ten at most ask PostgreSQL at once, and whose answer comes first is the database's to say.
    assert max(abs(place - number) for place, number in enumerate(people)) < 10


@pytest.mark.parametrize("path", ["/token", "/userinfo", "/introspect", "/revoke", "/par", "/healthz", "/readyz"])
def test_programs_never_wait_behind_people(credenza: Credenza, path: str) -> None:
    app: Any = credenza.app
    assert app.turns[path] is None


def test_what_lies_in_memory_takes_turns_of_its_own(credenza: Credenza) -> None:
    """F-17: neither do people wait for a herd that asks for keys, nor it for them."""
    app: Any = credenza.app
    turnstile = app.turns["/jwks"]
    assert isinstance(turnstile, Turnstile)
    assert app.turns["/.well-known/openid-configuration"] is turnstile is not app.pages


@pytest.mark.parametrize("path", ["/authorize", "/interaction/x/login", "/account", "/console"])
def test_pages_take_turns(credenza: Credenza, path: str) -> None:
    """One waits, and whoever hangs up meanwhile leaves no trace."""

    async def main() -> None:
        app: Any = credenza.app
        task = asyncio.create_task(ask(app, "GET", path))
        await through(app.pages)  # somebody else's turn, in the same round
        await asyncio.sleep(0)
        before = app.under_way
        task.cancel()
        await asyncio.wait([task])
        assert (before, app.under_way) == (1, 0)

    credenza.run(main)


@pytest.mark.parametrize(("method", "path", "first"), [("POST", "/token", True), ("GET", "/authorize", False)])
def test_connections_of_the_database_are_kept_for_programs(
    credenza: Credenza, method: str, path: str, first: bool
) -> None:
    """F-18: what a person waits for takes no more than its part of the pool."""

    async def main() -> bool:
        await ask(credenza.app, method, path)
        return urgent.get()

    assert credenza.run(main) is first


def test_nobody_waits_longer_than_five_seconds_for_a_statement(
    credenza: Credenza, client: RelyingParty, admin: UserAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SECURITY.md G1; what administrators do may touch very many rows, and has half a minute."""
    engine, limits = type(credenza.server.engine), set()
    run = engine._run  # type: ignore[attr-defined]

    async def noting(self: Any, *arguments: Any, **options: Any) -> Any:
        limits.add(self.time_limit)
        return await run(self, *arguments, **options)

    monkeypatch.setattr(engine, "_run", noting)
    UserAgent(credenza).get(client.authorization_url())
    client.post("/token", {"grant_type": "refresh_token", "refresh_token": "none"})
    assert limits == {5.0}
    admin.get("/console/users")
    assert limits == {5.0, 30.0}
