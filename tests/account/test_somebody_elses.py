"""What is somebody else's is as unknown to each form of the account as what never was. SECURITY.md R-CO-02, P5."""

from __future__ import annotations

import re
from typing import Any

import pytest

from credenza import users
from credenza.testing import Credenza, RelyingParty, UserAgent
from credenza_passkeys.store import Passkey, insert_passkey, key_of
from credenza_upstream import store
from credenza_upstream.store import Upstream

from .conftest import Account

ABOUT_A_THING = {  # and the page on which the form stands
    "/account/applications/{consent_id}/permissions/allow": "/account/applications/{consent_id}",
    "/account/applications/{consent_id}/permissions/remove": "/account/applications/{consent_id}",
    "/account/applications/{consent_id}/remove": "/account/applications/{consent_id}",
    "/account/security/linked/remove": "/account/security/linked",
    "/account/security/passkeys/remove": "/account/security/passkeys",
    "/account/sessions/end": "/account/sessions",
}
ABOUT_ONESELF = {
    "/account/data/delete",
    "/account/password",
    "/account/security/authenticator",
    "/account/security/authenticator/recovery-codes",
    "/account/security/authenticator/remove",
    "/account/security/email",
    "/account/security/linked",
    "/account/security/passkeys",
    "/account/sessions/end-others",
}


@pytest.fixture
def credenza_settings() -> dict[str, Any]:
    return {"smtp_url": "smtp://localhost", "mail_from": "id@example.com"}


def test_each_form_of_the_account_is_in_one_of_the_tables(credenza: Credenza) -> None:
    """A new one that says which of several things is meant must be tried with somebody else's."""
    routes: list[Any] = [route for route in credenza.app.routes if "POST" in getattr(route, "methods", ())]
    found = {re.sub(r":[a-z]+", "", route.path) for route in routes if route.path.startswith("/account/")}
    assert found == ABOUT_A_THING.keys() | ABOUT_ONESELF


@pytest.mark.parametrize("path", ABOUT_A_THING)
def test_the_form_of_somebody_else_changes_nothing(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, account: Account, path: str
) -> None:
    """It is sent as it stands on their page, with the token of one's own browser; sent by them it does what it says."""
    user_agent.get(client.authorization_url(scope="openid profile phone"))
    user_agent.sign_in()
    user_agent.decide(permissions=())  # not the optional one
    own_things(credenza)
    ada, grace = account("ada"), account("grace")
    assert ada.page is not None
    assert grace.page is not None
    (consent,) = {link for link in ada.page.links if "/applications/" in link}
    action, fields = form_at(ada, ABOUT_A_THING[path], path, consent.rpartition("/")[2])
    token = dict(grace.page.forms[0].hidden())["csrf_token"]
    before = what_there_is_of(ada)
    assert answered(grace, action, fields | {"csrf_token": token}) == 404
    assert what_there_is_of(ada) == before
    assert answered(ada, action, fields) == 303
    assert what_there_is_of(ada) != before


def what_there_is_of(agent: UserAgent) -> dict[str, Any]:
    """What they may download about themselves, whenever that is."""
    return {name: value for name, value in agent.send("GET", "/account/data.json").json().items() if name != "made_at"}


def own_things(credenza: Credenza) -> None:
    """A passkey of Ada's, and an account of hers at another provider."""
    user = credenza.run(users.find_user_by_identifier, "ada")
    assert user is not None
    passkey = Passkey(key_of(b"telephone"), user.id, b"telephone", b"key", 0, False, (), "telephone", 1, None)
    assert credenza.run(insert_passkey, passkey)
    upstream = Upstream("harbour", "Harbour", "https://harbour.example", "us", "", "openid", True, False, 1)
    credenza.run(store.save_upstream, upstream)
    assert credenza.run(store.insert_link, upstream, user.id, "subject", "ada", 1)


def form_at(agent: UserAgent, page: str, path: str, consent: str) -> tuple[str, dict[str, str]]:
    """The first one on the page that posts there: its address and all that it sends."""
    agent.get(page.replace("{consent_id}", consent))
    assert agent.page is not None
    action = path.replace("{consent_id}", consent)
    form = next(form for form in agent.page.forms if form.action == action)
    return action, dict(form.hidden())


def answered(agent: UserAgent, action: str, fields: dict[str, str]) -> int:
    headers = {"origin": agent.credenza.issuer, "sec-fetch-site": "same-origin"}
    return agent.send("POST", action, data=fields, headers=headers).status_code
