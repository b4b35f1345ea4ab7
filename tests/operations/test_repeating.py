"""What a server does again and again."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from faults.waiting import wait_until

from credenza.repeating import repeated
from credenza.store.engine import StoreUnavailable
from credenza.testing import Credenza, running, test_settings


def test_of_two_servers_in_a_process_only_the_one_with_the_tables_works(credenza: Credenza, tmp_path: Path) -> None:
    """The other one would take from its queue what it cannot deliver, and delete by its own clock."""
    called: list[Any] = []

    async def work(server: Any) -> None:
        called.append(server)

    portal = credenza.portal
    with portal.wrap_async_context_manager(repeated(credenza.server, work, every=0.01, name="work")):
        wait_until(lambda: bool(called), "the work")
        with running(test_settings(f"sqlite:///{tmp_path / 'another.db'}")):
            before = len(called)
            Event().wait(0.2)
            assert len(called) <= before + 1  # one that had begun
        credenza.bind()
        before = len(called)
        wait_until(lambda: len(called) > before, "the work")


def test_what_goes_wrong_is_logged_and_tried_again(credenza: Credenza, caplog: pytest.LogCaptureFixture) -> None:
    wrong: list[Exception] = [ValueError("no"), StoreUnavailable("the disk is full")]

    async def work(server: Any) -> None:
        if wrong:
            raise wrong.pop()

    with (
        caplog.at_level(logging.WARNING, logger="credenza"),
        credenza.portal.wrap_async_context_manager(repeated(credenza.server, work, every=0.01, name="sweeping")),
    ):
        wait_until(lambda: not wrong and len(caplog.records) == 2, "two lines in the log")
    waits, failed = caplog.records
    assert (waits.levelname, waits.getMessage()) == ("WARNING", "sweeping waits: the disk is full")
    assert (failed.levelname, failed.getMessage()) == ("ERROR", "sweeping failed")
