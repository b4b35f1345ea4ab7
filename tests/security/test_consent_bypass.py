"""Consent: what was on the page, by who sat before it, to whom it named. SECURITY.md R-AZ-30…32, §2.12."""

from __future__ import annotations

from typing import Any

import pytest

from credenza.store import consents, users
from credenza.testing import ORDERS, PASSWORD, Callback, PageSeen, RelyingParty


def asked(user_agent: Any, client: RelyingParty, **changes: str) -> Any:
    """The consent page, for somebody who signs in."""
    page = user_agent.get(client.authorization_url(**changes))
    return user_agent.sign_in() if isinstance(page, PageSeen) and page.name == "sign-in" else page


def test_a_cns_01_nothing_without_consent(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-CNS-01, R-AZ-18."""
    asked(user_agent, client)
    with credenza.unchanged():
        assert user_agent.get(client.authorization_url(prompt="none")).error == "consent_required"


@pytest.mark.parametrize("more", ["openid profile email", "openid profile phone", "openid profile offline_access"])
def test_a_cns_02_more_than_was_allowed_is_asked(user_agent: Any, client: RelyingParty, more: str) -> None:
    """A-CNS-02, R-AZ-30."""
    user_agent.authorize(client, scope="openid profile")
    assert user_agent.get(client.authorization_url(scope="openid profile")).code
    assert user_agent.get(client.authorization_url(scope=more, prompt="none")).error == "consent_required"
    assert user_agent.get(client.authorization_url(scope=more)).name == "consent"


def test_a_cns_02_a_claim_asked_by_name_needs_consent_too(user_agent: Any, client: RelyingParty) -> None:
    """A-CNS-02, Core §5.5: `claims` goes around no page."""
    user_agent.authorize(client, scope="openid profile")
    wish = '{"userinfo": {"email": null}, "id_token": {"phone_number": null}}'
    seen = user_agent.get(client.authorization_url(scope="openid profile", claims=wish, prompt="none"))
    assert seen.error == "consent_required"


@pytest.mark.own_server
def test_a_cns_02_another_resource_is_asked(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """A-CNS-02: the same word is another permission there."""
    stock = "https://stock.example.com"
    at_both = {api: ["orders:read"] for api in (ORDERS, stock)}
    declared: dict[str, Any] = {
        "api_resources": [{"identifier": stock, "name": "Stock", "permissions": [{"name": "orders:read"}]}],
        "roles": [{"name": "support", "permissions": at_both}],
        "users": [{"username": user_agent.name, "roles": ["support"]}],
        "applications": [{"client_id": "app", "permissions": {"api": at_both}}],
    }
    credenza.apply(declared)
    user_agent.authorize(client, scope="openid orders:read", resource=ORDERS)
    assert user_agent.get(client.authorization_url(scope="openid orders:read", resource=ORDERS, prompt="none")).code
    seen = user_agent.get(client.authorization_url(scope="openid orders:read", resource=stock, prompt="none"))
    assert seen.error == "consent_required"


@pytest.mark.own_server
@pytest.mark.parametrize(
    "members",
    [
        {"redirect_uris": ["https://app.example.com/cb", "https://evil.example/cb"]},
        {"jwks_uri": "https://app.example.com/jwks"},
        {"name": "Your Bank"},
        {"branding": {"display_name": "Your Bank"}},
    ],
    ids=["redirect_uris", "keys", "name", "display name"],
)
def test_a_cns_03_a_client_that_changed_is_asked_for_again(
    credenza: Any, user_agent: Any, client: RelyingParty, members: dict[str, Any]
) -> None:
    """A-CNS-03, R-CR-11."""
    user_agent.authorize(client)
    credenza.apply({"applications": [{"client_id": "app", **members}]})
    assert user_agent.get(client.authorization_url(prompt="none")).error == "consent_required"
    assert user_agent.get(client.authorization_url()).name == "consent"


@pytest.mark.own_server
def test_a_cns_03_an_old_answer_does_not_come_back_with_a_new_one(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """A-CNS-03: what was allowed to the client as it was is not allowed to what it became."""
    user_agent.authorize(client, scope="openid profile email")
    changed = ["https://app.example.com/cb", "https://app.example.com/new"]
    credenza.apply({"applications": [{"client_id": "app", "redirect_uris": changed}]})
    assert user_agent.authorize(client, scope="openid profile").code
    assert (
        user_agent.get(client.authorization_url(scope="openid profile email", prompt="none")).error
        == "consent_required"
    )


@pytest.mark.own_server
def test_r_az_30_an_expired_answer_does_not_come_back_either(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    credenza.apply({"applications": [{"client_id": "app", "metadata": {"consent_lifetime": 3600}}]})
    user_agent.authorize(client, scope="openid profile email")
    assert user_agent.get(client.authorization_url(prompt="none")).code
    credenza.clock.move(3601)
    assert user_agent.get(client.authorization_url(prompt="none")).error == "consent_required"
    assert user_agent.authorize(client, scope="openid profile").code
    assert (
        user_agent.get(client.authorization_url(scope="openid profile email", prompt="none")).error
        == "consent_required"
    )


@pytest.mark.own_server
def test_r_az_30_a_lifetime_that_is_set_later_counts_for_answers_that_are_there(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile email offline_access"))
    credenza.clock.move(3601)
    assert user_agent.get(client.authorization_url(prompt="none")).code
    credenza.apply({"applications": [{"client_id": "app", "metadata": {"consent_lifetime": 3600}}]})
    assert user_agent.get(client.authorization_url(prompt="none")).error == "consent_required"
    refused = client.refresh(tokens["refresh_token"]).json()
    assert refused["error"] == "invalid_grant"
    assert "has expired" in refused["error_description"], "the user has withdrawn nothing"
    (address,) = [link for link in user_agent.get("/account").links if "/account/applications/" in link]
    assert "no longer counts" in user_agent.get(address).text
    assert user_agent.authorize(client, scope="openid profile").code
    assert user_agent.get(client.authorization_url(scope="openid profile", prompt="none")).code
    silent = user_agent.get(client.authorization_url(scope="openid profile email", prompt="none"))
    assert silent.error == "consent_required", "what was said before does not come back"


@pytest.mark.parametrize("uri", ["http://127.0.0.1:51004/cb", "com.example.nat:/cb"])
def test_a_cns_04_nobody_knows_who_a_native_application_is(user_agent: Any, native: RelyingParty, uri: str) -> None:
    """A-CNS-04, R-AZ-30: a remembered consent is not used again."""
    native.redirect_uri = uri
    assert user_agent.authorize(native).code
    silent = user_agent.get(native.authorization_url(prompt="none"))
    assert silent.error == "consent_required"
    assert "asked each time" in silent.parameters["error_description"], "or a developer looks for it in vain"
    assert user_agent.get(native.authorization_url()).name == "consent"


def test_r_az_30_an_https_address_or_a_secret_assures_who_it_is(
    user_agent: Any, client: RelyingParty, spa: RelyingParty
) -> None:
    """R-AZ-30."""
    for party in (client, spa):
        user_agent.authorize(party)
        assert user_agent.get(party.authorization_url(prompt="none")).code


@pytest.mark.own_server
def test_r_az_30_a_confidential_client_on_loopback_is_remembered(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """R-AZ-30 wins over A-CNS-04: the client proves who it is at the token endpoint."""
    credenza.apply({"applications": [{"client_id": "app", "redirect_uris": ["http://127.0.0.1:8000/cb"]}]})
    client.redirect_uri = "http://127.0.0.1:8000/cb"
    user_agent.authorize(client)
    assert user_agent.get(client.authorization_url(prompt="none")).code


def test_a_cns_05_an_optional_permission_that_was_unticked(user_agent: Any, client: RelyingParty) -> None:
    """A-CNS-05: not in the token, and not after a refresh."""
    page = asked(user_agent, client, scope="openid profile phone offline_access")
    assert page.forms[0].values_of("permission") == ["profile phone"]
    tokens = client.tokens(user_agent.decide(permissions=[]))
    assert "phone" not in tokens["scope"].split()
    assert "phone" not in client.refresh(tokens["refresh_token"]).json()["scope"].split()
    answer = client.refresh(tokens["refresh_token"], scope="phone")
    assert "phone" not in answer.json().get("scope", "").split()


@pytest.mark.parametrize(
    "extra",
    [
        [("scope", "admin")],
        [("permission", "profile address")],
        [("permission", f"api {ORDERS} orders:write")],
        [("permission", "profile email"), ("permission", "' OR 1=1--")],
        [("organization", "0" * 30)],
        [("client_id", "own"), ("user", "root"), ("redirect_uri", "https://evil.example")],
        [("third_party", "false"), ("automatic", "true"), ("administrator", "full")],
    ],
    ids=str,
)
def test_a_cns_06_only_what_the_page_showed(
    credenza: Any, user_agent: Any, client: RelyingParty, extra: list[tuple[str, str]]
) -> None:
    """A-CNS-06: extra fields do nothing."""
    page = asked(user_agent, client, scope="openid profile")
    fields = [*page.forms[0].hidden(), ("decision", "authorize"), *extra]
    callback = user_agent.post(page.url, fields)
    assert isinstance(callback, Callback)
    assert callback.url.startswith(client.redirect_uri + "?code=")
    tokens = client.tokens(callback)
    assert set(tokens["scope"].split()) == {"openid", "profile"}
    found = credenza.run(consents.list_consents, user_id=credenza.user(user_agent.name).id)
    assert {p.scope for p in found[0].granted} == {"openid", "profile"}
    assert credenza.user(user_agent.name).administrator == ""


@pytest.mark.own_server
def test_a_cns_07_a_role_taken_away_while_the_page_is_open(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """A-CNS-07: the page is shown again as it is now, and nothing is granted before that."""
    credenza.apply({"users": [{"username": user_agent.name, "roles": ["support"]}]})
    page = asked(user_agent, client, scope="openid orders:read", resource=ORDERS)
    assert "See your orders" in page.text
    credenza.apply({"users": [{"username": user_agent.name, "roles": []}]})
    page = user_agent.decide()
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "See your orders" not in page.text
    assert credenza.rows()["credenza_consent"] == 0
    assert client.tokens(user_agent.decide())["scope"] == "openid"


@pytest.mark.own_server
def test_a_cns_07_a_permission_that_became_required_while_the_page_is_open(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """A-CNS-07: the other way round; nobody agreed to that page."""
    asked(user_agent, client, scope="openid profile phone")
    permissions = {"profile": ["profile", "email", "phone"], "api": {ORDERS: ["orders:read", "orders:write"]}}
    credenza.apply({"applications": [{"client_id": "app", "permissions": permissions}]})
    page = user_agent.decide(permissions=[])
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert credenza.rows()["credenza_consent"] == 0


@pytest.mark.own_server
@pytest.mark.own_server
def test_a_cns_07_an_application_that_took_another_name_while_the_page_is_open(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """A-CNS-03, A-CNS-07: who agreed to Harbour Wiki has not agreed to what it calls itself now."""
    page = asked(user_agent, client)
    assert "Your Bank" not in page.text
    credenza.apply({"applications": [{"client_id": client.client_id, "name": "Your Bank"}]})
    page = user_agent.decide()
    assert isinstance(page, PageSeen)
    assert "has changed since this page was made" in page.text
    assert "Your Bank" in page.text
    assert isinstance(user_agent.decide(), Callback)


def test_a_cns_05_unticked_in_one_tab_after_it_was_granted_in_another(user_agent: Any, client: RelyingParty) -> None:
    """A-CNS-05: the second page offered the choice as well, and its answer is no."""
    first = asked(user_agent, client, scope="openid profile phone")
    second = user_agent.get(client.authorization_url(scope="openid profile email phone"))
    user_agent.page = first
    assert "phone" in client.tokens(user_agent.decide())["scope"].split()
    user_agent.page = second
    page = user_agent.decide(permissions=[])
    assert isinstance(page, PageSeen)
    assert "has changed since this page was made" in page.text


def test_a_cns_05_what_one_user_unticked_is_ticked_for_the_next(
    credenza: Any, user_agent: Any, client: RelyingParty, own: RelyingParty
) -> None:
    """A-CNS-05: somebody else signs in in another tab, and the page of this one is theirs from the beginning."""
    page = asked(user_agent, client, scope="openid profile phone")
    assert user_agent.decide("refresh", permissions=[]).forms[0].checked("permission") == []
    assert user_agent.get(page.url).forms[0].checked("permission") == [], "it is the same user's still"
    user_agent.get(own.authorization_url(prompt="login"))
    assert isinstance(user_agent.sign_in(credenza.new_user()), Callback)
    assert user_agent.get(page.url).forms[0].checked("permission") == ["profile phone"]
    assert "phone" in client.tokens(user_agent.decide())["scope"].split()


def test_r_az_30_what_a_user_does_not_hold_is_not_shown_and_not_given(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """R-AZ-30, R-RS-01: granted later, it is asked later."""
    credenza.apply({"users": [{"username": user_agent.name, "roles": []}]})
    page = asked(user_agent, client, scope="openid orders:read orders:write", resource=ORDERS)
    assert "orders" not in page.text
    assert client.tokens(user_agent.decide())["scope"] == "openid"
    credenza.apply({"users": [{"username": user_agent.name, "roles": ["support"]}]})
    url = client.authorization_url(scope="openid orders:read orders:write", resource=ORDERS, prompt="none")
    assert user_agent.get(url).error == "consent_required"


def test_denying_gives_nothing(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-AZ-06, G2."""
    asked(user_agent, client)
    with credenza.unchanged():
        answer = user_agent.decide("deny")
    assert answer.error == "access_denied"
    assert "code" not in answer.parameters
    assert (answer.parameters["state"], answer.parameters["iss"]) == ("state-of-the-test", credenza.issuer)
    assert user_agent.get(client.authorization_url(prompt="none")).error == "consent_required"


def test_one_users_consent_is_nobody_elses(user_agent: Any, new_visitor: Any, client: RelyingParty) -> None:
    user_agent.authorize(client)
    assert asked(new_visitor(), client).name == "consent"


def test_one_clients_consent_is_not_anothers(user_agent: Any, client: RelyingParty, spa: RelyingParty) -> None:
    """A-MCP-06."""
    user_agent.authorize(client)
    assert user_agent.get(spa.authorization_url()).name == "consent"


def test_r_az_32_a_consent_that_was_taken_back_is_asked_for(
    credenza: Any, user_agent: Any, client: RelyingParty
) -> None:
    """R-AZ-32: codes on their way die too."""
    callback = user_agent.authorize(client)
    user = credenza.user(user_agent.name).id
    key = consents.consent_id(user, "app", "")
    assert credenza.run(consents.delete_consent, "u" + "0" * 30, key) is None
    assert credenza.run(consents.delete_consent, user, key) is not None
    assert client.redeem(callback).json()["error"] == "invalid_grant"
    assert user_agent.get(client.authorization_url(prompt="none")).error == "consent_required"


def test_first_party_applications_do_not_ask_and_write_it_down(
    credenza: Any, user_agent: Any, own: RelyingParty
) -> None:
    """R-AZ-30."""
    assert user_agent.authorize(own).code
    found = credenza.run(consents.list_consents, user_id=credenza.user(user_agent.name).id)
    assert [(c.client_id, c.automatic) for c in found] == [("own", True)]


def test_deleting_a_user_takes_everything_along(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """P-20: no live token, code, session or consent is left."""
    before = credenza.rows()
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    user_agent.authorize(client)
    assert credenza.rows() != before
    credenza.run(users.delete_user, credenza.user(user_agent.name).id)
    ignored = ("credenza_audit_event", "credenza_interaction", "credenza_user", "credenza_failed_sign_in")
    after = credenza.rows()
    assert {n: c for n, c in after.items() if n not in ignored} == {n: c for n, c in before.items() if n not in ignored}
    assert client.introspect(tokens["access_token"]) == {"active": False}


def test_p_20_a_name_that_is_given_again_is_somebody_else(
    credenza: Any, user_agent: Any, new_visitor: Any, client: RelyingParty
) -> None:
    """P-20: to applications too, and nothing that the first one allowed counts."""
    name = user_agent.name
    before = client.userinfo(client.tokens(user_agent.authorize(client))["access_token"]).json()["sub"]
    credenza.run(users.delete_user, credenza.user(name).id)
    credenza.apply({"users": [{"username": name, "password": PASSWORD}]})
    agent = new_visitor(name)
    assert asked(agent, client).name == "consent"
    after = client.userinfo(client.tokens(agent.decide())["access_token"]).json()["sub"]
    assert after != before


@pytest.mark.own_server
def test_deleting_a_client_takes_everything_along(credenza: Any, user_agent: Any, client: RelyingParty) -> None:
    """R-CR-10."""
    from credenza.store.clients import delete_client

    tokens = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))
    user_agent.authorize(client)
    assert credenza.run(delete_client, "app")
    rows = credenza.rows()
    for table in ("consent", "consent_permission", "grant", "access_token", "refresh_token", "authorization_code"):
        assert rows[f"credenza_{table}"] == 0
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.refresh(tokens["refresh_token"]).status_code == 401
