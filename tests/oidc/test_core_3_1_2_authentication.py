"""Who is asked what before there is a code."""

from __future__ import annotations

import json
import re

from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent


def test_3_1_2_1_an_openid_request_says_openid(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "If the openid scope value is not present, the behavior is entirely unspecified": plain OAuth, no ID token here.

    OpenID Connect Core §3.1.2.1.
    """
    assert "id_token" in client.tokens(user_agent.authorize(client, scope="openid email"))
    assert "id_token" not in client.tokens(user_agent.authorize(client, scope="email"))


def test_3_1_2_2_nobody_else_signs_in_in_the_place_of_who_is_named(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "MUST NOT reply with an ID Token or Access Token for a different user, even if they have an active session".

    OpenID Connect Core §3.1.2.2.
    """
    ada = client.tokens(user_agent.authorize(client))["id_token"]
    grace = UserAgent(user_agent.credenza)
    assert isinstance(grace.authorize(client, user="grace"), Callback)
    silent = grace.get(client.authorization_url(id_token_hint=ada, prompt="none"))
    assert isinstance(silent, Callback)
    assert silent.error == "login_required"
    page = grace.get(client.authorization_url(id_token_hint=ada))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"


def test_3_1_2_3_a_session_is_enough_until_the_client_wants_more(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """ "If the prompt parameter has the value login, the Authorization Server MUST attempt to reauthenticate".

    OpenID Connect Core §3.1.2.3.
    """
    user_agent.authorize(client)
    assert isinstance(user_agent.get(client.authorization_url()), Callback)
    for wish in ({"prompt": "login"}, {"max_age": "0"}):
        page = user_agent.get(client.authorization_url(**wish))
        assert isinstance(page, PageSeen)
        assert page.name == "sign-in"
    credenza.clock.move(61)
    page = user_agent.get(client.authorization_url(max_age="60"))
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"


def test_3_1_2_4_nothing_is_released_before_the_user_has_decided(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "MUST obtain an authorization decision before releasing information to the Relying Party".

    OpenID Connect Core §3.1.2.4.
    """
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    silent = user_agent.get(client.authorization_url(prompt="none"))
    assert isinstance(silent, Callback)
    assert silent.error == "consent_required"
    assert not {"code", "id_token", "access_token"} & silent.parameters.keys()


def test_3_1_2_6_the_client_hears_why_there_was_no_page(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "login_required … This error MAY be returned when the prompt parameter value … is none".

    OpenID Connect Core §3.1.2.6.
    """
    answer = user_agent.get(client.authorization_url(prompt="none"))
    assert isinstance(answer, Callback)
    assert (answer.error, answer.parameters["state"]) == ("login_required", "state-of-the-test")


def test_5_5_1_a_claim_that_cannot_be_had_is_no_error(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "The Authorization Server MUST NOT generate an error when Claims are not returned, whether they are Essential or
    Voluntary". OpenID Connect Core §5.5.1.
    """
    wish = json.dumps({"userinfo": {"phone_number": {"essential": True}, "shoe_size": None, "email": None}})
    tokens = client.tokens(user_agent.authorize(client, scope="openid", claims=wish))
    claims = client.userinfo(tokens["access_token"]).json()
    assert claims["email"] == "ada@example.com"
    assert not {"phone_number", "shoe_size"} & claims.keys()


def test_3_1_2_4_what_is_not_stored_is_said(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """A line without its data would look like one that has some.

    OpenID Connect Core §3.1.2.4.
    """

    def data(agent: UserAgent) -> list[str]:
        agent.get(client.authorization_url(scope="openid email phone"))
        page = agent.sign_in()
        assert isinstance(page, PageSeen)
        return re.findall(r'<span class="data"[^>]*><bdi>(.*?)</bdi>', page.html)

    assert data(user_agent) == ["ada@example.com", "none stored"]
    credenza.apply({"users": [{"username": "ada", "phone_number": "+442071234567"}]})
    assert data(UserAgent(credenza)) == ["ada@example.com", "+442071234567"]


def test_3_1_2_4_whoever_asks_for_one_claim_is_allowed_what_the_page_shows(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    """The answer is about the permission, also when the claim that was asked for is not stored."""
    user_agent.get(client.authorization_url(scope="openid", claims=json.dumps({"userinfo": {"middle_name": None}})))
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    assert "Ada Lovelace, ada" in page.text
    assert "none stored" not in page.text
    assert "name" not in client.userinfo(client.tokens(user_agent.decide())["access_token"]).json()
    later = user_agent.get(client.authorization_url(scope="openid profile", prompt="none"))
    assert isinstance(later, Callback)
    assert client.userinfo(client.tokens(later)["access_token"]).json()["name"] == "Ada Lovelace"
