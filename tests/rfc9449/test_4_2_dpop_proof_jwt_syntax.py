"""How a proof is written. RFC 9449 §4.2."""

from __future__ import annotations

from credenza.testing import RelyingParty, UserAgent

from .conftest import Key, redeem


def test_typ_is_a_media_type(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    """ "A recipient … MUST treat it as if "application/" were prepended". RFC 7515 §4.1.9."""
    assert redeem(client, user_agent.authorize(client), key, typ="application/DPoP+jwt").status_code == 200


def test_a_long_jti_is_as_good_as_a_short_one(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    assert redeem(client, user_agent.authorize(client), key, jti="x" * 512).status_code == 200
