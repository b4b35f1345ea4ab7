"""The consent x-ray: the same decision as the real thing, step by step. PRODUCT +20."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from credenza.testing import ORDERS, Credenza, PageSeen, RelyingParty, UserAgent


def look(admin: UserAgent, **asked: str) -> PageSeen:
    page = admin.get("/console/xray?" + urlencode(asked))
    assert isinstance(page, PageSeen)
    return page


def test_each_permission_has_its_chain_of_verdicts(admin: UserAgent) -> None:
    page = look(admin, client="app", user="ada", scope="openid email orders:read orders:write", resource=ORDERS)
    assert page.status == 200
    assert "role support" in page.text
    assert "never answered" in page.text
    assert "The user is asked" in page.text
    assert "Granted" not in page.text


def test_it_tells_what_was_consented(admin: UserAgent, user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.authorize(client, scope="openid email")
    page = look(admin, client="app", user="ada@example.com", scope="openid email")
    assert "not asked again" in page.text
    assert "Granted" in page.text


def test_a_scope_that_is_not_enabled_is_told(admin: UserAgent) -> None:
    page = look(admin, client="app", user="ada", scope="openid address")
    assert "invalid_scope" in page.text


def test_the_exact_page_is_shown_in_a_frame_of_ours(admin: UserAgent) -> None:
    asked = urlencode({"client": "app", "user": "ada", "scope": "openid email"})
    page = admin.get(f"/console/xray/page?{asked}")
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "ada@example.com" in page.text
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    assert "sandbox" in page.headers["content-security-policy"]
    assert "frame-src 'self'" in look(admin, client="app", user="ada").headers["content-security-policy"]


def test_unknown_names_are_said_beside_their_fields(admin: UserAgent) -> None:
    page = look(admin, client="nobody", user="no one")
    assert page.status == 422
    assert "No application has this client ID." in page.text
    assert "There is no such user." in page.text
    assert "There is nothing to show yet. Check the marked fields." in page.text
    assert "Nothing was saved" not in page.text


def test_looking_writes_nothing(admin: UserAgent, user_agent: UserAgent, client: RelyingParty) -> None:
    """SECURITY.md A-CON-11."""
    look(admin, client="app", user="ada", scope="openid email")
    user_agent.get(client.authorization_url(scope="openid email"))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent"


def test_everything_that_is_enabled_is_what_an_organization_gives_too(credenza: Credenza, admin: UserAgent) -> None:
    """PRODUCT +20: which organization it is comes along with what is enabled there; without it nothing was shown."""
    credenza.apply(
        {
            "organization_template": {
                "permissions": [{"name": "members:read", "description": "See who is a member"}],
                "roles": [{"name": "owner", "permissions": ["members:read"]}],
            },
            "organizations": [{"name": "Acme", "members": [{"username": "ada", "roles": ["owner"]}]}],
            "applications": [
                {"client_id": "spa", "name": "Tide Board", "permissions": {"organization": ["members:read"]}}
            ],
        }
    )
    page = admin.get("/console/xray?client=spa&user=ada")
    assert isinstance(page, PageSeen)
    assert "See who is a member" in page.text
    assert "Acme" in page.text


@pytest.mark.parametrize("scope", ["openid profile", "openid"])
def test_who_is_asked_each_time_is_told_so(
    credenza: Credenza, admin: UserAgent, user_agent: UserAgent, scope: str
) -> None:
    """PRODUCT +20, SECURITY R-AZ-30: it said that the user is not asked again, and they were."""
    native = RelyingParty(credenza, "native", "http://127.0.0.1/cb", auth_method="none")
    user_agent.authorize(native, scope="openid profile")
    page = user_agent.get(native.authorization_url(scope=scope))
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    page = admin.get(f"/console/xray?client=native&user=ada&scope={scope}")
    assert isinstance(page, PageSeen)
    assert "The user is asked each time" in page.text


@pytest.mark.parametrize("who", ["application", "user"])
def test_who_is_switched_off_gets_nothing(
    credenza: Credenza, admin: UserAgent, user_agent: UserAgent, client: RelyingParty, who: str
) -> None:
    """PRODUCT +20: it said that the user is not asked again, and that all is granted."""
    user_agent.authorize(client)
    address = "/console/xray?client=app&user=ada&scope=openid"
    page = admin.get(address)
    assert isinstance(page, PageSeen)
    assert "Granted" in page.text
    if who == "user":
        credenza.apply({"users": [{"username": "ada", "suspended": True}]})
    else:
        credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "enabled": False}]})
    page = admin.get(address)
    assert isinstance(page, PageSeen)
    assert f"This {who} is {'suspended' if who == 'user' else 'disabled'}" in page.text
    assert "Granted" not in page.text
