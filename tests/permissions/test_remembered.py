"""What a user said before stays, is only theirs to take back, and is only asked about where it is new."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

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
    email = Permission("profile", "", "email")
    assert email in consent.granted
    (event,) = credenza.run(audit.list_events, name="ConsentGiven")
    assert event.user == event.actor == user_id(credenza, "ada")
    assert event.data["declined"] == [PHONE.key]
    outcomes = dict(event.data["verdicts"])
    assert (outcomes[email.key], outcomes[PHONE.key]) == ("granted", "declined")
    (event,) = credenza.run(audit.list_events, name="CodeIssued")
    assert set(event.data["scope"].split()) == {"openid", "email"}


def test_what_was_refused_is_in_the_audit_log(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.get(client.authorization_url(scope="openid phone"))
    user_agent.sign_in()
    answer = user_agent.decide("deny")
    assert isinstance(answer, Callback)
    assert answer.error == "access_denied"
    (event,) = credenza.run(audit.list_events, name="ConsentRefused")
    ada = user_id(credenza, "ada")
    assert (event.actor, event.user, event.client, event.address) == (ada, ada, "app", user_agent.address)
    assert event.data["asked"] == ["openid", "phone"]
    assert event.result == "refused"


def test_nobody_takes_back_or_changes_what_somebody_else_said(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """SECURITY R-CO-02: also not somebody who said something to the same application."""
    allow(user_agent, client, "openid phone", PHONE.key)
    allow(UserAgent(credenza), client, "openid phone", PHONE.key, user="grace")
    key, other, now = said(credenza).id, user_id(credenza, "grace"), credenza.server.now()
    assert not credenza.run(consents.revoke_permission, other, key, PHONE)
    assert not credenza.run(consents.change_answer, other, key, PHONE, granted=False, now=now)
    assert credenza.run(consents.delete_consent, other, key) is None
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


def saves(credenza: Credenza, name: str, scope: str, **changes: Any) -> frozenset[str]:
    """Say yes to one more scope; returns the scopes that count then."""
    user, now = user_id(credenza, name), credenza.server.now()
    answer = consents.Consent(
        consents.consent_id(user, "app", ""), user, "app", granted=frozenset({Permission("profile", "", scope)})
    )
    credenza.run(consents.save_consent, replace(answer, **changes), now)
    return frozenset(p.scope for p in said(credenza, name).granted)


@pytest.mark.parametrize("automatic", [False, True])
def test_what_was_said_in_another_way_does_not_come_back(credenza: Credenza, automatic: bool) -> None:
    """A yes of the user's and one that was recorded for them never stand in one answer."""
    saves(credenza, "ada", "profile", automatic=automatic)
    assert saves(credenza, "ada", "email", automatic=automatic) == {"profile", "email"}
    assert saves(credenza, "ada", "phone", automatic=not automatic) == {"phone"}


@pytest.mark.parametrize(("left", "counts"), [(30, {"profile", "email"}), (0, {"email"})])
def test_what_has_expired_does_not_come_back(credenza: Credenza, left: int, counts: set[str]) -> None:
    """An answer counts until the second in which it expires. The clock goes on meanwhile, so there is time left."""
    saves(credenza, "ada", "profile", expires_at=credenza.server.now() + 100)
    credenza.clock.move(100 - left)
    assert saves(credenza, "ada", "email", expires_at=None) == counts


def test_what_is_forgotten_is_nobody_elses(credenza: Credenza) -> None:
    """Somebody else's answer to the application as it was before stays as it is, and decides about no other."""
    saves(credenza, "grace", "profile", fingerprint="before")
    saves(credenza, "ada", "profile", fingerprint="now")
    assert saves(credenza, "ada", "email", fingerprint="now") == {"profile", "email"}
    assert saves(credenza, "ada", "phone", fingerprint="later") == {"phone"}
    assert {p.scope for p in said(credenza, "grace").granted} == {"profile"}


