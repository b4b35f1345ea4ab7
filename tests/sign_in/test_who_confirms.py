"""Who is signed in is asked to confirm that it is them only where they are meant; and what was not done is said."""

from __future__ import annotations

import pytest

from credenza.testing import PASSWORD, Callback, Credenza, PageSeen, RelyingParty, UserAgent

from .conftest import seen
from .test_second_factor import id_token

CONFIRM = "Confirm that it is you"


@pytest.fixture
def ada(user_agent: UserAgent) -> UserAgent:
    user_agent.get("/account")
    user_agent.sign_in("ada")
    return user_agent


def typed(page: PageSeen) -> list[str]:
    return page.forms[0].values_of("identifier")


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "login", "login_hint": "ADA"}])
def test_who_is_meant_has_only_the_password_to_type(
    ada: UserAgent, client: RelyingParty, asked: dict[str, str]
) -> None:
    page = seen(ada.get(client.authorization_url(**asked)))
    assert CONFIRM in page.text
    assert typed(page) == [asked.get("login_hint", "ada@example.com")]


@pytest.mark.parametrize(
    "asked",
    [
        {"prompt": "login select_account"},
        {"prompt": "select_account", "login_hint": "grace@example.com"},
        {"prompt": "login", "login_hint": "grace@example.com"},
        {"prompt": "login", "login_hint": "nobody"},
    ],
)
def test_nobody_confirms_for_somebody_else(ada: UserAgent, client: RelyingParty, asked: dict[str, str]) -> None:
    page = seen(ada.get(client.authorization_url(**asked)))
    assert page.name == "sign-in"
    assert CONFIRM not in page.text
    assert "ada" not in page.text
    assert typed(page) == [asked.get("login_hint", "")]


def go_on(agent: UserAgent, page: PageSeen) -> PageSeen | Callback:
    """Press "Continue as …", which the page may not have any more."""
    return agent.post(page.forms[0].action, [*page.forms[0].hidden(), ("decision", "continue")])


def test_who_is_signed_in_may_be_chosen_without_a_password(
    credenza: Credenza, ada: UserAgent, client: RelyingParty
) -> None:
    """OpenID Connect Core §3.1.2.1: "amongst the multiple accounts that they might have current sessions for"."""
    since = credenza.server.now()
    credenza.clock.move(60)
    page = seen(ada.get(client.authorization_url(prompt="select_account", login_hint="ADA")))
    assert "Continue as ada@example.com" in page.text
    assert "Choose an account" in page.text
    page = seen(go_on(ada, page))
    assert page.name == "consent"
    assert id_token(client, ada.decide())["auth_time"] <= since
    page = seen(ada.get(client.authorization_url(prompt="select_account")))
    assert "Continue as" in page.text, "each time it is asked"
    assert isinstance(go_on(ada, page), Callback)


def test_or_somebody_else_signs_in(ada: UserAgent, client: RelyingParty) -> None:
    page = seen(ada.get(client.authorization_url(prompt="select_account")))
    assert typed(page) == []
    ada.sign_in("grace")
    assert client.userinfo(client.tokens(ada.decide())["access_token"]).json()["email"] == "grace@example.com"


@pytest.mark.parametrize(
    "asked",
    [
        {"prompt": "select_account", "max_age": "0"},
        {"prompt": "select_account", "max_age": "30"},
        {"prompt": "select_account", "login_hint": "grace"},
        {"prompt": "login select_account"},
        {"prompt": "login"},
    ],
)
def test_nobody_goes_on_who_must_sign_in(
    credenza: Credenza, ada: UserAgent, client: RelyingParty, asked: dict[str, str]
) -> None:
    credenza.clock.move(31)
    page = seen(ada.get(client.authorization_url(**asked)))
    assert "Continue as" not in page.text
    assert seen(go_on(ada, page)).name == "sign-in"


def test_nor_who_has_chosen_and_waited_too_long(credenza: Credenza, ada: UserAgent, client: RelyingParty) -> None:
    page = seen(ada.get(client.authorization_url(prompt="select_account", max_age="30")))
    assert seen(go_on(ada, page)).name == "consent"
    credenza.clock.move(31)
    page = seen(ada.decide())
    assert page.name == "sign-in"
    assert "Continue as" not in page.text


def test_who_presses_it_twice_goes_on(ada: UserAgent, client: RelyingParty) -> None:
    """Unless somebody else has signed in meanwhile, in another tab."""
    page = seen(ada.get(client.authorization_url(prompt="select_account")))
    assert seen(go_on(ada, page)).name == "consent"
    assert seen(go_on(ada, page)).name == "consent"
    page = seen(ada.get(client.authorization_url(prompt="select_account")))
    assert seen(ada.sign_in("grace")).name == "consent"
    assert seen(go_on(ada, page)).name == "sign-in"


