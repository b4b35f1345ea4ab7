"""`iss` in every authorization response. RFC 9207 §2."""

from __future__ import annotations

import pytest

from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent


def test_the_response_names_its_issuer(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """ "an authorization server supporting this specification MUST indicate its identity by including the iss parameter
    in the response." RFC 9207 §2.
    """
    callback = user_agent.authorize(client)
    assert isinstance(callback, Callback)
    assert callback.parameters["iss"] == credenza.issuer


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "token"},
        {"scope": "openid address"},
        {"prompt": "none"},
        {"response_mode": "fragment", "prompt": "none"},
        {"request": "nonsense"},
    ],
)
def test_so_does_an_error(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty, changes: dict[str, str]
) -> None:
    """ "In authorization responses to the client, including error responses". RFC 9207 §2."""
    callback = user_agent.get(client.authorization_url(**changes))
    assert isinstance(callback, Callback)
    assert (callback.error != "", callback.parameters["iss"]) == (True, credenza.issuer)


def test_so_does_a_refusal_of_the_user(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    user_agent.get(client.authorization_url())
    page = user_agent.sign_in()
    assert isinstance(page, PageSeen)
    callback = user_agent.decide("deny")
    assert isinstance(callback, Callback)
    assert (callback.error, callback.parameters["iss"]) == ("access_denied", credenza.issuer)


def test_3_the_metadata_says_so_and_has_the_same_issuer(credenza: Credenza) -> None:
    """ "authorization_response_iss_parameter_supported", RFC 9207 §3; clients compare `iss` with this issuer (§2.4)."""
    document = credenza.request("GET", "/.well-known/oauth-authorization-server").json()
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["issuer"] == credenza.issuer