def test_the_page_says_who_is_asked_and_what_last(user_agent: UserAgent, client: RelyingParty) -> None:
    """Access for later stands below everything else, and a name is only doubted where nobody has checked it."""
    user_agent.get(client.authorization_url(scope="offline_access openid profile"))
    page = user_agent.sign_in("grace")
    assert isinstance(page, PageSeen)
    assert "grace@example.com" in page.text
    assert "calls itself" not in page.text
    switch = page.url.removeprefix("https://id.example.com").removesuffix("/consent") + "/switch"
    assert switch in (*page.links, *(form.action for form in page.forms))
    assert "icon-id-card" in page.html
    described = "Name, picture, language and the rest of your profile"
    lines = ("Know who you are", "Your profile", described, "Keep access while you are away", "You will return to")
    places = [page.text.index(line) for line in lines]
    assert places == sorted(places)


def test_the_page_shows_what_an_application_would_learn(user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.get(client.authorization_url(scope="openid profile"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert "Ada Lovelace, " in page.text
    assert "ada@example.com, " not in page.text, "the address was not asked for"


def test_the_page_names_the_account_whatever_is_asked_for(user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.get(client.authorization_url(scope="openid phone"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert "Ada Lovelace ada@example.com" in page.text


def test_access_while_away_that_was_allowed_before_is_not_news(user_agent: UserAgent, client: RelyingParty) -> None:
    allow(user_agent, client, "openid offline_access")
    page = user_agent.get(client.authorization_url(scope="openid offline_access email"))
    assert isinstance(page, PageSeen)
    assert page.html.count(">New<") == 1
    assert page.text.index(" New ") < page.text.index("Keep access while you are away")


def test_what_was_declined_is_not_ticked_again(user_agent: UserAgent, client: RelyingParty) -> None:
    allow(user_agent, client, "openid phone")
    page = user_agent.get(client.authorization_url(scope="openid phone", prompt="consent"))
    assert isinstance(page, PageSeen)
    assert (page.forms[0].values_of("permission"), page.forms[0].checked("permission")) == ([PHONE.key], [])


@pytest.mark.parametrize(("client_id", "warned"), [("native", True), ("app", False)])
def test_a_public_application_on_the_own_device_carries_a_warning(
    credenza: Credenza, user_agent: UserAgent, client_id: str, warned: bool
) -> None:
    """RFC 8252 §8.6: one that holds a secret, or that somebody here vouches for, is not taken for any program."""
    local = {"client_id": "app", "redirect_uris": ["http://127.0.0.1/cb"]}
    credenza.apply({"applications": [local]})
    client = RelyingParty(credenza, client_id, "http://127.0.0.1:4000/cb" if warned else "http://127.0.0.1/cb")
    user_agent.get(client.authorization_url(scope="openid profile"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert ("Continue only if you have just started it yourself." in page.text) is warned
    assert "any program could use its name" not in page.text


# -- a page that is open while its question is settled in another tab -------------------------------------------------


@pytest.fixture
def open_page(user_agent: UserAgent, client: RelyingParty) -> PageSeen:
    """A consent page, and then all that it asks is allowed in another tab."""
    user_agent.get(client.authorization_url(scope="openid phone"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    allow(user_agent, client, "openid phone", PHONE.key)
    return page


def test_m15_cancel_is_cancel(user_agent: UserAgent, open_page: PageSeen) -> None:
    """PRODUCT M15: the application got a code, since all was allowed before."""
    seen = user_agent.post(open_page.url, [*open_page.forms[0].hidden(), ("decision", "deny")])
    assert isinstance(seen, Callback)
    assert (seen.error, seen.parameters.get("code")) == ("access_denied", None)


def test_what_is_not_ticked_is_not_given(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, open_page: PageSeen
) -> None:
    """PRODUCT M12, +17: the answer was passed over, and the other tab's stood."""
    seen = user_agent.post(open_page.url, [*open_page.forms[0].hidden(), ("decision", "authorize")])
    assert isinstance(seen, Callback)
    assert PHONE in said(credenza).declined
    assert "phone" not in client.tokens(seen)["scope"].split()
