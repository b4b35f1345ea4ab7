"""The tutorials: a scope source, a client type, a theme and a page in the console, each through the front door."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from credenza import audit, provider
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent

EXAMPLES = Path(__file__).parents[2] / "docs" / "plugins" / "examples"
LONGEST = {
    "staff_directory.py": 25,
    "kiosk_client.py": 30,
    "theme_harbour/__init__.py": 8,
    "theme_harbour/static/harbour.css": 10,
}


@pytest.fixture
def credenza_plugins() -> list[tuple[str, object]]:
    names = {
        "staff-directory": "staff_directory",
        "kiosk": "kiosk_client",
        "theme-harbour": "theme_harbour",
        "tide-gauge": "tide_gauge",
    }
    return [(name, importlib.import_module(module)) for name, module in names.items()]


@pytest.mark.parametrize(("file", "most"), LONGEST.items())
def test_an_example_is_as_short_as_promised(file: str, most: int) -> None:
    assert len((EXAMPLES / file).read_text().splitlines()) <= most


# -- docs/plugins/scope-source.md -------------------------------------------------------------------------------------


@pytest.fixture
def groups_enabled(credenza: Credenza) -> None:
    """What an administrator does once: enable the new permission on the application."""
    permissions = {"profile": ["profile", "email"], "staff": ["groups?"]}
    credenza.apply({"applications": [{"client_id": "app", "permissions": permissions}]})


def test_the_groups_scope_is_in_discovery(credenza: Credenza) -> None:
    document = credenza.request("GET", "/.well-known/openid-configuration").json()
    assert "groups" in document["scopes_supported"]
    assert "groups" in document["claims_supported"]


def test_the_groups_scope_can_be_enabled_in_the_desired_state_file(credenza: Credenza, groups_enabled: None) -> None:
    client = credenza.run(credenza.server.find_client, "app")
    assert client is not None
    assert {p.scope: required for p, required in (client.ceiling or {}).items() if p.source == "staff"} == {
        "groups": False
    }


def test_the_consent_page_shows_the_groups_themselves(
    user_agent: UserAgent, client: RelyingParty, groups_enabled: None
) -> None:
    user_agent.get(client.authorization_url(scope="openid groups"))
    page = user_agent.sign_in("ada")
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "Your groups" in page.text
    assert "harbour-pilots, night-watch" in page.text


def test_userinfo_and_the_tokens_scope_have_the_groups(
    user_agent: UserAgent, client: RelyingParty, groups_enabled: None
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid groups"))
    assert set(tokens["scope"].split()) == {"openid", "groups"}
    assert client.userinfo(tokens["access_token"]).json()["groups"] == ["harbour-pilots", "night-watch"]


def test_the_console_offers_it_and_the_x_ray_explains_it(admin: UserAgent, groups_enabled: None) -> None:
    """Not a line of the console knows this source."""
    offered = admin.get("/console/applications/app/permissions")
    assert isinstance(offered, PageSeen)
    assert "Your groups" in offered.text
    seen = admin.get("/console/xray?client=app&user=ada&scope=openid%20groups")
    assert isinstance(seen, PageSeen)
    assert "the staff directory" in seen.text


def test_who_is_not_in_the_directory_is_not_asked_for_groups(
    user_agent: UserAgent, client: RelyingParty, groups_enabled: None
) -> None:
    user_agent.get(client.authorization_url(scope="openid groups"))
    page = user_agent.sign_in("grace")
    assert isinstance(page, PageSeen)
    assert "Your groups" not in page.text
    tokens = client.tokens(user_agent.decide())
    assert tokens["scope"] == "openid"
    assert "groups" not in client.userinfo(tokens["access_token"]).json()


def test_groups_that_the_user_did_not_tick_are_not_released(
    user_agent: UserAgent, client: RelyingParty, groups_enabled: None
) -> None:
    user_agent.get(client.authorization_url(scope="openid groups"))
    user_agent.sign_in("ada")
    tokens = client.tokens(user_agent.decide(permissions=[]))
    assert tokens["scope"] == "openid"
    assert "groups" not in client.userinfo(tokens["access_token"]).json()


def test_without_an_administrators_yes_the_groups_are_left_out(user_agent: UserAgent, client: RelyingParty) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid groups"))
    assert tokens["scope"] == "openid"


def test_groups_taken_away_are_gone_from_the_next_answer(
    user_agent: UserAgent, client: RelyingParty, groups_enabled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = client.tokens(user_agent.authorize(client, scope="openid groups"))
    monkeypatch.setattr(importlib.import_module("staff_directory"), "DIRECTORY", {})
    assert "groups" not in client.userinfo(tokens["access_token"]).json()


# -- docs/plugins/client-type.md --------------------------------------------------------------------------------------


@pytest.fixture
def kiosk(credenza: Credenza) -> RelyingParty:
    application = {
        "client_id": "lobby",
        "name": "Lobby Screen",
        "type": "kiosk",
        "third_party": True,
        "redirect_uris": ["https://lobby.example.com/cb"],
        "permissions": {"profile": ["profile"]},
    }
    credenza.apply({"applications": [application]})
    return RelyingParty(credenza, "lobby", "https://lobby.example.com/cb", auth_method="none")


def test_a_kiosk_signs_a_user_in_without_a_secret(user_agent: UserAgent, kiosk: RelyingParty) -> None:
    tokens = kiosk.tokens(user_agent.authorize(kiosk, scope="openid profile"))
    assert kiosk.userinfo(tokens["access_token"]).json()["name"] == "Ada Lovelace"


def test_a_kiosk_must_use_pkce(user_agent: UserAgent, kiosk: RelyingParty) -> None:
    answer = user_agent.get(kiosk.authorization_url(scope="openid", code_challenge=None, code_challenge_method=None))
    assert isinstance(answer, Callback)
    assert answer.error == "invalid_request"


def test_a_kiosk_gets_no_refresh_token(user_agent: UserAgent, kiosk: RelyingParty) -> None:
    callback = user_agent.authorize(kiosk, scope="openid profile offline_access", prompt="consent")
    assert "refresh_token" not in kiosk.tokens(callback)


def test_a_kiosk_may_not_use_another_grant_type(kiosk: RelyingParty) -> None:
    response = kiosk.post("/token", {"grant_type": "client_credentials"})
    assert response.json()["error"] == "unauthorized_client"


def test_a_kiosk_with_another_grant_type_is_refused_by_the_desired_state_file(credenza: Credenza) -> None:
    application = {"name": "Bad", "type": "kiosk", "grant_types": ["client_credentials"]}
    with pytest.raises(Exception, match="grant_types: authorization_code"):
        credenza.apply({"applications": [application]})


# -- docs/plugins/theme.md --------------------------------------------------------------------------------------------


def stylesheets(page: PageSeen | Callback | None) -> list[str]:
    assert isinstance(page, PageSeen)
    return [part.split('"')[0] for part in page.html.split('rel="stylesheet" href="')[1:]]


@pytest.fixture
def harbour_picked(credenza: Credenza) -> None:
    credenza.apply({"applications": [{"client_id": "app", "branding": {"theme": "harbour"}}]})


def test_sign_in_and_consent_wear_the_theme_of_the_application(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, harbour_picked: None
) -> None:
    for page in (user_agent.get(client.authorization_url()), user_agent.sign_in()):
        address = next(address for address in stylesheets(page) if address.endswith("/harbour.css"))
        response = credenza.request("GET", address)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/css")
        assert "#0b5563" in response.text


def test_another_application_keeps_its_own_look(user_agent: UserAgent, spa: RelyingParty, harbour_picked: None) -> None:
    page = user_agent.get(spa.authorization_url())
    assert not any("harbour" in address for address in stylesheets(page))


def test_the_provider_may_wear_it_too(credenza: Credenza, user_agent: UserAgent, spa: RelyingParty) -> None:
    credenza.apply({"provider": {"branding": {"theme": "harbour"}}})
    page = user_agent.get(spa.authorization_url())
    assert any(address.endswith("/harbour.css") for address in stylesheets(page))


def test_only_the_folder_of_the_theme_is_served(credenza: Credenza, user_agent: UserAgent, spa: RelyingParty) -> None:
    credenza.apply({"provider": {"branding": {"theme": "harbour"}}})
    address = next(a for a in stylesheets(user_agent.get(spa.authorization_url())) if "harbour" in a)
    folder = address.removesuffix("harbour.css")
    for name in ("../__init__.py", "..%2f__init__.py", "__init__.py"):
        assert credenza.request("GET", folder + name).status_code == 404


# -- docs/plugins/console-page.md -------------------------------------------------------------------------------------


def test_what_is_wrong_stands_beside_its_field(admin: UserAgent) -> None:
    admin.get("/console/tide-gauge")
    page = admin.submit([("address", "ftp://tides.example.com"), ("level", "3")])
    assert isinstance(page, PageSeen)
    assert page.status == 422
    assert "Give an address that begins with https://." in page.text
    assert 'value="ftp://tides.example.com"' in page.html


def test_what_was_saved_is_there_and_in_the_audit_log(credenza: Credenza, admin: UserAgent) -> None:
    admin.get("/console/tide-gauge")
    page = admin.submit([("address", "https://tides.example.com"), ("level", "2")])
    assert isinstance(page, PageSeen)
    assert "Saved." in page.text
    assert 'value="https://tides.example.com"' in page.html
    event = credenza.run(audit.list_events, name="ObjectChanged", limit=1)[0]
    assert event.data["after"] == {"address": "https://tides.example.com", "level": "2"}


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(credenza: Credenza, admin: UserAgent) -> None:
    admin.get("/console/tide-gauge")
    credenza.run(provider.save_provider_setting, "tide-gauge", {"address": "https://new.example.com", "level": "1"})
    page = admin.submit([("address", "https://tides.example.com"), ("level", "2")])
    assert isinstance(page, PageSeen)
    assert page.status == 422
    kept = credenza.run(provider.find_provider_setting, "tide-gauge")
    assert kept == {"address": "https://new.example.com", "level": "1"}
