"""Who is signed in is asked to confirm that it is them only where they are meant; and what was not done is said."""

from __future__ import annotations

import pytest

from credenza.testing import PASSWORD, Credenza, PageSeen, RelyingParty, UserAgent

from .conftest import seen

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
        {"prompt": "select_account"},
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
