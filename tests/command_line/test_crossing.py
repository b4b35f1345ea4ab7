"""A desired state is applied while somebody changes the same things in the console."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from credenza import hold_administrators, state, transaction, users
from credenza.testing import Credenza, running
from credenza.testing import test_settings as settings_for_tests


@pytest.fixture
def credenza(filled_database_url: str) -> Iterator[Credenza]:
    with running(settings_for_tests(filled_database_url)) as started:
        yield started


def test_a_run_waits_for_what_the_console_is_about_to_change(credenza: Credenza) -> None:
    """PostgreSQL stops one of two transactions that wait for each other."""
    ada = credenza.run(users.find_user_by_identifier, "ada")
    document = {"users": [{"username": "ada", "suspended": True}]}

    changing = asyncio.Event()

    async def change() -> None:
        async with transaction():
            await hold_administrators(ada)
            changing.set()
            await asyncio.sleep(0.5)  # the run is in its transaction by now, or will be a little later
            await users.edit_user(replace(ada, phone_number="+44 20 7946 0000"), ("phone_number",))

    async def apply() -> list[str]:
        await changing.wait()
        run = await state.apply(credenza.server, credenza.app.state.passwords, document, Path.cwd())
        return [change.name for change in run.changes]

    async def both() -> list[str]:
        _, applied = await asyncio.gather(change(), apply())
        return applied

    assert credenza.run(both) == ["ada"]
    seen = credenza.run(users.find_user, ada.id)
    assert (seen.suspended, seen.phone_number) == (True, "+44 20 7946 0000")


def test_what_is_being_kept_when_it_is_ended_is_told(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is told to commit does so, whether or not somebody still waits for its answer."""

    @asynccontextmanager
    async def ended_in_the_end() -> AsyncIterator[None]:
        async with transaction():
            yield
        raise asyncio.CancelledError

    monkeypatch.setattr("credenza.state.run.alone", ended_in_the_end)
    made: list[state.Change] = []
    document = {"users": [{"username": "eve"}]}

    async def apply() -> None:
        with pytest.raises(asyncio.CancelledError):
            await state.apply(credenza.server, credenza.app.state.passwords, document, Path.cwd(), changes=made)

    credenza.run(apply)
    assert credenza.run(users.find_user_by_identifier, "eve") is not None
    assert [change.name for change in made] == ["eve"]
    assert "invitation" in made[0].made
