"""Accounts that people create themselves. SECURITY R-PW-03, R-PW-10, A-ENU-03, A-CON-02."""

from __future__ import annotations

import re
from typing import Any

import pytest

from credenza import users
from credenza.settings import SettingsError
from credenza.testing import Credenza, RelyingParty, UserAgent, running
from credenza.testing import test_settings as settings_for_tests

from .conftest import seen
from .test_mail import NEW, MailServer, post_office, settled

__all__ = ["post_office", "settled"]  # fixtures


@pytest.fixture
def credenza_settings(post_office: Any) -> dict[str, Any]:
    return {"signup": True, "smtp_url": f"smtp://127.0.0.1:{post_office.port}", "mail_from": "no-reply@harbour.example"}


def ask(agent: UserAgent, email: str) -> Any:
    agent.get("/signup")
    return seen(agent.submit([("email", email)]))


def test_from_the_application_and_back_to_it(
    client: RelyingParty, user_agent: UserAgent, post_office: MailServer, settled: Any, found: Any
) -> None:
    page = seen(user_agent.get(client.authorization_url()))
    user_agent.get(next(link for link in page.links if "/signup" in link))
    page = seen(user_agent.submit([("email", "Joan@example.com")]))
    assert "Check your email" in page.text
    settled()
    user_agent.get(post_office.link())
    fields = [("name", "Joan Clarke"), ("password", NEW), ("password_again", NEW)]
    page = seen(user_agent.submit([*fields, ("administrator", "full"), ("email", "root@example.com")]))
    assert page.name == "sign-in"
    assert seen(user_agent.sign_in("joan@example.com", NEW)).name == "consent"
    joan = found("joan@example.com")
    assert (joan.email_verified, joan.administrator, joan.display_name) == (True, "", "Joan Clarke")
    assert joan.profile["locale"] == "en"
    over = seen(user_agent.get(post_office.link()))
    assert over.status == 404
    assert len(over.links) == 2
    assert all(link.partition("cz_")[1] for link in over.links), "both know the sign-in that waited"


def test_who_confirms_that_it_is_them_is_offered_no_other_account(client: RelyingParty, user_agent: UserAgent) -> None:
    user_agent.get("/account")
    user_agent.sign_in("ada")
    page = seen(user_agent.get(client.authorization_url(prompt="login")))
    assert "Confirm that it is you" in page.text
    assert "Forgot your password?" in page.text
    assert "Create an account" not in page.text


