"""The consent x-ray: the same decision as the real thing, step by step. PRODUCT +20."""

from __future__ import annotations

from urllib.parse import urlencode

from credenza.testing import ORDERS, PageSeen, RelyingParty, UserAgent


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
