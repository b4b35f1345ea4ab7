"""The times in a JWT. RFC 7519 §4.1.4, §4.1.5, §4.1.6."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.protocol.jose import SKEW, InvalidJWT, check_times

NOW = 1_700_000_000
RIGHT = {"exp": NOW + 60, "iat": NOW}


def refused(**changes: Any) -> str:
    with pytest.raises(InvalidJWT) as caught:
        check_times({name: value for name, value in (RIGHT | changes).items() if value is not None}, NOW)
    return str(caught.value)


def test_4_1_4_exp_is_the_end_on_or_after_which_it_is_nothing() -> None:
    """ "the expiration time on or after which the JWT MUST NOT be accepted for processing". RFC 7519 §4.1.4."""
    check_times(RIGHT | {"exp": NOW + 1}, NOW)
    for exp in (NOW, NOW - 1):
        assert refused(exp=exp) == "expired"
    assert "exp" in refused(exp=None)


def test_4_1_5_nbf_is_the_beginning_but_for_the_skew() -> None:
    """ "the time before which the JWT MUST NOT be accepted for processing", with "some small leeway" for clocks. RFC
    7519 §4.1.5.
    """
    for nbf in (NOW - 60, NOW, NOW + SKEW):
        check_times(RIGHT | {"nbf": nbf}, NOW)
    assert refused(nbf=NOW + SKEW + 1) == "not valid yet"
    assert SKEW <= 60


def test_4_1_6_iat_is_when_it_was_made() -> None:
    """So that it is not later than now, but for the clocks. RFC 7519 §4.1.6."""
    check_times(RIGHT | {"iat": NOW + SKEW}, NOW)
    assert refused(iat=NOW + SKEW + 1) == "not valid yet"


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["1700000060", True, [NOW], float("inf"), -1])
def test_each_of_them_is_a_number(name: str, value: object) -> None:
    """ "Its value MUST be a number containing a NumericDate value." RFC 7519 §4.1.4, §4.1.5, §4.1.6."""
    assert refused(**{name: value}) == f"{name} is missing or no number of seconds"
