"""The request is what the object holds. RFC 9101 §6.3."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from credenza.testing import Callback, PageSeen, RelyingParty, UserAgent

from .conftest import sealed


def test_only_what_is_inside_counts(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "The authorization server MUST only use the parameters in the Request Object, even if the same parameter is
    provided in the query parameter." RFC 9101 §6.3, OpenID Connect Core §6.1.
    """
    callback = user_agent.authorize(
        client, request=sealed(client, max_age=1000), scope="openid profile", state="outside"
    )
    assert isinstance(callback, Callback)
    assert callback.parameters["state"] == "inside"
    tokens = client.tokens(callback, code_verifier=None)
    assert set(tokens["scope"].split()) == {"openid", "email"}


def test_an_object_cannot_bring_a_redirect_uri_that_is_not_registered(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    page = user_agent.get(client.authorization_url(request=sealed(client, redirect_uri="https://evil.example/cb")))
    assert isinstance(page, PageSeen)
    assert (page.name, page.error) == ("error", "invalid_redirect_uri")


def test_a_form_of_another_site_can_bring_one(user_agent: UserAgent, client: RelyingParty) -> None:
    """It goes on sealed: what is inside does not become a plain request in the address."""
    request = sealed(client, max_age=1000)
    form = {"client_id": "app", "response_type": "code", "scope": "openid", "request": request}
    page = user_agent.post("/authorize", form, headers={"origin": "https://app.example.com"})
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    assert dict(parse_qsl(urlsplit(user_agent.history[0].headers["location"]).query)) == form
    user_agent.sign_in()
    callback = user_agent.decide()
    assert isinstance(callback, Callback)
    assert callback.parameters["state"] == "inside"
