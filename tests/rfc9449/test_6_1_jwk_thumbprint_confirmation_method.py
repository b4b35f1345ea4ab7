"""How a token names its key. RFC 9449 §6.1."""

from __future__ import annotations

import jwt

from credenza.testing import ORDERS, RelyingParty, UserAgent

from .conftest import Key, redeem


def test_a_jwt_access_token_carries_the_thumbprint(user_agent: UserAgent, client: RelyingParty, key: Key) -> None:
    """The member "jkt" of "cnf" is the thumbprint of the key. RFC 9449 §6.1."""
    callback = user_agent.authorize(client, scope="openid orders:read", resource=ORDERS)
    token = redeem(client, callback, key).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["cnf"]["jkt"] == client.introspect(token)["cnf"]["jkt"]
