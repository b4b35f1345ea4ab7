"""Claims of scopes are at UserInfo, and in the ID token of an application that is set so. OpenID Connect Core §5.4."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from credenza.state import StateError
from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent

APP = {"client_id": "app", "name": "Harbour Wiki"}


def claims_of(tokens: dict[str, Any]) -> dict[str, Any]:
    return dict(jwt.decode(tokens["id_token"], options={"verify_signature": False}))


def test_they_are_not_in_the_id_token_by_themselves(user_agent: UserAgent, client: RelyingParty) -> None:
    seen = claims_of(client.tokens(user_agent.authorize(client, scope="openid profile email")))
    assert not {"name", "email", "email_verified"} & seen.keys()


def test_they_are_for_a_library_that_never_asks_userinfo(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """Auth.js, passport-openidconnect and express-openid-connect show a user without a name otherwise."""
    credenza.apply({"applications": [{**APP, "id_token_claims": "granted"}]})
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile email offline_access"))
    userinfo = client.userinfo(tokens["access_token"]).json()
    assert userinfo.items() <= claims_of(tokens).items()
    assert userinfo["email"] == "ada@example.com"
    assert claims_of(client.refresh(tokens["refresh_token"]).json())["name"] == "Ada Lovelace"


def test_what_was_not_allowed_is_not_there_either(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    credenza.apply({"applications": [{**APP, "id_token_claims": "granted"}]})
    user_agent.get(client.authorization_url(scope="openid email phone"))
    user_agent.sign_in()
    seen = claims_of(client.tokens(user_agent.decide(permissions=[])))
    assert "email" in seen
    assert not {"name", "phone_number", "phone_number_verified"} & seen.keys()


def test_an_administrator_says_so_in_the_console(credenza: Credenza, admin: UserAgent) -> None:
    page = admin.get("/console/applications/app")
    assert isinstance(page, PageSeen)
    form = next(form for form in page.forms if "id_token_claims" in str(form.fields))
    values = {
        "name": "Harbour Wiki",
        "redirect_uris": "https://app.example.com/cb\nhttps://app.example.com/cb?tenant=1",
        "auth_method": "client_secret_basic",
        "id_token_alg": "RS256",
        "id_token_claims": "granted",
        "access_token_lifetime": "600",
    }
    saved = admin.post("/console/applications/app", [*form.hidden(), *values.items()])
    assert isinstance(saved, PageSeen)
    assert saved.status == 200
    client = credenza.run(credenza.server.find_client, "app")
    assert client is not None
    assert client.claims_in_id_token


def test_the_setting_has_two_values(credenza: Credenza) -> None:
    with pytest.raises(StateError, match="id_token_claims: asked or granted"):
        credenza.apply({"applications": [{**APP, "id_token_claims": "all"}]})
