"""A bound token is sent with a proof of its key. RFC 9449 §7."""

from __future__ import annotations

import pytest

from credenza.testing import Credenza

from .conftest import Key, userinfo


@pytest.mark.parametrize("what", ["bearer", "no proof", "another key", "wrong ath", "no ath", "two proofs", "joined"])
def test_a_bound_token_is_nothing_without_its_key(credenza: Credenza, token: str, key: Key, what: str) -> None:
    """The request "MUST include both a DPoP proof … and the access token", RFC 9449 §7; and a resource "MUST reject a
    DPoP-bound access token received as a bearer token", RFC 9449 §7.2. SECURITY R-DP-05, A-DPO-03, A-DPO-05.
    """
    good = key.proof("/userinfo", "GET", token=token)
    answer = {
        "bearer": lambda: userinfo(credenza, token, scheme="Bearer"),
        "no proof": lambda: userinfo(credenza, token),
        "another key": lambda: userinfo(credenza, token, Key().proof("/userinfo", "GET", token=token)),
        "wrong ath": lambda: userinfo(credenza, token, key.proof("/userinfo", "GET", token="other")),
        "no ath": lambda: userinfo(credenza, token, key.proof("/userinfo", "GET")),
        "two proofs": lambda: userinfo(credenza, token, good, key.proof("/userinfo", "GET", token=token)),
        "joined": lambda: userinfo(credenza, token, f"{good}, {good}"),
    }[what]()
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("DPoP")
    assert f'error_description="{answer.json()["error_description"]}"' in answer.headers["www-authenticate"]
