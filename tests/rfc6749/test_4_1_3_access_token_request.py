"""What a code gives, to the second, and what the log keeps of one that came twice. RFC 6749 §4.1.3, §4.1.2."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from credenza import audit
from credenza.server import Clock
from credenza.testing import SECRET, Callback, Credenza, RelyingParty, UserAgent


@pytest.fixture
def still(credenza: Credenza, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still until it is moved."""
    clock = Clock()
    clock.offset = credenza.server.now()
    monkeypatch.setattr(clock, "now", lambda: clock.offset)
    monkeypatch.setattr(credenza.server, "clock", clock)
    return clock


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400), (61, 400)])
def test_a_code_works_for_a_minute(
    still: Clock, user_agent: UserAgent, client: RelyingParty, seconds: int, status: int
) -> None:
    callback = user_agent.authorize(client)
    still.move(seconds)
    assert client.redeem(callback).status_code == status


def test_the_id_token_has_the_nonce_of_the_request(user_agent: UserAgent, client: RelyingParty) -> None:
    tokens = client.tokens(user_agent.authorize(client, nonce="a nonce"))
    assert jwt.decode(tokens["id_token"], options={"verify_signature": False})["nonce"] == "a nonce"


def test_the_log_says_through_which_grant_type(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    client.tokens(user_agent.authorize(client))
    (event,) = credenza.run(audit.list_events, name="TokenIssued")
    assert event.data["grant_type"] == "authorization_code"


def test_a_refresh_token_needs_the_consent_and_the_grant_type(credenza: Credenza, user_agent: UserAgent) -> None:
    """One of the two is not enough."""
    short: dict[str, Any] = {
        "client_id": "short",
        "client_secret": SECRET,
        "name": "No refresh",
        "type": "traditional",
        "third_party": True,
        "redirect_uris": ["https://short.example.com/cb"],
        "grant_types": ["authorization_code"],
        "permissions": {"profile": ["email"]},
    }
    credenza.apply({"applications": [short]})
    party = RelyingParty(credenza, "short", "https://short.example.com/cb")
    assert "refresh_token" not in party.tokens(user_agent.authorize(party, scope="openid email offline_access"))
    app = RelyingParty(credenza, "app", "https://app.example.com/cb")
    assert "refresh_token" not in app.tokens(user_agent.authorize(app, scope="openid email"))
    assert "refresh_token" in app.tokens(user_agent.authorize(app, scope="openid email offline_access"))


def test_a_code_that_came_twice_is_in_the_log(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """Whose it was, of which grant, and from where it came; once."""
    callback = user_agent.authorize(client)
    assert isinstance(callback, Callback)
    client.tokens(callback)
    form = {"grant_type": "authorization_code", "code": callback.code, "code_verifier": client.verifier}
    for _ in range(2):
        answer = credenza.request("POST", "/token", data=form, auth=("app", SECRET), address="192.0.2.77")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    (event,) = credenza.run(audit.list_events, name="ReuseDetected")
    (issued,) = credenza.run(audit.list_events, name="TokenIssued")
    assert (event.client, event.user, event.address) == ("app", issued.user, "192.0.2.77")
    assert (event.data["what"], event.data["grant"]) == ("code", issued.data["grant"])