def test_who_goes_on_has_no_second_factor_by_that(credenza: Credenza, ada: UserAgent, client: RelyingParty) -> None:
    """It is asked for as always; and to set one up takes a sign-in of minutes ago."""
    credenza.apply({"applications": [{"client_id": "app", "require_second_factor": True}]})
    page = seen(ada.get(client.authorization_url(prompt="select_account")))
    assert seen(go_on(ada, page)).name == "second-factor"
    credenza.clock.move(601)
    assert seen(ada.get(page.forms[0].action.removesuffix("/login"))).name == "sign-in"
    page = seen(ada.get(client.authorization_url(prompt="select_account")))
    assert "Continue as" not in page.text
    assert seen(go_on(ada, page)).name == "sign-in"


def test_nor_whose_session_has_ended_meanwhile(credenza: Credenza, ada: UserAgent, client: RelyingParty) -> None:
    page = seen(ada.get(client.authorization_url(prompt="select_account")))
    credenza.apply({"users": [{"username": "ada", "suspended": True}]})
    assert seen(go_on(ada, page)).error == "stale_form"
    page = seen(ada.get(client.authorization_url(prompt="select_account")))
    assert page.name == "sign-in"
    assert "Continue as" not in page.text


def test_nor_a_stranger(user_agent: UserAgent, client: RelyingParty) -> None:
    page = seen(user_agent.get(client.authorization_url(prompt="select_account")))
    assert "Continue as" not in page.text
    assert seen(go_on(user_agent, page)).name == "sign-in"


def test_nor_for_the_user_of_an_id_token(credenza: Credenza, ada: UserAgent, client: RelyingParty) -> None:
    """Who confirmed it came to the application with an error: somebody else had signed in."""
    grace = UserAgent(credenza)
    hint = client.tokens(grace.authorize(client, user="grace"))["id_token"]
    page = seen(ada.get(client.authorization_url(id_token_hint=hint)))
    assert page.name == "sign-in"
    assert CONFIRM not in page.text
    assert typed(page) == [""]


def test_what_was_pressed_and_not_done_is_said(credenza: Credenza, ada: UserAgent) -> None:
    """Whoever pressed "Sign out everywhere else" was led to the sign-in page and back, and it looked done."""
    page = seen(ada.get("/account/sessions"))
    credenza.clock.move(credenza.server.settings.session_idle_lifetime + 1)
    page = seen(ada.post("/account/sessions/end-others", page.forms[-1].hidden()))
    assert "Nothing was changed yet" in page.text
    page = seen(ada.sign_in("ada"))
    assert page.url.endswith("/account/sessions")
    page = seen(UserAgent(credenza).get("/account/sessions"))
    assert "Nothing was changed yet" not in page.text


def test_without_cookies_a_form_says_so(credenza: Credenza, user_agent: UserAgent) -> None:
    page = seen(user_agent.get("/device"))
    form = page.forms[0]
    answer = [*form.hidden(), ("user_code", "BCDF-GHJK")]
    page = seen(UserAgent(credenza).post(form.action, answer, headers={"referer": page.url}))
    assert page.error == "stale_form"
    assert "the browser keeps none" in page.text
    assert page.links == ["/device"]


def test_signing_out_works_in_a_tab_from_before_the_cookie_changed(credenza: Credenza, ada: UserAgent) -> None:
    """After a new password in another tab it said that the page was out of date; nobody is signed out unasked."""
    form = seen(ada.get("/account")).forms[0]
    new = "seven quiet lighthouses at dawn"
    page = seen(ada.get("/account/password"))
    fields = [("current", PASSWORD), ("password", new), ("password_again", new)]
    ada.post(page.forms[-1].action, [*page.forms[-1].hidden(), *fields])
    page = seen(ada.post(form.action, [*form.hidden(), ("decision", "sign-out")]))
    assert (page.status, page.name) == (403, "sign-out")
    assert seen(ada.get("/account")).name == "account"
    ada.post(page.forms[0].action, [*page.forms[0].hidden(), ("decision", "sign-out")])
    assert seen(ada.get("/account")).name == "sign-in"


def test_what_was_ended_in_another_tab_is_not_a_page_that_does_not_exist(credenza: Credenza, ada: UserAgent) -> None:
    other = UserAgent(credenza)
    other.get("/account")
    other.sign_in("ada")
    page = seen(ada.get("/account/sessions"))
    form = next(form for form in page.forms if form.action == "/account/sessions/end")
    assert "signed out" in seen(ada.post(form.action, form.hidden())).text
    page = seen(ada.post(form.action, form.hidden(), headers={"referer": page.url}))
    assert (page.status, page.error, page.links) == (404, "gone", ["/account/sessions", "/"])


def test_a_form_to_where_there_never_was_anything_is_not_told_that_it_was_removed(ada: UserAgent) -> None:
    page = seen(ada.post("/never/was", []))
    assert (page.status, page.error, page.links) == (404, "not_found", ["/"])


def test_a_form_to_sign_out_that_another_origin_posted_is_told_both(ada: UserAgent) -> None:
    form = seen(ada.get("/account")).forms[0]
    answer = [*form.hidden(), ("decision", "sign-out")]
    page = seen(ada.post(form.action, answer, headers={"origin": "https://other.example"}))
    assert (page.status, page.error) == (403, "stale_form")
    assert "https://other.example" in page.text
    assert seen(ada.get("/account")).name == "account"
