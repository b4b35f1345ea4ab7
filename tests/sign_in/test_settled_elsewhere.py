"""A sign-in page is answered when somebody has signed in, in this tab or another one. PRODUCT M15, SECURITY R-SE-07."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from credenza import users
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent


@pytest.fixture
def own(credenza: Credenza) -> RelyingParty:
    """A first-party application: nobody sees whom it is told about."""
    return RelyingParty(credenza, "own", "https://own.example.com/cb")


@pytest.fixture
def open_page(user_agent: UserAgent, own: RelyingParty) -> PageSeen:
    """The sign-in page; then Ada signs in in another tab."""
    page = user_agent.get(own.authorization_url())
    assert isinstance(page, PageSeen)
    user_agent.get("/account")
    user_agent.sign_in("ada")
    return page


def answered(user_agent: UserAgent, page: PageSeen, *fields: tuple[str, str]) -> PageSeen | Callback:
    return user_agent.post(page.url, [*page.forms[0].hidden(), *fields])


def signed_in(credenza: Credenza, own: RelyingParty, seen: PageSeen | Callback) -> str:
    """Who the application is told about."""
    subject = jwt.decode(own.tokens(seen)["id_token"], options={"verify_signature": False})["sub"]
    user = credenza.run(users.find_user, subject)
    assert user is not None
    return user.username


def test_m15_cancel_is_cancel(user_agent: UserAgent, open_page: PageSeen) -> None:
    seen = answered(user_agent, open_page, ("decision", "deny"))
    assert isinstance(seen, Callback)
    assert (seen.error, seen.parameters.get("code")) == ("access_denied", None)


@pytest.mark.parametrize("identifier", ["ada", " ADA@example.com "])
def test_whoever_is_the_same_goes_on(
    credenza: Credenza, user_agent: UserAgent, own: RelyingParty, open_page: PageSeen, identifier: str
) -> None:
    """Also whoever presses the button twice."""
    seen = answered(user_agent, open_page, ("identifier", identifier), ("password", "whatever"))
    assert signed_in(credenza, own, seen) == "ada"


@pytest.mark.parametrize("identifier", ["grace", "nobody"])
def test_nobody_is_taken_for_somebody_else(
    credenza: Credenza, user_agent: UserAgent, own: RelyingParty, open_page: PageSeen, identifier: str
) -> None:
    """Grace typed her name and password, and the application was told about Ada."""
    page = answered(user_agent, open_page, ("identifier", identifier), ("password", "correct horse battery staple"))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    assert "Confirm that it is you" not in page.text
    assert signed_in(credenza, own, user_agent.sign_in("grace")) == "grace"


def test_a_passkey_may_be_anybodys(
    credenza: Credenza, user_agent: UserAgent, own: RelyingParty, open_page: PageSeen
) -> None:
    """Whoever uses one, though Ada has signed in elsewhere, is asked for it once more."""
    page = answered(user_agent, open_page, ("authenticator", "passkey"), ("answer", "{}"))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    assert signed_in(credenza, own, user_agent.sign_in("grace")) == "grace"


def test_whoever_goes_back_to_sign_in_as_somebody_else(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """With the button of the browser, from the consent page: that was Ada's again."""
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    user_agent.sign_in("ada")
    again = answered(user_agent, page, ("identifier", "grace"), ("password", "correct horse battery staple"))
    assert isinstance(again, PageSeen)
    assert again.name == "sign-in"
    user_agent.sign_in("grace")
    assert signed_in(credenza, client, user_agent.decide()) == "grace"


def test_whoever_goes_back_from_the_second_factor(
    credenza: Credenza, user_agent: UserAgent, own: RelyingParty, enrolled: Any
) -> None:
    """It was asked for Ada's code, whoever typed their name."""
    enrolled("ada")
    page = user_agent.get(own.authorization_url())
    assert isinstance(page, PageSeen)
    second = user_agent.sign_in("ada")
    assert isinstance(second, PageSeen)
    assert second.name == "second-factor"
    again = answered(user_agent, page, ("identifier", "ada"), ("password", "correct horse battery staple"))
    assert isinstance(again, PageSeen)
    assert again.name == "second-factor", "the button was pressed twice"
    again = answered(user_agent, page, ("identifier", "grace"), ("password", "correct horse battery staple"))
    assert isinstance(again, PageSeen)
    assert again.name == "sign-in"
    assert signed_in(credenza, own, user_agent.sign_in("grace")) == "grace"


def test_an_answer_from_another_site_changes_nothing(
    credenza: Credenza, user_agent: UserAgent, own: RelyingParty, open_page: PageSeen
) -> None:
    """SECURITY R-BR-05."""
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    seen = user_agent.post(open_page.url, [("decision", "deny")], headers=headers)
    assert isinstance(seen, PageSeen)
    assert seen.status == 403
    assert signed_in(credenza, own, user_agent.get(open_page.url)) == "ada"


def test_not_you_asks_nobody_to_confirm_that_it_is_them(user_agent: UserAgent, client: RelyingParty) -> None:
    """PRODUCT M14: "not you?" led to "Confirm that it is you", with the account that it is not."""
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in("ada")
    assert isinstance(page, PageSeen)
    page = user_agent.get(page.url.removesuffix("/consent") + "/switch")
    assert isinstance(page, PageSeen)
    assert "Confirm that it is you" not in page.text
    assert "ada" not in page.text
    page = user_agent.sign_in("ada", "wrong")
    assert isinstance(page, PageSeen)
    assert "Confirm that it is you" not in page.text
