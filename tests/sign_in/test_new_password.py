"""R-PW-04: nothing is changed for the calendar's sake, and a password that may be known to somebody else is changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from credenza import Settings, audit, require_new_password, sessions, state, users
from credenza.testing import PASSWORD, Callback, Credenza, PageSeen, RelyingParty, UserAgent

NEW = "a lighthouse keeper counts the ships"


def person(credenza: Credenza, name: str = "ada") -> users.User:
    found = credenza.run(users.find_user_by_identifier, name)
    assert found is not None
    return found


def ask(credenza: Credenza, name: str = "ada") -> None:
    """As the blocklist does: what is open stays open."""
    credenza.run(require_new_password, credenza.server, person(credenza, name), reason="blocklist")


def seen(answer: PageSeen | Callback) -> PageSeen:
    assert isinstance(answer, PageSeen), answer
    return answer


def choose(agent: UserAgent, password: str = NEW, again: str | None = None) -> PageSeen | Callback:
    return agent.submit([("password", password), ("password_again", password if again is None else again)])


def events(credenza: Credenza, name: str) -> list[audit.AuditEvent]:
    return credenza.run(audit.list_events, user=person(credenza).id, name=name)


def test_r_pw_04_a_new_password_before_anything_else(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """After the sign-in, before the consent page; then never again."""
    ask(credenza)
    user_agent.get(client.authorization_url())
    page = seen(user_agent.sign_in())
    assert (page.name, page.status) == ("password", 200)
    assert "Choose a new password" in page.text
    page = seen(choose(user_agent))
    assert page.name == "consent"
    assert isinstance(user_agent.decide(), Callback)
    assert not person(credenza).password_change_required
    (changed,) = events(credenza, "PasswordChanged")
    assert changed.data["through"] == "required"
    other = UserAgent(credenza)
    other.get(client.authorization_url())
    assert "is wrong" in seen(other.sign_in(password=PASSWORD)).text
    assert isinstance(other.sign_in(password=NEW), Callback)


def test_r_pw_04_the_answer_is_checked_like_any_new_password(credenza: Credenza, user_agent: UserAgent) -> None:
    ask(credenza)
    user_agent.get("/account")
    user_agent.sign_in()
    for password, again, said in (
        (NEW, "another", "not the same"),
        ("short", None, "at least"),
        ("ada lovelace credenza", None, "Do not build"),
        (PASSWORD, None, "that you have now"),
    ):
        page = seen(choose(user_agent, password, again))
        assert (page.name, page.status) == ("password", 422)
        assert said in page.text
    assert person(credenza).password_change_required
    assert events(credenza, "PasswordChanged") == []
    assert seen(choose(user_agent)).name == "account"


def test_r_pw_04_no_way_round_it(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """Neither a session that was there before, nor a page of ours, nor a silent request, nor another prompt's form."""
    user_agent.authorize(client)
    cookies = dict(user_agent.cookies)
    ask(credenza)
    assert seen(user_agent.get("/account")).name == "password"
    assert seen(user_agent.get(client.authorization_url())).name == "password"
    silent = user_agent.get(client.authorization_url(prompt="none"))
    assert isinstance(silent, Callback)
    assert silent.error == "login_required"
    page = seen(user_agent.get(client.authorization_url()))
    forged = user_agent.post(page.url.replace("new-password", "consent"), [("decision", "authorize")])
    assert seen(forged).name in ("password", "error")
    user_agent.get(client.authorization_url())
    assert isinstance(choose(user_agent), Callback)
    assert dict(user_agent.cookies)["__Host-credenza_session"] != cookies["__Host-credenza_session"]


