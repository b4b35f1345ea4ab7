"""OpenID Connect Core §4: initiating a login from here, at the application's initiate_login_uri."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from credenza import StateError
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent

LOGIN = "https://app.example.com/login?tenant=1"


def declare(credenza: Credenza, address: str) -> None:
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "initiate_login_uri": address}]})


def opened(page: PageSeen | Callback) -> list[str]:
    assert isinstance(page, PageSeen)
    return [link for link in page.links if link.startswith("https://app.example.com/login")]


def of_account(user_agent: UserAgent) -> PageSeen | Callback:
    page = user_agent.get("/account")
    assert isinstance(page, PageSeen)
    return user_agent.get(next(link for link in page.links if link.startswith("/account/applications/")))


@pytest.mark.parametrize("where", ["account", "console"])
def test_4_the_application_is_opened_with_our_issuer(
    credenza: Credenza, user_agent: UserAgent, admin: UserAgent, client: RelyingParty, where: str
) -> None:
    """ "iss REQUIRED". A query that was registered is kept, and the user is not named."""
    user_agent.authorize(client)
    agent, page = (user_agent, of_account) if where == "account" else (admin, None)
    see = page or (lambda agent: agent.get("/console/applications/app"))
    assert opened(see(agent)) == []
    declare(credenza, LOGIN)
    (link,) = opened(see(agent))
    assert link.startswith(LOGIN + "&")
    assert parse_qs(urlsplit(link).query) == {"tenant": ["1"], "iss": [credenza.issuer]}


def test_4_the_sign_in_that_it_begins_needs_no_question(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """The application answers with an authorization request of its own, and the user comes back signed in."""
    user_agent.authorize(client)
    seen = user_agent.get(client.authorization_url())
    assert isinstance(seen, Callback)
    assert seen.code


@pytest.mark.parametrize("address", ["http://localhost/login", "javascript:alert(1)", "https://app.example.com\\@evil"])
def test_4_the_address_is_an_https_one(credenza: Credenza, address: str) -> None:
    """ "MUST use the https scheme". OpenID Connect Registration §2."""
    with pytest.raises(StateError):
        declare(credenza, address)


def test_a_disabled_application_is_not_opened(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    declare(credenza, LOGIN)
    user_agent.authorize(client)
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "enabled": False}]})
    assert opened(of_account(user_agent)) == []


def test_an_administrator_sets_it_in_the_console(credenza: Credenza, admin: UserAgent) -> None:
    page = admin.get("/console/applications/app")
    assert isinstance(page, PageSeen)
    form = next(
        form for form in page.forms if form.values_of("auth_method") or "initiate_login_uri" in str(form.fields)
    )
    values = {
        "name": "Harbour Wiki",
        "redirect_uris": "https://app.example.com/cb\nhttps://app.example.com/cb?tenant=1",
        "auth_method": "client_secret_basic",
        "id_token_alg": "RS256",
        "access_token_lifetime": "600",
        "offline_access": "on",
    }
    for address, status in (("http://app.example.com/login", 422), ("http://localhost/login", 422), (LOGIN, 200)):
        answer = admin.post(
            "/console/applications/app", [*form.hidden(), *(values | {"initiate_login_uri": address}).items()]
        )
        assert isinstance(answer, PageSeen)
        assert answer.status == status, answer.text
    assert len(opened(answer)) == 1
