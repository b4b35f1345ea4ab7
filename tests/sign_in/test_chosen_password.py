"""The sign-in page after a link that sets a password: it says what happened, knows who it was, and leads on."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from credenza import invite, users
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent

from .conftest import seen

NEW = "seven quiet lighthouses at dawn"
SAVED = "Your password is saved."


@pytest.fixture
def link(credenza: Credenza) -> str:
    """For ada."""
    ada = credenza.run(users.find_user_by_identifier, "ada")
    found: str = credenza.run(invite, credenza.server, purpose="password", user_id=ada.id)
    return found


def choose(agent: UserAgent, link: str) -> PageSeen:
    agent.get(link)
    return seen(agent.submit([("password", NEW), ("password_again", NEW)]))


def check_greeting(page: PageSeen, username: str = "ada") -> None:
    assert page.name == "sign-in"
    assert page.status == 200
    assert SAVED in page.text
    assert page.forms[0].values_of("identifier") == [username]


def test_a_saved_password_is_said_and_leads_to_the_account(user_agent: UserAgent, link: str) -> None:
    check_greeting(choose(user_agent, link))
    page = seen(user_agent.sign_in("ada", "wrong"))
    assert page.status == 422
    assert SAVED not in page.text
    assert seen(user_agent.sign_in("ada", NEW)).name == "account"


def test_the_application_that_one_came_from_goes_on(user_agent: UserAgent, client: RelyingParty, link: str) -> None:
    page = seen(user_agent.get(client.authorization_url(login_hint="grace")))
    begun = page.url.split("/")[-2]
    check_greeting(choose(user_agent, f"{link}?{urlencode({'continue': begun})}"))
    assert seen(user_agent.sign_in("ada", NEW)).name == "consent"


def test_a_sign_in_of_another_browser_is_left_alone(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, link: str
) -> None:
    """A link that was asked for on one device and opened on another ends at the account, not at an error."""
    page = seen(UserAgent(credenza).get(client.authorization_url()))
    begun = page.url.split("/")[-2]
    check_greeting(choose(user_agent, f"{link}?{urlencode({'continue': begun})}"))
    assert seen(user_agent.sign_in("ada", NEW)).name == "account"


def test_somebody_else_who_is_signed_in_is_not_taken_for_them(user_agent: UserAgent, link: str) -> None:
    user_agent.get("/account")
    assert seen(user_agent.sign_in("grace")).name == "account"
    page = choose(user_agent, link)
    check_greeting(page)
    assert "grace" not in page.text


def test_the_first_administrator_comes_to_the_console(credenza: Credenza, user_agent: UserAgent) -> None:
    for user in credenza.run(users.list_users):
        credenza.run(users.edit_user, replace(user, administrator=""), ("administrator",))
    user_agent.get(credenza.run(invite, credenza.server, purpose="administrator", user_id=None))
    fields = [("username", "Marie"), ("email", ""), ("password", NEW), ("password_again", NEW)]
    check_greeting(seen(user_agent.submit(fields)), "marie")
    assert "/console" in seen(user_agent.sign_in("marie", NEW)).url


@pytest.mark.parametrize(
    ("changed", "marked"),
    [
        ({"username": "a b"}, ["username"]),
        ({"username": "ada"}, ["username"]),
        ({"email": "nobody"}, ["email"]),
        ({"password": "short"}, ["password", "password_again"]),
        ({"password_again": "another"}, ["password", "password_again"]),
    ],
)
def test_what_is_wrong_is_marked_and_nothing_else(
    credenza: Credenza, user_agent: UserAgent, changed: dict[str, str], marked: list[str]
) -> None:
    for user in credenza.run(users.list_users):
        credenza.run(users.edit_user, replace(user, administrator=""), ("administrator",))
    user_agent.get(credenza.run(invite, credenza.server, purpose="administrator", user_id=None))
    right = {"username": "marie", "email": "marie@example.com", "password": NEW, "password_again": NEW}
    page = seen(user_agent.submit([*(right | changed).items()]))
    assert re.findall(r'name="(\w+)"[^>]*aria-invalid', page.html) == marked
    assert re.findall(r'name="(\w+)"[^>]*autofocus', page.html) == marked[:1]
