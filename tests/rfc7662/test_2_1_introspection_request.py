"""Who may ask, and how. RFC 7662 §2.1, §2.3."""

from __future__ import annotations

import pytest

from credenza.testing import Credenza, RelyingParty, UserAgent


def test_whoever_asks_must_be_known(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, spa: RelyingParty
) -> None:
    """ "To prevent token scanning attacks, the endpoint MUST also require some form of authorization to access this
    endpoint". RFC 7662 §2.1.
    """
    token = client.tokens(user_agent.authorize(client))["access_token"]
    assert credenza.request("POST", "/introspect", data={"token": token}).status_code == 401
    assert spa.post("/introspect", {"token": token}).status_code == 401


def test_the_request_is_a_post_with_the_token(credenza: Credenza, client: RelyingParty) -> None:
    """ "token REQUIRED"; parameters are sent "using an HTTP POST request". RFC 7662 §2.1."""
    answer = client.post("/introspect", {})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert credenza.request("GET", "/introspect?token=x", auth=(client.client_id, client.secret)).status_code == 405


@pytest.mark.parametrize("hint", ["access_token", "pickle"])
def test_a_wrong_hint_does_not_hide_the_token(user_agent: UserAgent, client: RelyingParty, hint: str) -> None:
    """ "If the server is unable to locate the token using the given hint, it MUST extend its search across all of its
    supported token types." RFC 7662 §2.1.
    """
    token = client.tokens(user_agent.authorize(client, scope="openid profile offline_access"))["refresh_token"]
    assert client.post("/introspect", {"token": token, "token_type_hint": hint}).json()["active"] is True


def test_2_3_wrong_credentials_are_answered_as_at_the_token_endpoint(client: RelyingParty) -> None:
    """When "its credentials are invalid, the authorization server responds with an HTTP 401 (Unauthorized)". RFC 7662
    §2.3.
    """
    client.secret = "wrong"
    answer = client.post("/introspect", {"token": "x"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
