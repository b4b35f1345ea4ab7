"""Changing the password. NIST SP 800-63B §3.1.1; SECURITY R-PW-01 to -07, R-SE-02, R-SE-06."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from credenza import UserRow, audit, users
from credenza.testing import PASSWORD, Callback, Credenza, PageSeen, RelyingParty, UserAgent
from credenza.web.tries import FREE_FAILURES

Press = Callable[..., PageSeen | Callback]
Account = Callable[..., UserAgent]

NEW = "seven quiet lighthouses at dawn"


def seen(page: PageSeen | Callback) -> PageSeen:
    assert isinstance(page, PageSeen), page.url
    return page


def change(agent: UserAgent, press: Press, **changes: str | None) -> PageSeen:
    """A change that is right but for `changes`."""
    agent.get("/account/password")
    form: dict[str, str | None] = {
        "current": PASSWORD,
        "password": NEW,
        "password_again": NEW,
        "end_others": "yes",
        **changes,
    }
    return seen(press(agent, "/account/password", *((n, v) for n, v in form.items() if v is not None)))


def signs_in(credenza: Credenza, password: str) -> bool:
    agent = UserAgent(credenza)
    agent.get("/account")
    return seen(agent.sign_in("ada", password)).name == "account"


def test_the_new_password_takes_the_place_of_the_old_one(credenza: Credenza, account: Account, press: Press) -> None:
    """SECURITY.md R-PW-07."""
    page = change(account("ada"), press)
    assert (page.status, page.name) == (200, "account")
    assert "Your password is changed." in page.text
    assert signs_in(credenza, NEW)
    assert not signs_in(credenza, PASSWORD)


@pytest.mark.usefixtures("signed_out_while_hashing")
def test_a_session_that_ended_meanwhile_changes_nothing(credenza: Credenza, account: Account, press: Press) -> None:
    """Of two who know the old password the second one to answer was the one whose new password counted."""
    assert change(account("ada"), press).name == "sign-in"
    assert not signs_in(credenza, NEW)
    assert signs_in(credenza, PASSWORD)


def test_it_is_said_once(account: Account, press: Press) -> None:
    ada = account("ada")
    change(ada, press)
    assert "Your password is changed." not in seen(ada.get("/account/password")).text


WRONG: list[tuple[dict[str, str | None], str, str]] = [
    ({"current": "not it"}, "current", "This is not your current password."),
    ({"current": None}, "current", "This is not your current password."),
    ({"password": "short", "password_again": "short"}, "password", "Use at least 15 characters."),
    ({"password": None, "password_again": None}, "password", "Use at least 15 characters."),
    ({"password": "a" * 20, "password_again": "a" * 20}, "password", "more different characters"),
    ({"password": "ada lovelace credenza", "password_again": "x"}, "password", "Do not build the password from"),
    ({"password": PASSWORD, "password_again": PASSWORD}, "password", "the password that you have now"),
    ({"password": "y" + "x" * 1024}, "password", "at most 1,024"),
    ({"password_again": NEW.upper()}, "password_again", "The two passwords are not the same."),
]


def test_what_is_wrong_is_said_beside_its_field(credenza: Credenza, account: Account, press: Press) -> None:
    ada = account("ada")
    for changes, field, reason in WRONG:
        page = change(ada, press, **changes)
        assert page.status == 422
        assert reason in page.text
        (wrong,) = (f for form in page.forms for f in form.fields if f.get("aria-invalid"))
        assert (wrong["name"], wrong["aria-describedby"]) == (field, "message")
        assert NEW not in page.html
    assert signs_in(credenza, PASSWORD)


def test_other_sessions_end(account: Account, press: Press) -> None:
    """SECURITY.md R-PW-07."""
    here, there = account("ada"), account("ada")
    assert seen(here.get("/account/password")).forms[-1].checked("end_others") == ["yes"]
    change(here, press)
    assert seen(there.get("/account")).name == "sign-in"
    assert seen(here.get("/account")).name == "account"


def test_other_sessions_stay_if_asked_to(account: Account, press: Press) -> None:
    here, there = account("ada"), account("ada")
    change(here, press, end_others=None)
    assert seen(there.get("/account")).name == "account"


def test_the_choice_survives_an_error(account: Account, press: Press) -> None:
    page = change(account("ada"), press, current="not it", end_others=None)
    assert page.forms[-1].checked("end_others") == []


@pytest.mark.parametrize("end_others", ["yes", None])
def test_every_token_ends(user_agent: UserAgent, client: RelyingParty, press: Press, end_others: str | None) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    change(user_agent, press, end_others=end_others)
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.introspect(tokens["access_token"]) == {"active": False}


def test_whoever_copied_the_cookie_is_out(credenza: Credenza, account: Account, press: Press) -> None:
    """SECURITY R-SE-02: a new session id, and the old one dead; the session's public name stays."""
    here = account("ada")
    thief = UserAgent(credenza)
    thief.cookies.update(here.cookies)
    assert seen(thief.get("/account")).name == "account"
    change(here, press, end_others=None)
    assert seen(thief.get("/account")).name == "sign-in"
    assert seen(here.get("/account/sessions")).text.count("This browser") == 1


