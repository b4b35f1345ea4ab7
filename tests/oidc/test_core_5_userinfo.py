"""What the claims of OpenID Connect are, and how UserInfo tells them."""

from __future__ import annotations

from typing import Any

from credenza.testing import Credenza, RelyingParty, UserAgent

PROFILE = {
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "birthdate": "1815-12-10",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "website": "https://ada.example.com",
    "address": {"formatted": "12 St James's Square\nLondon", "locality": "London", "country": "UK"},
}


def everything(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> tuple[str, dict[str, Any]]:
    person = {"username": "ada", "profile": PROFILE, "phone_number": "+442071234567", "phone_number_verified": True}
    may = ["profile", "email", "phone", "address"]
    credenza.apply({"users": [person], "applications": [{"client_id": "app", "permissions": {"profile": may}}]})
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile email phone address"))
    return tokens["access_token"], client.userinfo(tokens["access_token"]).json()


def test_5_1_claims_are_of_the_types_of_the_table(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """ "email_verified boolean … address JSON object … updated_at number". OpenID Connect Core §5.1."""
    _, claims = everything(credenza, user_agent, client)
    for name, value in PROFILE.items():
        assert claims[name] == value
    assert claims["email_verified"] is True
    assert claims["phone_number_verified"] is True
    assert claims["phone_number"] == "+442071234567"
    assert type(claims["updated_at"]) is int


def test_5_1_an_address_in_the_profile_is_none_of_the_accounts(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """§5.1 email_verified: "the OP took affirmative steps to ensure that this e-mail address was controlled by the
    End-User"; a profile may come from another system as it was there.
    """
    said = {"email": "boss@example.com", "email_verified": True, "phone_number": "+1", "phone_number_verified": True}
    credenza.apply({"users": [{"username": "ada", "email": "", "phone_number": "", "profile": said}]})
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile email phone"))
    assert not said.keys() & client.userinfo(tokens["access_token"]).json().keys()


def test_5_3_1_get_and_post_and_no_other_place_for_the_token(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """ "The UserInfo Endpoint MUST support the use of the HTTP GET and HTTP POST methods". OpenID Connect Core §5.3."""
    token, claims = everything(credenza, user_agent, client)
    bearer = {"authorization": f"Bearer {token}"}
    assert credenza.request("POST", "/userinfo", headers=bearer).json() == claims
    assert credenza.request("POST", "/userinfo", data={"access_token": token}).json() == claims
    assert credenza.request("GET", "/userinfo", params={"access_token": token}).status_code == 401


def test_5_3_2_what_is_not_known_is_left_out(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "If a Claim is not returned, that Claim Name SHOULD be omitted … it SHOULD NOT be present with a null or empty
    string value". OpenID Connect Core §5.3.2.
    """
    tokens = client.tokens(user_agent.authorize(client, scope="openid profile email"))
    answer = client.userinfo(tokens["access_token"])
    assert answer.headers["content-type"].startswith("application/json")
    claims = answer.json()
    assert {"sub", "name"} <= claims.keys()
    assert not {"middle_name", "nickname", "gender"} & claims.keys()
    assert not [name for name, value in claims.items() if value in (None, "")]


def test_5_3_3_an_error_is_told_as_for_any_bearer_token(credenza: Credenza) -> None:
    """ "the UserInfo Endpoint returns an Error Response as defined in … RFC 6750". OpenID Connect Core §5.3.3."""
    answer = credenza.request("GET", "/userinfo", headers={"authorization": "Bearer nothing"})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
