"""What was proved in one sign-in is worth nothing in another, or after the password that proved it was changed.

SECURITY R-SE-02, R-SE-06, R-PW-12.
"""

from __future__ import annotations

import re

import pyotp
import pytest

from credenza import sessions, users
from credenza.testing import PASSWORD, Credenza, PageSeen, RelyingParty, UserAgent

from .conftest import APP, Enrolled, press, seen
from .test_second_factor import id_token

NEW = "seven quiet lighthouses at dawn"
MFA = "urn:credenza:acr:mfa"


def change_password(agent: UserAgent) -> None:
    agent.get("/account/password")
    page = press(
        agent,
        "/account/password",
        ("current", PASSWORD),
        ("password", NEW),
        ("password_again", NEW),
        ("end_others", "yes"),
    )
    assert "Your password is changed" in page.text


def owner_changes_the_password(credenza: Credenza) -> None:
    owner = UserAgent(credenza)
    credenza.clock.move(2)
    owner.get("/account/password")
    owner.sign_in()
    change_password(owner)


def setup_key(page: PageSeen) -> pyotp.TOTP:
    return pyotp.TOTP(re.findall(r"<code>([A-Z2-7]{32})</code>", page.html)[0])


def test_whoever_waits_at_the_second_step_does_not_get_in_with_the_old_password(
    credenza: Credenza, client: RelyingParty
) -> None:
    thief = UserAgent(credenza)
    thief.get(client.authorization_url(acr_values=MFA))
    assert seen(thief.sign_in()).name == "second-factor"
    owner_changes_the_password(credenza)
    assert seen(thief.submit([("decision", "skip")])).name not in ("consent", "account")
    assert seen(thief.get("/account")).name == "sign-in"


def test_nor_sets_up_a_second_factor(credenza: Credenza, client: RelyingParty) -> None:
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "require_second_factor": True}]})
    thief = UserAgent(credenza)
    thief.get(client.authorization_url())
    key = setup_key(seen(thief.sign_in()))
    owner_changes_the_password(credenza)
    thief.submit([("code", key.at(credenza.server.now()))])
    owner = UserAgent(credenza)
    owner.get("/account")
    assert seen(owner.sign_in("ada", NEW)).name == "account"


def test_a_factor_set_up_in_one_sign_in_is_asked_for_in_the_next(credenza: Credenza, client: RelyingParty) -> None:
    """Though both belong to one request of an application."""
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "require_second_factor": True}]})
    agent = UserAgent(credenza)
    agent.get(client.authorization_url())
    key = setup_key(seen(agent.sign_in()))
    agent.submit([("code", key.at(credenza.server.now()))])
    page = seen(agent.submit([]))
    assert page.name == "consent"
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    credenza.run(sessions.delete_sessions, ada.id)
    agent.get(page.url)
    assert seen(agent.sign_in()).name == "second-factor"
    page = seen(agent.submit([("code", "")]))
    assert page.name == "second-factor"
    assert page.status == 422


def test_a_password_does_not_stand_for_the_second_factor(
    credenza: Credenza, client: RelyingParty, enrolled: Enrolled
) -> None:
    """Changing it keeps what the session had proved, and when: it is no proof of the other factor."""
    agent, _, _ = enrolled()
    before = id_token(client, agent.authorize(client))
    credenza.clock.move(4000)
    change_password(agent)
    assert seen(agent.get(APP)).name == "sign-in"
    after = id_token(client, agent.authorize(client, prompt="none"))
    assert {name: after[name] for name in ("acr", "amr", "auth_time")} == {
        name: before[name] for name in ("acr", "amr", "auth_time")
    }


@pytest.mark.parametrize("same", [False, True])
def test_a_session_that_somebody_else_takes_over_ends(
    credenza: Credenza, client: RelyingParty, user_agent: UserAgent, same: bool
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile"))
    assert client.userinfo(tokens["access_token"]).status_code == 200
    user_agent.get(client.authorization_url(scope="openid profile", prompt="login"))
    user_agent.sign_in("ada" if same else "grace")
    status = client.userinfo(tokens["access_token"]).status_code
    assert status == (200 if same else 401)  # who signs in again goes on with the same session