def test_r_pw_04_the_new_password_ends_what_was_open(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid offline_access"))
    ask(credenza)
    other = UserAgent(credenza)
    other.get("/account")
    other.sign_in()
    assert client.userinfo(tokens["access_token"]).status_code == 200
    choose(other)
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.refresh(tokens["refresh_token"]).status_code == 400
    assert seen(user_agent.get("/account")).name == "sign-in"
    assert seen(other.get("/account")).name == "account"


@pytest.mark.usefixtures("signed_out_while_hashing")
def test_r_pw_04_a_session_that_ended_meanwhile_changes_nothing(credenza: Credenza, user_agent: UserAgent) -> None:
    ask(credenza)
    user_agent.get("/account")
    user_agent.sign_in()
    assert seen(choose(user_agent)).name == "sign-in"
    assert person(credenza).password_change_required
    assert events(credenza, "PasswordChanged") == []
    assert seen(user_agent.sign_in(password=PASSWORD)).name == "password"


def test_who_has_no_password_has_none_to_change(credenza: Credenza) -> None:
    assert not replace(person(credenza), password_hash=None, password_change_required=True).must_change_password


# -- the console ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_out", [True, False])
def test_r_pw_04_an_administrator_asks_for_it(
    credenza: Credenza, admin: UserAgent, user_agent: UserAgent, client: RelyingParty, sign_out: bool
) -> None:
    tokens = client.tokens(user_agent.authorize(client))
    address = f"/console/users/{person(credenza).id}"
    assert f"{address}/new-password" in seen(admin.get(address)).links
    admin.get(f"{address}/new-password")
    form = next(i for i, f in enumerate(admin.page.forms) if f.action.endswith("/new-password"))  # type: ignore[union-attr]
    page = seen(admin.submit([("sign_out", "on")] if sign_out else [], form=form))
    assert "must choose a new password" in page.text
    assert "Must be changed at the next sign-in" in page.text
    (event,) = events(credenza, "PasswordChangeRequired")
    assert event.actor == person(credenza, "root").id
    assert event.data == {"required": True, "reason": "administrator", "signed_out": sign_out}
    assert client.userinfo(tokens["access_token"]).status_code == (401 if sign_out else 200)
    assert seen(user_agent.get("/account")).name == ("sign-in" if sign_out else "password")
    admin.get(f"{address}/new-password")
    assert "may keep the password" in seen(admin.submit([], form=form)).text
    assert not person(credenza).password_change_required


def test_r_se_06_who_only_sits_at_an_open_browser_chooses_none(credenza: Credenza, user_agent: UserAgent) -> None:
    """R-PW-07: a session that is not fresh proves too little, whoever asked for the new password, and why."""
    user_agent.get("/account")
    user_agent.sign_in()
    credenza.clock.move(601)
    ask(credenza)
    for _ in range(2):
        page = seen(user_agent.get("/account"))
        assert page.name == "sign-in"
        token = page.url.split("/")[-2]
        assert seen(user_agent.get(f"/interaction/{token}/new-password")).name == "sign-in"
    assert seen(user_agent.sign_in()).name == "password"
    assert seen(choose(user_agent)).name == "account"


def test_nobody_locks_themselves_out(credenza: Credenza, admin: UserAgent) -> None:
    address = f"/console/users/{person(credenza, 'root').id}/new-password"
    admin.get(address)
    form = next(i for i, f in enumerate(admin.page.forms) if f.action.endswith("/new-password"))  # type: ignore[union-attr]
    page = seen(admin.submit([], form=form))
    assert page.status == 422
    assert "your own account" in page.text


# -- the blocklist, and the desired state -----------------------------------------------------------------------------


@pytest.fixture
def credenza_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"password_recheck": True} if "recheck" in request.node.name else {}


def test_r_pw_04_recheck_of_a_password_that_everybody_tries(credenza: Credenza, user_agent: UserAgent) -> None:
    """It proves who it is, and is changed: lists grow after passwords were chosen."""
    credenza.apply({"users": [{"username": "ada", "password": "Password1"}]})
    user_agent.get("/account")
    assert seen(user_agent.sign_in(password="Password1")).name == "password"
    (event,) = events(credenza, "PasswordChangeRequired")
    assert event.data["reason"] == "blocklist"
    assert seen(choose(user_agent)).name == "account"


def test_recheck_leaves_other_passwords_alone(credenza: Credenza, user_agent: UserAgent) -> None:
    user_agent.get("/account")
    assert seen(user_agent.sign_in()).name == "account"