def test_guessing_is_as_slow_as_at_sign_in(credenza: Credenza, account: Account, press: Press) -> None:
    """SECURITY R-PW-09."""
    ada = account("ada")
    for wait in (*[0] * FREE_FAILURES, 1, 2, 4, 8, 16, 32, 64):  # and then longer than this test takes
        credenza.clock.move(wait)
        assert change(ada, press, current="not it").status == 422
    page = change(ada, press, current="not it")
    assert (page.status, "Too many tries" in page.text) == (429, True)
    assert change(ada, press).status == 429  # the right one has to wait as well


def test_a_stranger_who_guesses_elsewhere_holds_up_nobody_who_is_signed_in(
    credenza: Credenza, account: Account, press: Press
) -> None:
    """SECURITY A-BRU-01."""
    ada = account("ada")
    for _ in range(2 * FREE_FAILURES):
        signs_in(credenza, "wrong")
    assert "Your password is changed." in change(ada, press).text


def test_nothing_changes_without_csrf_token(credenza: Credenza, account: Account) -> None:
    form = [("current", PASSWORD), ("password", NEW), ("password_again", NEW)]
    assert seen(account("ada").post("/account/password", form)).status == 403
    assert signs_in(credenza, PASSWORD)


def test_the_change_is_written_down_without_the_password(credenza: Credenza, account: Account, press: Press) -> None:
    change(account("ada"), press)
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    (event,) = credenza.run(audit.list_events, user=ada.id, name="PasswordChanged")
    assert (event.actor, event.data) == (ada.id, {"through": "account"})


def test_extra_fields_are_ignored(credenza: Credenza, account: Account, press: Press) -> None:
    """SECURITY A-CON-02."""
    before = credenza.run(users.find_user_by_identifier, "ada")
    change(account("ada"), press, administrator="full", user="grace", username="root", email="x@example.com")
    after = credenza.run(users.find_user_by_identifier, "ada")
    assert before is not None
    assert after is not None
    assert (after.administrator, after.email, after.id) == ("", before.email, before.id)
    assert signs_in(credenza, NEW)


def test_an_account_without_a_password_is_told_so(credenza: Credenza, account: Account, press: Press) -> None:
    ada = account("ada")
    found = credenza.run(users.find_user_by_identifier, "ada")
    assert found is not None
    row = UserRow
    credenza.run(row.update({row.password_hash: None}).where(row.id == found.id).run)
    page = seen(ada.get("/account/password"))
    assert "You sign in without a password." in page.text
    assert len(page.forms) == 1  # signing out
    token = page.forms[0].hidden()[0]
    answer = seen(ada.post("/account/password", [token, ("current", "x"), ("password", NEW), ("password_again", NEW)]))
    assert answer.status == 422
