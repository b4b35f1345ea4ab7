"""A database that goes away while a server starts, wherever that is. SECURITY.md F-04, I5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from faults.waiting import wait_until

from credenza import starting
from credenza.testing import running, test_settings

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]
MOST = 200


def test_f_04_a_start_survives_a_database_that_goes_away_at_any_moment(
    filled_postgresql_url: str, through_proxy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each of the packets that a start sends: it waits, and serves once the database is back."""
    monkeypatch.setattr(starting, "EVERY", 0.05)
    url, proxy = through_proxy(filled_postgresql_url)
    for number in range(MOST):
        proxy.closed_itself.clear()
        proxy.packets = number
        with running(test_settings(url)) as credenza:
            if not proxy.closed_itself.is_set():
                proxy.packets = None
                break
            assert credenza.request("GET", "/healthz").status_code == 200
            proxy.open()
            wait_until(lambda credenza=credenza: credenza.server.up, f"a start that was cut after {number} packets")
            assert credenza.request("GET", "/readyz").status_code == 200
    assert 5 < number < MOST - 1, f"a start of {number} packets"
