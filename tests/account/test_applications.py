"""What a user allowed, seen and taken back at /account. PRODUCT +19; SECURITY R-AZ-32.

"Revoking ends refresh tokens and opaque access tokens at once."
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import jwt
import pytest

from credenza import Asked, Permission, Scope, ScopeProvider, UserRow, audit, consents, hookimpl, users
from credenza.testing import ORDERS, SECRET, Callback, Credenza, PageSeen, RelyingParty, UserAgent

Press = Callable[..., PageSeen | Callback]
Account = Callable[..., UserAgent]

SCOPE = "openid profile email phone offline_access"
EMAIL = "profile email"  # a permission's key: its source and its scope
PHONE = "profile phone"
OFFLINE = "openid offline_access"


def seen(page: PageSeen | Callback) -> PageSeen:
    assert isinstance(page, PageSeen), page.url
    return page


def addresses(page: PageSeen) -> list[str]:
    return [link for link in page.links if link.startswith("/account/applications/")]


def details(agent: UserAgent, number: int = 0) -> PageSeen:
    """Open the details of an application in the list."""
    return seen(agent.get(addresses(seen(agent.get("/account")))[number]))


def events(credenza: Credenza, name: str, user: str = "ada") -> list[audit.AuditEvent]:
    found = credenza.run(users.find_user_by_identifier, user)
    assert found is not None
    return credenza.run(audit.list_events, user=found.id, name=name)


# -- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_says_who_may_do_what(user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.authorize(client)
    page = seen(user_agent.get("/account"))
    assert (page.status, page.name) == (200, "account")
    for text in ("Harbour Wiki", "Third-party application", "Your email address", "ada@example.com", "Ada Lovelace"):
        assert text in page.text
    assert page.html.count("<time datetime=") == 2  # first authorized, last used
    assert 'Third-party application <span aria-hidden="true">·</span> ' in page.html, "no space is hidden with the dot"


def test_the_list_is_empty_at_first(account: Account) -> None:
    page = seen(account("grace").get("/account"))
    assert "No application uses your account" in page.text


def test_a_long_list_has_pages(
    user_agent: UserAgent, client: RelyingParty, spa: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credenza_account.applications.PAGE_SIZE", 1)
    user_agent.authorize(client)
    user_agent.authorize(spa)
    page = seen(user_agent.get("/account"))
    older = next(link for link in page.links if "from=" in link)
    other = seen(user_agent.get(older))
    assert len(addresses(page)) == len(addresses(other)) == 1
    assert addresses(page) != addresses(other)
    assert seen(user_agent.get("/account?from=nonsense")).text == page.text


def test_nobody_else_s_applications_are_listed(user_agent: UserAgent, client: RelyingParty, account: Account) -> None:
    user_agent.authorize(client)
    assert addresses(seen(account("grace").get("/account"))) == []


def test_what_strangers_wrote_is_escaped(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    credenza.apply({"applications": [{"client_id": "app", "name": "<img src=x>", "description": "<script>"}]})
    user_agent.authorize(client)
    for page in (seen(user_agent.get("/account")), details(user_agent)):
        assert "<img src=x>" not in page.html
        assert "<script>" not in page.html
        assert "<img src=x>" in page.text


# -- all of it --------------------------------------------------------------------------------------------------------


def test_removing_access_ends_every_token(user_agent: UserAgent, client: RelyingParty, press: Press) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope=SCOPE))
    unused = user_agent.authorize(client, scope=SCOPE)
    assert client.userinfo(tokens["access_token"]).status_code == 200
    details(user_agent)
    page = seen(press(user_agent, "/remove"))
    assert "no access any more" in page.text
    assert "No application uses your account" in page.text
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert client.introspect(tokens["refresh_token"]) == {"active": False}
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.redeem(unused).json()["error"] == "invalid_grant"


def test_removing_access_ends_api_tokens_at_introspection(
    user_agent: UserAgent, client: RelyingParty, press: Press
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid orders:read", resource=ORDERS), resource=ORDERS)
    assert client.introspect(tokens["access_token"])["active"]
    details(user_agent)
    press(user_agent, "/remove")
    assert client.introspect(tokens["access_token"]) == {"active": False}


def test_after_removing_access_the_application_asks_again(
    user_agent: UserAgent, client: RelyingParty, press: Press
) -> None:
    """And a new yes does not bring the old tokens back."""
    tokens = client.tokens(user_agent.authorize(client, scope=SCOPE))
    unused = user_agent.authorize(client, scope=SCOPE)
    details(user_agent)
    press(user_agent, "/remove")
    assert seen(user_agent.get(client.authorization_url(scope=SCOPE))).name == "consent"
    assert client.tokens(user_agent.decide())["refresh_token"]
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.introspect(tokens["access_token"]) == {"active": False}
    assert client.redeem(unused).json()["error"] == "invalid_grant"


def test_removing_access_is_silent_for_everybody_else(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, spa: RelyingParty, press: Press
) -> None:
    grace = UserAgent(credenza)
    theirs = client.tokens(grace.authorize(client, user="grace", scope=SCOPE))
    user_agent.authorize(client)
    elsewhere = spa.tokens(user_agent.authorize(spa, scope="openid profile offline_access"))
    page = seen(user_agent.get("/account"))
    wiki = page.html.index("Harbour Wiki") > page.html.index("Tide Board")
    details(user_agent, int(wiki))
    press(user_agent, "/remove")
    assert "Tide Board" in seen(user_agent.get("/account")).text
    assert client.refresh(theirs["refresh_token"]).status_code == 200
    assert spa.refresh(elsewhere["refresh_token"]).status_code == 200


def test_removing_access_is_written_down(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, press: Press
) -> None:
    user_agent.authorize(client)
    details(user_agent)
    press(user_agent, "/remove")
    (event,) = events(credenza, "ConsentRevoked")
    assert (event.client, event.actor, event.address) == ("app", event.user, "203.0.113.7")
    assert event.data["permissions"] == ["openid openid", EMAIL, "profile profile"]


# -- one permission ---------------------------------------------------------------------------------------------------


def test_a_removed_permission_is_gone_from_the_next_answer(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, press: Press
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope=SCOPE))
    details(user_agent)
    page = seen(press(user_agent, "/permissions/remove", permission=EMAIL))
    assert "gone at once" in page.text
    assert "<title>Removed. It is gone at once. · Harbour Wiki · " in page.html, "which is read aloud when it opens"
    assert "Your email address" not in page.text
    assert "email" not in client.userinfo(tokens["access_token"]).json()
    assert "email" not in client.introspect(tokens["access_token"])["scope"].split()
    assert "email" not in client.introspect(tokens["refresh_token"])["scope"].split()
    assert "email" not in client.refresh(tokens["refresh_token"]).json()["scope"].split()
    (event,) = events(credenza, "ConsentRevoked")
    assert event.data["permissions"] == [EMAIL]


def test_a_removed_required_permission_is_asked_for_again(
    user_agent: UserAgent, client: RelyingParty, press: Press
) -> None:
    user_agent.authorize(client, scope=SCOPE)
    details(user_agent)
    press(user_agent, "/permissions/remove", permission=EMAIL)
    page = seen(user_agent.get(client.authorization_url(scope=SCOPE)))
    assert page.name == "consent"
    assert "Your email address" in page.text
    tokens = client.tokens(user_agent.decide())
    assert client.userinfo(tokens["access_token"]).json()["email"] == "ada@example.com"


def test_a_removed_optional_permission_is_remembered_as_declined(
    user_agent: UserAgent, client: RelyingParty, press: Press
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope=SCOPE))
    assert "phone" in tokens["scope"].split()
    details(user_agent)
    page = seen(press(user_agent, "/permissions/remove", permission=PHONE))
    assert "Not allowed" in page.text
    callback = user_agent.get(client.authorization_url(scope=SCOPE))
    assert "phone" not in client.tokens(callback)["scope"].split()


def test_a_declined_permission_can_be_allowed_again(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, press: Press
) -> None:
    """Issue 3: "declining an optional permission is remembered and can be changed on /account"."""
    user_agent.get(client.authorization_url(scope=SCOPE))
    user_agent.sign_in()
    tokens = client.tokens(user_agent.decide(permissions=[]))
    assert "phone" not in tokens["scope"].split()
    assert "Not allowed" in details(user_agent).text
    page = seen(press(user_agent, "/permissions/allow", permission=PHONE))
    assert "Allowed again" in page.text
    assert "Not allowed" not in page.text
    assert "phone" in client.refresh(tokens["refresh_token"]).json()["scope"].split()
    assert events(credenza, "ConsentGiven")[0].data["granted"] == [PHONE]


def test_without_offline_access_no_refresh(user_agent: UserAgent, client: RelyingParty, press: Press) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope=SCOPE))
    details(user_agent)
    press(user_agent, "/permissions/remove", permission=OFFLINE)
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.introspect(tokens["refresh_token"]) == {"active": False}


def test_the_whole_list_can_be_emptied(user_agent: UserAgent, client: RelyingParty, press: Press) -> None:
    tokens = client.tokens(user_agent.authorize(client))
    page = details(user_agent)
    for form in [form for form in page.forms if form.action.endswith("/permissions/remove")]:
        press(user_agent, "/permissions/remove", permission=form.values_of("permission")[0])
    assert "Nothing is allowed any more" in seen(user_agent.get("/account")).text
    assert client.userinfo(tokens["access_token"]).status_code in (401, 403)


def test_nothing_comes_in_that_was_never_asked(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """SECURITY A-CNS-06: a tampered permission id changes nothing, and the page says how it stands."""
    user_agent.authorize(client)
    page = details(user_agent)
    token = page.forms[0].hidden()[0]
    tampered = (f"api {ORDERS} orders:read", "profile address", "nonsense", "")
    for way, key in [*product(("remove", "allow"), tampered), ("allow", EMAIL)]:
        answer = seen(user_agent.post(f"{addressed(page)}/permissions/{way}", [token, ("permission", key)]))
        assert (answer.status, answer.name) == (422, "account"), (way, key)
        assert "has changed" in answer.text
    (consent,) = credenza.run(consents.list_consents)
    assert {p.scope for p in consent.granted} == {"openid", "profile", "email"}
    assert consent.declined == frozenset()


def addressed(page: PageSeen) -> str:
    return page.url.removeprefix("https://id.example.com")


def test_removed_twice_the_page_says_how_it_stands(user_agent: UserAgent, client: RelyingParty, press: Press) -> None:
    """A double click, or Back."""
    user_agent.authorize(client)
    page = details(user_agent)
    press(user_agent, "/permissions/remove", permission=EMAIL)
    user_agent.page = page
    again = seen(press(user_agent, "/permissions/remove", permission=EMAIL))
    assert again.status == 422
    assert "Your email address" not in again.text


def test_extra_fields_are_ignored(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, press: Press
) -> None:
    """SECURITY A-CON-02."""
    user_agent.authorize(client)
    details(user_agent)
    extra = [("user", "grace"), ("id", "x"), ("granted", "1"), ("context", "organization=x"), ("client", "own")]
    press(user_agent, "/permissions/remove", *extra, permission=EMAIL)
    (consent,) = credenza.run(consents.list_consents)
    assert {p.scope for p in consent.granted} == {"openid", "profile"}


def test_what_the_administrator_disabled_is_said_to_have_no_effect(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    user_agent.authorize(client)
    credenza.apply(
        {"applications": [{"client_id": "app", "name": "Harbour Wiki", "permissions": {"profile": ["profile"]}}]}
    )
    assert "Without effect: the application may not have this any more." in details(user_agent).text


def test_what_the_user_lost_cannot_be_allowed_again(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, press: Press
) -> None:
    optional = {"profile": ["profile"], "api": {ORDERS: ["orders:read?"]}}
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "permissions": optional}]})
    user_agent.authorize(client, scope="openid orders:read", resource=ORDERS)
    details(user_agent)
    page = seen(press(user_agent, "/permissions/remove", permission=f"api {ORDERS} orders:read"))
    assert "Not allowed" in page.text
    credenza.apply({"users": [{"username": "ada", "roles": []}]})
    answer = seen(press(user_agent, "/permissions/allow", permission=f"api {ORDERS} orders:read"))
    assert answer.status == 422
    assert "Not allowed" not in answer.text
    (consent,) = credenza.run(consents.list_consents)
    assert not any(p.resource for p in consent.granted)


# -- our own applications ---------------------------------------------------------------------------------------------


def test_our_own_applications_are_listed_and_can_be_cut_off(
    credenza: Credenza, user_agent: UserAgent, press: Press
) -> None:
    own = RelyingParty(credenza, "own", "https://own.example.com/cb", secret=SECRET)
    tokens = own.tokens(user_agent.authorize(own, scope="openid profile email offline_access"))
    page = details(user_agent)
    assert "Part of Credenza" in page.text
    assert not any(form.action.endswith("/permissions/remove") for form in page.forms)
    press(user_agent, "/remove")
    assert own.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert own.introspect(tokens["access_token"]) == {"active": False}
    assert isinstance(user_agent.get(own.authorization_url()), Callback)


# -- organizations ----------------------------------------------------------------------------------------------------

ORGANIZATIONS = "urn:credenza:scope:organizations"
TWO = {
    "organization_template": {
        "permissions": [{"name": "members:read", "description": "See who is a member"}],
        "roles": [{"name": "owner", "permissions": ["members:read"]}],
    },
    "organizations": [
        {"name": "Acme", "members": [{"username": "ada", "roles": ["owner"]}]},
        {"name": "Basalt", "members": [{"username": "ada", "roles": ["owner"]}]},
    ],
    "applications": [
        {
            "client_id": "app",
            "name": "Harbour Wiki",
            "permissions": {"profile": ["profile"], "organization": ["members:read"]},
        }
    ],
}


def test_each_organization_is_taken_back_for_itself(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, press: Press
) -> None:
    run = credenza.apply(TWO)
    ids = {change.name: change.made["id"] for change in run.changes if change.kind == "organization"}
    scope = f"openid profile offline_access {ORGANIZATIONS} members:read"
    tokens: dict[str, dict[str, Any]] = {}
    for name in ("Acme", "Basalt"):
        page = seen(user_agent.get(client.authorization_url(scope=scope, prompt="consent")))
        if page.name == "sign-in":
            page = seen(user_agent.sign_in())
        tokens[name] = client.tokens(user_agent.decide(organization=ids[name]))
    listed = seen(user_agent.get("/account"))
    assert "Acme" in listed.text
    assert "Basalt" in listed.text
    pages = [details(user_agent, number) for number in range(2)]
    acme = next(page for page in pages if "Acme" in page.text)
    assert "Basalt" not in acme.text
    assert "See who is a member" in acme.text
    user_agent.page = acme
    press(user_agent, "/remove")
    assert "Acme" not in seen(user_agent.get("/account")).text
    assert client.introspect(tokens["Acme"]["access_token"]) == {"active": False}
    assert client.refresh(tokens["Acme"]["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.introspect(tokens["Basalt"]["access_token"])["active"]
    refreshed = client.refresh(tokens["Basalt"]["refresh_token"])
    claims = jwt.decode(refreshed.json()["access_token"], options={"verify_signature": False})
    assert claims["organization_id"] == ids["Basalt"]
    switched = client.refresh(tokens["Basalt"]["refresh_token"], organization_id=ids["Acme"])
    assert switched.json()["error"] == "invalid_grant"


def test_an_organization_that_was_left_is_said_so(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    credenza.apply(TWO)
    user_agent.get(client.authorization_url(scope=f"openid {ORGANIZATIONS} members:read"))
    page = seen(user_agent.sign_in())
    user_agent.decide(organization=page.forms[0].values_of("organization")[0])
    credenza.apply({"organizations": [{"name": "Acme", "suspended": True}]})
    page = details(user_agent)
    assert "This was for Acme, where you are not at present." in page.text


# -- who may ----------------------------------------------------------------------------------------------------------

WAYS = ["", "/remove", "/permissions/remove", "/permissions/allow"]


def test_a_foreign_id_is_as_unknown_as_one_that_never_was(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, account: Account
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope=SCOPE))
    mine = addressed(details(user_agent))
    grace = account("grace")
    token = seen(grace.get("/account/password")).forms[0].hidden()[0]
    for address, way in product((mine, "/account/applications/" + "0" * 40), WAYS):
        path = address + way
        answer = seen(grace.post(path, [token, ("permission", EMAIL)]) if way else grace.get(path))
        assert (answer.status, answer.name, answer.error) == (404, "error", "gone" if way else "not_found"), path
        assert "Harbour Wiki" not in answer.text
    assert "email" in client.refresh(tokens["refresh_token"]).json()["scope"].split()
    assert events(credenza, "ConsentRevoked") == []


def test_without_csrf_token_nothing_happens(user_agent: UserAgent, client: RelyingParty) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope=SCOPE))
    address = addressed(details(user_agent))
    for way, token in product(WAYS[1:], ([], [("csrf_token", "x")])):
        assert seen(user_agent.post(address + way, [("permission", EMAIL), *token])).status == 403
    assert "email" in client.refresh(tokens["refresh_token"]).json()["scope"].split()


def test_another_browser_s_csrf_token_is_refused(user_agent: UserAgent, client: RelyingParty, account: Account) -> None:
    user_agent.authorize(client)
    address = addressed(details(user_agent))
    other = seen(account("ada").get(address)).forms[0].hidden()[0]
    assert seen(user_agent.post(f"{address}/remove", [other])).status == 403


def test_a_form_from_another_site_is_refused(user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.authorize(client)
    page = details(user_agent)
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    answer = seen(user_agent.post(f"{addressed(page)}/remove", page.forms[0].hidden(), headers=headers))
    assert answer.status == 403


def test_two_browsers_see_the_same(user_agent: UserAgent, client: RelyingParty, account: Account, press: Press) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope=SCOPE))
    other = account("ada")
    details(other)
    press(other, "/remove")
    assert "No application uses your account" in seen(user_agent.get("/account")).text
    assert client.introspect(tokens["access_token"]) == {"active": False}


def test_who_signed_out_comes_back_to_the_page_and_not_to_the_form(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, press: Press
) -> None:
    user_agent.authorize(client)
    page = details(user_agent)
    user_agent.cookies.clear()
    user_agent.page = page
    assert seen(press(user_agent, "/permissions/remove", permission=EMAIL)).name == "sign-in"
    back = seen(user_agent.sign_in())
    assert (back.status, addressed(back)) == (200, addressed(page))
    (consent,) = credenza.run(consents.list_consents)
    assert "email" in {p.scope for p in consent.granted}


def test_a_suspended_account_is_led_to_sign_in(credenza: Credenza, account: Account) -> None:
    ada = account("ada")
    found = credenza.run(users.find_user_by_identifier, "ada")
    assert found is not None
    credenza.run(UserRow.update({UserRow.suspended: True}).where(UserRow.id == found.id).run)
    for address in ("/account", "/account/sessions", "/account/password", "/account/data", "/account/data.json"):
        assert seen(ada.get(address)).name == "sign-in"
    assert seen(ada.sign_in()).name == "sign-in"


# -- plugins ----------------------------------------------------------------------------------------------------------


class BrokenScopes(ScopeProvider):
    """Answers nothing about the permission that it granted before."""

    name = "broken"
    title = "Broken"

    async def catalogue(self) -> list[Scope]:
        raise RuntimeError("away")

    async def requested(self, asked: Asked) -> list[Scope]:
        raise RuntimeError("away")


class BrokenPlugin:
    @hookimpl
    def register_scopes(self) -> ScopeProvider:
        return BrokenScopes()


class TestWithASourceThatIsAway:
    """Whatever a plugin does, what was allowed can be seen and taken back."""

    @pytest.fixture
    def credenza_plugins(self) -> list[tuple[str, object]]:
        return [("broken", BrokenPlugin())]

    @pytest.fixture
    def granted(self, credenza: Credenza) -> None:
        ada = credenza.run(users.find_user_by_identifier, "ada")
        assert ada is not None
        consent = consents.Consent(
            id=consents.consent_id(ada.id, "app", ""),
            user_id=ada.id,
            client_id="app",
            granted=frozenset([Permission("broken", "", "secrets"), Permission("profile", "", "email")]),
        )
        credenza.run(consents.save_consent, consent, credenza.server.now())

    def test_it_can_be_seen_and_removed(self, granted: None, account: Account, press: Press) -> None:
        ada = account("ada")
        page = details(ada)
        assert (page.status, page.name) == (200, "account")
        assert "secrets" in page.text
        assert "Your email address" in page.text
        page = seen(press(ada, "/permissions/remove", permission="broken secrets"))
        assert "secrets" not in page.text
        assert "No application" in seen(press(ada, "/remove")).text