def test_without_the_setting_nobody_is_asked(credenza: Credenza, user_agent: UserAgent) -> None:
    assert not Settings().password_recheck
    credenza.apply({"users": [{"username": "ada", "password": "Password1"}]})
    user_agent.get("/account")
    assert seen(user_agent.sign_in(password="Password1")).name == "account"


def test_it_is_in_the_desired_state(credenza: Credenza) -> None:
    ask(credenza)
    exported = credenza.run(state.export, credenza.server)
    assert next(u for u in exported["users"] if u["username"] == "ada")["password_change_required"] is True
    assert credenza.apply({"users": [{"username": "ada", "password_change_required": True}]}).changes == []


def declare(credenza: Credenza, *, dry: bool = False, **members: Any) -> state.Change:
    document = {"users": [{"username": "ada", **members}]}
    run = credenza.run(state.apply, credenza.server, credenza.app.state.passwords, document, Path.cwd(), dry=dry)
    (change,) = run.changes
    return change


@pytest.mark.parametrize(
    ("members", "event"),
    [
        ({"password_change_required": True}, "PasswordChangeRequired"),
        ({"password": NEW}, "PasswordChanged"),
        ({"password": NEW, "password_change_required": True}, "PasswordChangeRequired"),
        ({"suspended": True}, "ObjectChanged"),
    ],
)
def test_r_pw_04_the_desired_state_ends_what_was_open(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, members: dict[str, Any], event: str
) -> None:
    """As the console does; `diff` says so before, and a second time nothing is ended any more."""
    tokens = client.tokens(user_agent.authorize(client, scope="openid offline_access"))
    told = declare(credenza, dry=True, **members)
    assert {key: (told.before[key], told.after[key]) for key in ("sessions", "tokens")} == {
        "sessions": (1, 0),
        "tokens": (2, 0),
    }
    assert client.userinfo(tokens["access_token"]).status_code == 200
    assert declare(credenza, **members).after == told.after
    assert credenza.run(sessions.list_sessions, person(credenza).id, credenza.server.now()) == []
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.refresh(tokens["refresh_token"]).status_code == 400
    assert person(credenza).password_change_required is bool(members.get("password_change_required"))
    assert {e.actor for e in credenza.run(audit.list_events, name=event, actor="desired state")} == {"desired state"}
    if not members.get("suspended"):
        user_agent.get("/account")
        page = seen(user_agent.sign_in(password=members.get("password", PASSWORD)))
        assert page.name == ("password" if "password_change_required" in members else "account")
        assert credenza.apply({"users": [{"username": "ada", **members}]}).changes == []
        assert len(credenza.run(sessions.list_sessions, person(credenza).id, credenza.server.now())) == 1


def test_r_pw_04_the_desired_state_may_no_longer_ask(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """Nothing ends with that, and a member that says nothing of passwords ends nothing either."""
    declare(credenza, password_change_required=True)
    changed = person(credenza).password_changed_at
    user_agent.get(client.authorization_url())
    user_agent.sign_in()
    assert set(declare(credenza, password_change_required=False).after) == {"password_change_required"}
    assert set(declare(credenza, email_verified=False).after) == {"email_verified"}
    assert person(credenza).password_changed_at == changed
    last, first = credenza.run(audit.list_events, name="PasswordChangeRequired")
    assert [e.data["required"] for e in (first, last)] == [True, False]
    assert seen(user_agent.get("/account")).name == "account"


def test_r_pw_04_nothing_expires_with_time(credenza: Credenza, user_agent: UserAgent) -> None:
    """ "Verifiers … SHALL NOT require subscribers to change passwords periodically.\""""
    credenza.clock.move(10 * 365 * 24 * 3600)
    user_agent.get("/account")
    assert seen(user_agent.sign_in()).name == "account"


def test_r_pw_04_no_hints_and_no_questions(credenza: Credenza, user_agent: UserAgent) -> None:
    page = seen(user_agent.get("/account"))
    assert {f.get("name") for form in page.forms for f in form.fields} <= {
        "csrf_token",
        "identifier",
        "password",
        "decision",
        "authenticator",
        None,
    }
