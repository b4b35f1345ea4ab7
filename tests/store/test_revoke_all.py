"""`credenza revoke-all`, after restoring a backup: nobody is signed in, and no token is good. SECURITY.md F-26."""

from __future__ import annotations

from credenza.store.revocation import revoke_everything
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent


def test_nothing_that_was_given_out_is_good_any_more(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    scope = "openid profile offline_access"
    tokens = client.tokens(user_agent.authorize(client, scope=scope))
    waiting = user_agent.authorize(client, scope=scope)
    assert isinstance(waiting, Callback)
    machine = RelyingParty(credenza, "machine", "")
    own = machine.post("/token", {"grant_type": "client_credentials"}).json()["access_token"]
    ended = credenza.run(revoke_everything, credenza.server.now())
    assert ended == {"sessions": 1, "codes": 1, "grants": 1, "access_tokens": 2}
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.redeem(waiting).json()["error"] == "invalid_grant"
    assert not machine.introspect(own)["active"]
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    assert set(credenza.run(revoke_everything, credenza.server.now()).values()) == {0}, "once is enough"
