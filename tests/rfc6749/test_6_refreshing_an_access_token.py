"""Refreshing, to the second and to the scope; what the audit log keeps of a token that came twice. RFC 6749 §6."""

from __future__ import annotations

import pytest

from credenza import audit
from credenza.grants.refresh_token import Reused, check_scope, check_usable
from credenza.protocol.errors import InvalidGrant, InvalidScope
from credenza.protocol.parameters import Parameters
from credenza.store.grants import Details, Grant
from credenza.store.refresh_tokens import RefreshToken
from credenza.testing import Callback, Credenza, RelyingParty, UserAgent

NOW, WINDOW = 1_000_000, 10
GRANT = Grant("g", "u", "app", "s", Details(scopes=("openid", "email")))
TOKEN = RefreshToken("d", GRANT, NOW, NOW, NOW + 1, NOW + 1, spent_at=None, successor=None)


def test_a_token_works_until_the_second_in_which_it_expires() -> None:
    check_usable(TOKEN, NOW, WINDOW)
    for changes in ({"expires_at": NOW}, {"idle_expires_at": NOW}, {"expires_at": NOW - 1}):
        with pytest.raises(InvalidGrant, match="expired"):
            check_usable(TOKEN._replace(**changes), NOW, WINDOW)


def test_a_grant_that_ended_has_no_tokens() -> None:
    with pytest.raises(InvalidGrant, match="ended"):
        check_usable(TOKEN._replace(grant=GRANT._replace(revoked_at=0)), NOW, WINDOW)


def test_a_repeat_is_an_accident_for_as_long_as_the_window_is() -> None:
    spent = TOKEN._replace(spent_at=NOW, successor="e")
    check_usable(spent._replace(spent_at=NOW - WINDOW + 1), NOW, WINDOW)
    check_usable(spent._replace(expires_at=0), NOW, WINDOW)  # its successor's time counts
    for spent_at in (NOW - WINDOW, NOW - WINDOW - 1):
        with pytest.raises(Reused):
            check_usable(spent._replace(spent_at=spent_at), NOW, WINDOW)


def test_one_in_whose_place_another_one_came_is_never_good_and_no_accident_after_the_window() -> None:
    with pytest.raises(InvalidGrant, match="taken the place"):
        check_usable(TOKEN._replace(spent_at=NOW - WINDOW + 1), NOW, WINDOW)
    with pytest.raises(Reused):
        check_usable(TOKEN._replace(spent_at=NOW - WINDOW), NOW, WINDOW)


def test_6_less_than_was_granted_and_never_more() -> None:
    for scope in ("", "openid", "email openid"):
        check_scope(GRANT, Parameters([("scope", scope)]))
    with pytest.raises(InvalidScope, match="phone, address"):
        check_scope(GRANT, Parameters([("scope", "openid phone address")]))


def test_6_the_rest_of_an_authorization_is_refused(user_agent: UserAgent, client: RelyingParty) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid email offline_access"))
    answer = client.refresh(tokens["refresh_token"], scope="openid profile")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert client.refresh(tokens["refresh_token"], scope="openid email").json()["scope"] == "openid email"


def test_a_stolen_token_is_in_the_audit_log(credenza: Credenza, user_agent: UserAgent, spa: RelyingParty) -> None:
    """Whose it was, of which grant, and from where it came."""
    callback = user_agent.authorize(spa, scope="openid offline_access")
    assert isinstance(callback, Callback)
    first = spa.tokens(callback)["refresh_token"]
    spa.refresh(spa.refresh(first).json()["refresh_token"])
    form = {"grant_type": "refresh_token", "refresh_token": first, "client_id": "spa"}
    assert credenza.request("POST", "/token", data=form, address="192.0.2.77").status_code == 400
    (event,) = credenza.run(audit.list_events, name="ReuseDetected")
    (issued, *_) = credenza.run(audit.list_events, name="TokenIssued")
    assert (event.client, event.user, event.address) == ("spa", issued.user, "192.0.2.77")
    assert event.data["what"] == "refresh_token"
    assert event.data["grant"] == issued.data["grant"]
