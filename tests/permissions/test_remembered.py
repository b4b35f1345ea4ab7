"""What a user said before stays, is only theirs to take back, and is only asked about where it is new."""

from __future__ import annotations

from credenza import Permission, audit, consents, users
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent

PHONE = Permission("profile", "", "phone")


def user_id(credenza: Credenza, name: str) -> str:
    found = credenza.run(users.find_user_by_identifier, name)
    assert found is not None
    return found.id


def said(credenza: Credenza, name: str = "ada") -> consents.Consent:
    (consent,) = credenza.run(consents.find_consents, user_id(credenza, name), "app", credenza.server.now())
    return consent


def allow(agent: UserAgent, client: RelyingParty, scope: str, *ticked: str, user: str = "ada") -> None:
    page = agent.get(client.authorization_url(scope=scope))
    if isinstance(page, PageSeen) and page.name == "sign-in":
        page = agent.sign_in(user)
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "/account" in page.links
    assert isinstance(agent.decide(permissions=ticked), Callback)


def test_an_optional_permission_that_was_given_stays_when_something_new_is_asked(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """The page is about what is new; what is not on its form is not taken away."""
    allow(user_agent, client, "openid phone", PHONE.key)
    assert PHONE in said(credenza).granted
    (event,) = credenza.run(audit.list_events, name="ConsentGiven")
    assert (PHONE.key in event.data["granted"], event.data["declined"]) == (True, [])
    allow(user_agent, client, "openid phone email")
    assert {p.scope for p in said(credenza).granted} >= {"phone", "email"}


def test_an_optional_permission_that_is_not_ticked_is_declined(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    allow(user_agent, client, "openid phone email")
    consent = said(credenza)
    assert PHONE in consent.declined
    assert "email" in {p.scope for p in consent.granted}


def test_nobody_takes_back_or_changes_what_somebody_else_said(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """SECURITY R-CO-02: also not somebody who said something to the same application."""
    allow(user_agent, client, "openid phone", PHONE.key)
    allow(UserAgent(credenza), client, "openid phone", PHONE.key, user="grace")
    key, other, now = said(credenza).id, user_id(credenza, "grace"), credenza.server.now()
    assert not credenza.run(consents.revoke_permission, other, key, PHONE)
    assert not credenza.run(consents.change_answer, other, key, PHONE, granted=False, now=now)
    assert credenza.run(consents.revoke_consent, other, key) is None
    assert credenza.run(consents.find_user_consent, other, key) is None
    assert PHONE in said(credenza).granted
    ada = user_id(credenza, "ada")
    assert credenza.run(consents.change_answer, ada, key, PHONE, granted=False, now=now)
    assert PHONE in said(credenza).declined
    assert credenza.run(consents.revoke_permission, ada, key, PHONE)
    assert PHONE not in said(credenza).granted | said(credenza).declined
    assert PHONE in said(credenza, "grace").granted


def test_what_is_not_enabled_is_refused_with_what_is(user_agent: UserAgent, client: RelyingParty) -> None:
    answer = user_agent.get(client.authorization_url(scope="openid address"))
    assert isinstance(answer, Callback)
    assert answer.error == "invalid_scope"
    assert "Not enabled for this application: address." in answer.parameters["error_description"]
    assert answer.parameters["error_description"].endswith("Enabled: email, openid, phone, profile.")
