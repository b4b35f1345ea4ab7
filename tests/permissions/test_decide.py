"""`decide`, by itself: requested ∩ ceiling ∩ held ∩ consented, and the first filter that stopped each. DESIGN §5."""

from __future__ import annotations

from itertools import product

import pytest

from credenza.protocol.permissions import Outcome, Verdict, decide
from credenza.protocol.scopes import Permission

ONE, TWO = Permission("api", "https://a", "one"), Permission("api", "https://a", "two")


@pytest.mark.parametrize(("enabled", "held", "consented"), list(product([True, False], repeat=3)))
def test_the_first_filter_that_stops_a_permission_is_named(enabled: bool, held: bool, consented: bool) -> None:
    (verdict,) = decide(
        [ONE], {ONE: True} if enabled else {}, {ONE: "role"} if held else {}, {ONE} if consented else ()
    )
    wanted = (
        Outcome.NOT_ENABLED
        if not enabled
        else Outcome.NOT_HELD
        if not held
        else Outcome.NOT_CONSENTED
        if not consented
        else Outcome.GRANTED
    )
    assert (verdict.permission, verdict.outcome) == (ONE, wanted)
    assert verdict.granted == (enabled and held and consented)
    assert verdict.through == ("role" if enabled and held else "")


@pytest.mark.parametrize("required", [True, False])
def test_whether_it_is_required_is_told_whatever_stopped_it(required: bool) -> None:
    for held, consented in (({}, None), ({ONE: ""}, ()), ({ONE: ""}, None)):
        (verdict,) = decide([ONE], {ONE: required}, held, consented)
        assert verdict.required is required


def test_a_first_party_client_has_no_ceiling_and_asks_nobody() -> None:
    assert decide([ONE], None, {ONE: "role"}, None) == [Verdict(ONE, Outcome.GRANTED, True, "role")]
    assert decide([ONE], None, {}, None) == [Verdict(ONE, Outcome.NOT_HELD, True, "")]
    assert decide([ONE], {}, {ONE: ""}, None) == [Verdict(ONE, Outcome.NOT_ENABLED, True, "")]


def test_each_is_decided_once_in_the_order_of_the_request() -> None:
    assert [v.permission for v in decide([TWO, ONE, TWO], None, {}, None)] == [TWO, ONE]
