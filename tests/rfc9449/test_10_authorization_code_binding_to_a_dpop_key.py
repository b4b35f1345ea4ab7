"""A code that is bound to a key. RFC 9449 §10."""

from __future__ import annotations

from credenza.protocol.jose import thumbprint_of
from credenza.testing import RelyingParty, UserAgent

from .conftest import Key, redeem


def test_the_code_is_bound_by_dpop_jkt(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    """ "If they do not match, it MUST reject the request." RFC 9449 §10. SECURITY R-DP-07, A-DPO-10."""
    jkt = thumbprint_of(key.jwk)
    assert redeem(client, user_agent.authorize(client, dpop_jkt=jkt), key).status_code == 200
    other = redeem(client, user_agent.authorize(client, dpop_jkt=jkt), Key())
    assert other.json()["error"] in ("invalid_grant", "invalid_dpop_proof")
    assert client.redeem(user_agent.authorize(client, dpop_jkt=jkt)).status_code == 400
