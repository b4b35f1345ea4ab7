"""A proof is good once, and is remembered for that. RFC 9449 §11.1."""

from __future__ import annotations

from dataclasses import replace

import pytest

from credenza.testing import Credenza, RelyingParty, UserAgent
from credenza.web import dpop

from .conftest import Key, redeem, userinfo


def test_a_proof_is_used_once(credenza: Credenza, token: str, key: Key) -> None:
    """The jti is remembered as long as the proof would be accepted, "to prevent multiple uses of the same DPoP proof".
    RFC 9449 §11.1. SECURITY R-DP-04, A-DPO-01, A-DPO-06.
    """
    proof = key.proof("/userinfo", "GET", token=token, now=credenza.clock.now() + 50)
    assert userinfo(credenza, token, proof).status_code == 200
    for seconds in (0, 50, 58):
        credenza.clock.move(seconds)
        again = userinfo(credenza, token, proof)
        assert again.status_code == 401
        assert again.json()["error"] == "invalid_dpop_proof"


def test_two_keys_may_choose_the_same_jti(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """SECURITY A-DPO-07."""
    for key in (Key(), Key()):
        assert redeem(client, user_agent.authorize(client), key, jti="the-same").status_code == 200


def test_strangers_leave_only_so_many_proofs_behind(
    credenza: Credenza, spa: RelyingParty, client: RelyingParty, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-BRU-13: each is remembered for minutes, also when the request is refused; whoever is known may send more."""
    monkeypatch.setattr(dpop, "BY_ADDRESS", replace(dpop.BY_ADDRESS, burst=3, seconds=3600))

    def nonsense(party: RelyingParty, address: str = "203.0.113.7", path: str = "/token") -> int:
        headers = {"dpop": key.proof(path)}
        return party.post(path, {"grant_type": "authorization_code"}, headers=headers, address=address).status_code

    assert [nonsense(spa) for _ in range(5)] == [400, 400, 400, 400, 429]
    assert nonsense(spa, path="/par") == 429
    assert (nonsense(spa, "203.0.113.8"), nonsense(client)) == (400, 400)
