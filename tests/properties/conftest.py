"""One server for all that is tried: each example brings a user of its own."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from credenza import cleaning
from credenza.server import Clock
from credenza.store import users
from credenza.testing import Credenza, running, test_settings


class Still(Clock):
    """A clock that stands still until it is moved: what is expected to the second does not depend on this machine."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.offset = clock.now()

    def now(self) -> int:
        return self.offset


@pytest.fixture(scope="module")
def patient(credenza_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Credenza]:
    """A server that counts no failures and cleans nothing up, so that only what is asked of it happens."""
    path = tmp_path_factory.mktemp("properties") / "credenza.db"
    shutil.copyfile(credenza_template, path)
    settings = test_settings(f"sqlite:///{path}", rate_limit=False, registration="open")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cleaning, "EVERY", 10**9)
        with running(settings) as started:
            started.server.clock = Still(started.clock)
            yield started


@pytest.fixture(scope="module")
def new_user(patient: Credenza) -> Callable[[], str]:
    """Somebody like Ada, whom no other example knows; returns the user name."""
    numbers = itertools.count(1)

    def make() -> str:
        name = f"somebody{next(numbers)}"

        async def insert() -> None:
            ada: Any = await users.find_user_by_identifier("ada")
            person = replace(ada, id=users.new_user_id(), username=name, email=f"{name}@example.com")
            await users.insert_user(person)

        patient.run(insert)
        return name

    return make
