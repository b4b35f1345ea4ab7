"""RFC 6749 §4.1, the authorization code grant, from outside."""

from __future__ import annotations

from credenza.testing import Callback, PageSeen, RelyingParty, UserAgent


def test_a_user_signs_in_sees_the_consent_page_and_the_client_gets_tokens(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    """OpenID Connect Core §3.1.2."""
    page = user_agent.get(client.authorization_url())
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    assert "ada@example.com" in page.text
    callback = user_agent.decide("authorize")
    assert isinstance(callback, Callback)
    assert callback.parameters["state"] == "state-of-the-test"
    assert callback.parameters["iss"] == "https://id.example.com"
    tokens = client.tokens(callback)
    assert set(tokens) >= {"access_token", "id_token", "expires_in", "token_type"}
    claims = client.userinfo(tokens["access_token"]).json()
    assert claims["email"] == "ada@example.com"
    assert claims["name"] == "Ada Lovelace"
