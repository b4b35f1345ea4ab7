"""What stands around Litestar is still Litestar."""

from __future__ import annotations

from litestar import Litestar

from credenza.testing import Credenza


def test_the_table_of_routes_is_the_one_that_litestar_would_make(credenza: Credenza) -> None:
    its_own = Litestar.route_handler_method_map
    assert credenza.app.route_handler_method_map == its_own.fget(credenza.app)  # type: ignore[attr-defined]
    assert len(credenza.app.routes) > 100