def test_the_link_may_be_opened_in_another_browser(
    credenza: Credenza, client: RelyingParty, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    """On a telephone, for example: what was begun here is not there, and the new account is no error."""
    page = seen(user_agent.get(client.authorization_url()))
    user_agent.get(next(link for link in page.links if "/signup" in link))
    user_agent.submit([("email", "joan@example.com")])
    settled()
    telephone = UserAgent(credenza)
    telephone.get(post_office.link())
    page = seen(telephone.submit([("name", "Joan"), ("password", NEW), ("password_again", NEW)]))
    assert (page.status, page.name) == (200, "sign-in")
    assert "joan@example.com" in page.html
    assert seen(telephone.sign_in("joan@example.com", NEW)).name == "account"


def test_nobody_learns_who_has_an_account(credenza: Credenza, post_office: MailServer, settled: Any) -> None:
    answers = set()
    for email in ("ada@example.com", "new@example.com"):
        page = ask(UserAgent(credenza), email)
        answers.add((page.status, re.sub(r"cz_\w+|[0-9a-f]{64}", "", page.html.replace(email, "…"))))
    assert len(answers) == 1
    settled()
    assert {mail["To"] for mail in post_office.mails} == {"ada@example.com", "new@example.com"}
    known = next(i for i, mail in enumerate(post_office.mails) if mail["To"] == "ada@example.com")
    assert "You have one already." in post_office.text(known)
    assert "/signup/" not in post_office.text(known)


def test_no_account_without_the_link(credenza: Credenza, post_office: MailServer, settled: Any, found: Any) -> None:
    agent = UserAgent(credenza)
    ask(agent, "joan@example.com")
    settled()
    assert found("joan@example.com") is None
    for token in ("x", "cz_cnf_" + "A" * 50, "%00"):
        assert seen(agent.get(f"/signup/{token}")).status in (400, 404)


def test_a_weak_password_leaves_the_link_unused(
    user_agent: UserAgent, post_office: MailServer, settled: Any, found: Any
) -> None:
    ask(user_agent, "joan@example.com")
    settled()
    user_agent.get(post_office.link())
    context = "joan example joan example"
    for password, again in (("short", "short"), (NEW, NEW + "x"), (context, context)):
        page = seen(user_agent.submit([("name", "Joan"), ("password", password), ("password_again", again)]))
        assert page.status == 422
        assert password not in page.html
    user_agent.submit([("name", "Joan"), ("password", NEW), ("password_again", NEW)])
    assert found("joan@example.com") is not None


def test_a_name_is_written_as_on_ones_own_keyboard(
    user_agent: UserAgent, post_office: MailServer, settled: Any, found: Any
) -> None:
    """In Japan with a wide space between the family's name and the given one."""
    ask(user_agent, "taro@example.com")
    settled()
    user_agent.get(post_office.link())
    user_agent.submit([("name", "山田\u3000太郎"), ("password", NEW), ("password_again", NEW)])
    assert found("taro@example.com").display_name == "山田\u3000太郎"


def test_a_name_that_is_short_enough_is_not_called_too_long(
    user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    """In the language of the page."""
    ask(user_agent, "zoe@example.com")
    settled()
    fields = [*seen(user_agent.get(post_office.link())).forms[0].hidden(), ("password", NEW), ("password_again", NEW)]
    form = [*fields, ("name", "Zoe" + "\u0308" * 5)]
    page = seen(user_agent.post(post_office.link(), form, headers={"accept-language": "de"}))
    assert page.status == 422
    assert "höchstens vier Striche oder Punkte an einem Buchstaben" in page.text
    assert re.findall(r'name="(\w+)"[^>]*aria-invalid', page.html) == ["name"]
    assert re.findall(r'name="(\w+)"[^>]*autofocus', page.html) == ["name"]


def test_mails_are_in_the_language_that_somebody_signed_up_in(
    user_agent: UserAgent, post_office: MailServer, settled: Any, found: Any
) -> None:
    """What is told of one's account later, too, which nobody's browser says the language of."""
    page = seen(user_agent.get("/signup"))
    german = {"accept-language": "de"}
    user_agent.post("/signup", [*page.forms[0].hidden(), ("email", "lise@example.com")], headers=german)
    settled()
    assert post_office.text().startswith("Jemand, hoffentlich Sie,"), "a sentence, as there is no greeting before it"
    page = seen(user_agent.get(post_office.link()))
    form = [*page.forms[0].hidden(), ("name", "Lise"), ("password", NEW), ("password_again", NEW)]
    user_agent.post(post_office.link(), form, headers=german)
    assert found("lise@example.com").profile == {"locale": "de", "name": "Lise"}


def test_it_is_throttled(credenza: Credenza, post_office: MailServer) -> None:
    statuses = [ask(UserAgent(credenza), f"joan{n}@example.com").status for n in range(15)]
    assert 429 in statuses


@pytest.mark.parametrize("email", ["", "x", "a@b", "x" * 400 + "@example.com", "a b@example.com", "\x00@example.com"])
def test_odd_addresses(user_agent: UserAgent, post_office: MailServer, settled: Any, email: str) -> None:
    assert ask(user_agent, email).status in (400, 422)
    settled()
    assert not post_office.mails


def test_an_address_that_got_an_account_meanwhile(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    ask(user_agent, "joan@example.com")
    settled()
    credenza.apply({"users": [{"username": "joan", "email": "joan@example.com"}]})
    assert seen(user_agent.get(post_office.link())).status == 404
    assert credenza.run(users.count_users, search="joan") == 1


class TestWhenItIsOff:
    @pytest.fixture
    def credenza_settings(self) -> dict[str, Any]:
        return {}

    def test_there_is_no_such_page(self, user_agent: UserAgent) -> None:
        assert "Create an account" not in seen(user_agent.get("/account")).text
        assert seen(user_agent.get("/signup")).status == 404


def test_it_needs_mail(credenza_database: str) -> None:
    with pytest.raises(SettingsError, match="smtp_url"), running(settings_for_tests(credenza_database, signup=True)):
        pass
