"""What is stored about a user, on a page and as a file. SECURITY R-CO-05, R-BR-06, P-20."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from credenza import ObjectChanged, audit, sessions, users
from credenza.testing import PASSWORD, Callback, Credenza, PageSeen, RelyingParty, UserAgent
from credenza_account import deletion

Account = Callable[..., UserAgent]
Press = Callable[..., PageSeen | Callback]


def seen(page: PageSeen | Callback) -> PageSeen:
    assert isinstance(page, PageSeen), page.url
    return page


def download(agent: UserAgent) -> dict[str, Any]:
    response = agent.send("GET", "/account/data.json")
    assert response.status_code == 200
    return dict(response.json())


def test_the_page_says_what_is_stored(account: Account) -> None:
    page = seen(account("ada").get("/account/data"))
    assert (page.status, page.name) == (200, "account")
    for text in (
        "Ada Lovelace",
        "ada@example.com",
        "Email verified Yes",
        "support",
        "Given name Ada",
        "Last signed in",
    ):
        assert text in page.text


def test_claims_that_plugins_bring_have_words_in_each_language(credenza: Credenza, account: Account) -> None:
    credenza.apply({"organizations": [{"name": "Acme", "members": [{"username": "ada"}]}]})
    page = seen(account("ada").get("/account/data", headers={"accept-language": "de"}))
    assert "Organisationen Acme" in page.text
    assert "Rollen support" in page.text
    assert "Organization" not in page.text


def test_the_page_has_the_headings_that_applications_have(credenza: Credenza, account: Account) -> None:
    """And not what somebody is asked for: "The organization you choose", "Your roles there"."""
    credenza.apply({"organizations": [{"name": "Acme", "members": [{"username": "ada"}]}]})
    headings = re.findall("<h2>(.+)</h2>", seen(account("ada").get("/account/data")).html)
    ours = ["Also stored", "Take it with you", "Delete your account"]
    assert headings == ["Your account", "Your organization", *ours]


def test_the_page_has_no_rows_without_a_value(account: Account) -> None:
    """Of somebody who is in no organization, for example."""
    page = seen(account("grace").get("/account/data"))
    assert "Your organization" not in page.text
    assert "<bdi></bdi>" not in page.html


def test_the_file_is_a_download_that_nobody_keeps(account: Account) -> None:
    """ "attachment" asks the browser to save what it is sent, under the name beside it. RFC 6266 §4.2, §4.3."""
    response = account("ada").send("GET", "/account/data.json")
    assert response.headers["content-type"].startswith("application/json")
    assert response.headers["content-disposition"] == 'attachment; filename="account-ada.json"'
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_the_file_holds_profile_consents_sessions_and_events(
    user_agent: UserAgent, client: RelyingParty, account: Account
) -> None:
    account("ada")
    client.tokens(user_agent.authorize(client))
    data = download(user_agent)
    assert data["account"]["email"] == "ada@example.com"
    assert data["profile"]["name"] == "Ada Lovelace"
    assert data["released_by_scopes"]["roles"] == ["support"]
    (application,) = data["applications"]
    assert (application["name"], application["allowed"]) == (
        "Harbour Wiki",
        ["openid openid", "profile email", "profile profile"],
    )
    assert [session["current"] for session in data["sessions"]].count(True) == 1
    assert len(data["sessions"]) == 2
    names = {event["name"] for event in data["events"]}
    assert {"UserSignedIn", "ConsentGiven", "TokenIssued"} <= names
    assert not data["older_events_left_out"]


def test_the_file_says_until_when_a_consent_counts_also_by_a_lifetime_that_was_set_later(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    user_agent.authorize(client)

    def lifetime(seconds: int) -> dict[str, Any]:
        credenza.apply({"applications": [{"client_id": "app", "metadata": {"consent_lifetime": seconds}}]})
        (application,) = download(user_agent)["applications"]
        return dict(application)

    (application,) = download(user_agent)["applications"]
    assert application["expires_at"] is None
    first, second = (datetime.fromisoformat(lifetime(seconds)["expires_at"]) for seconds in (3600, 60))
    assert (first - datetime.fromisoformat(application["last_changed_at"])).seconds == 3600
    assert (first - second).seconds == 3540


def test_the_file_holds_no_secret(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """SECURITY R-CO-05: explicit members, "client secrets, hashes, tokens … are never returned"."""
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    text = user_agent.send("GET", "/account/data.json").text
    cookies = [cookie.value or "" for cookie in user_agent.cookies.jar]
    for secret in (PASSWORD, ada.password_hash or "", "argon2", *cookies, *map(str, tokens.values()), "digest"):
        if len(secret) > 5 and secret not in ("Bearer", tokens["scope"]):
            assert secret not in text


def test_the_file_holds_nothing_of_others(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, admin: UserAgent
) -> None:
    """Nor what an administrator did to them, nor who the administrator was, nor where."""
    UserAgent(credenza).authorize(client, user="grace")
    client.tokens(user_agent.authorize(client))
    ada, grace, root = (credenza.run(users.find_user_by_identifier, name) for name in ("ada", "grace", "root"))
    assert ada is not None
    assert grace is not None
    assert root is not None
    for user in (ada, grace):
        event = ObjectChanged(
            actor=root.id, user=user.id, target=user.username, kind="user", action="changed", address="192.0.2.99"
        )
        credenza.run(credenza.server.emit, event)
    for agent in (user_agent, admin):
        text = agent.send("GET", "/account/data.json").text
        assert grace.id not in text
        assert "grace" not in text
        assert "192.0.2.99" not in text
    mine = download(user_agent)
    assert root.id not in str(mine)
    made = 1  # the account itself, by the desired state of the tests
    changes = [event["by"] for event in mine["events"] if event["name"] == "ObjectChanged"]
    assert changes == ["an administrator"] * (made + 1)
    assert sum(event["name"] == "ObjectChanged" for event in download(admin)["events"]) == made


def test_the_file_is_for_who_is_signed_in(user_agent: UserAgent) -> None:
    assert seen(user_agent.get("/account/data.json")).name == "sign-in"
    assert seen(user_agent.get("/account/data")).name == "sign-in"


def test_an_account_is_deleted_by_its_owner(credenza: Credenza, account: Account, press: Press) -> None:
    """SECURITY P-20, R-SE-06: with a fresh sign-in and the name typed; every session ends."""
    ada, elsewhere = account("ada"), account("ada")
    ada.get("/account/data/delete")
    page = press(ada, "/account/data/delete", ("confirm", "grace"))
    assert "That is not your username." in seen(page).text
    assert isinstance(page, PageSeen)
    assert page.status == 422
    page = press(ada, "/account/data/delete", ("confirm", "ada"))
    assert isinstance(page, PageSeen)
    assert "Your account is deleted" in page.text
    assert credenza.run(users.find_user_by_identifier, "ada") is None
    for agent in (ada, elsewhere):
        page = agent.get("/account")
        assert isinstance(page, PageSeen)
        assert page.name == "sign-in"


def test_the_name_may_be_typed_on_any_keyboard(credenza: Credenza, account: Account, press: Press) -> None:
    credenza.apply({"users": [{"username": "zoë", "password": PASSWORD}]})
    zoe = account("zoë")
    zoe.get("/account/data/delete")
    page = press(zoe, "/account/data/delete", ("confirm", "zoe\u0308"))
    assert "Your account is deleted" in seen(page).text


@pytest.mark.parametrize("gone", ["the session", "the account"])
def test_who_is_signed_out_meanwhile_deletes_nothing(
    credenza: Credenza, account: Account, press: Press, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    real = deletion.posted

    async def then_gone(*arguments: Any, **options: Any) -> Any:
        here = await real(*arguments, **options)
        await (sessions.delete_sessions if gone == "the session" else users.delete_user)(here.user.id)
        return here

    ada = account("ada")
    ada.get("/account/data/delete")
    monkeypatch.setattr(deletion, "posted", then_gone)
    assert seen(press(ada, "/account/data/delete", ("confirm", "ada"))).name == "sign-in"
    assert (credenza.run(users.find_user_by_identifier, "ada") is None) is (gone == "the account")
    events = credenza.run(audit.list_events, name="ObjectChanged")
    assert "deleted" not in [event.data["action"] for event in events]


def test_deleting_needs_a_fresh_sign_in_and_is_not_for_administrators(
    credenza: Credenza, account: Account, press: Press
) -> None:
    """SECURITY A-CON-12."""
    root = account("root")
    page = root.get("/account/data/delete")
    assert isinstance(page, PageSeen)
    assert "Ask another one" in page.text
    token = page.forms[0].hidden()[0]
    page = root.post("/account/data/delete", [token, ("confirm", "root")])
    assert isinstance(page, PageSeen)
    assert page.status == 422
    credenza.clock.move(601)
    page = root.get("/account/data/delete")
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
