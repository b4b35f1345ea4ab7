"""RFC 6749 §3.1, the authorization endpoint."""

from __future__ import annotations

from urllib.parse import urlsplit

from credenza.protocol.errors import InvalidRequest
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent


def test_3_1_get_and_post_are_the_same_request(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "MUST support the use of the HTTP "GET" method … and MAY support the use of "POST" … as well". RFC 6749 §3.1."""
    address, _, query = client.authorization_url().partition("?")
    assert isinstance(user_agent.authorize(client), Callback)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = user_agent.send("POST", address, content=query, headers=headers)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("https://app.example.com/cb?code=")


def test_3_1_the_endpoint_has_no_fragment(credenza: Credenza) -> None:
    """ "The endpoint URI … MUST NOT include a fragment component." RFC 6749 §3.1; the token endpoint's, §3.2."""
    document = credenza.request("GET", "/.well-known/oauth-authorization-server").json()
    for name in ("authorization_endpoint", "token_endpoint"):
        assert document[name].startswith(credenza.issuer)
        assert not urlsplit(document[name]).fragment


def test_3_1_what_nobody_knows_is_ignored(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "The authorization server MUST ignore unrecognized request parameters." RFC 6749 §3.1."""
    callback = user_agent.authorize(client, ui_theme="night", tenant="7")
    assert isinstance(callback, Callback)
    assert set(callback.parameters) == {"code", "state", "iss"}


def test_3_1_1_response_type_is_required(user_agent: UserAgent, client: RelyingParty) -> None:
    """Missing, or not understood: "the authorization server MUST return an error response". RFC 6749 §3.1.1."""
    missing = user_agent.get(client.authorization_url(response_type=None))
    assert isinstance(missing, Callback)
    assert missing.error == "invalid_request"
    unknown = user_agent.get(client.authorization_url(response_type="token"))
    assert isinstance(unknown, Callback)
    assert unknown.error == "unsupported_response_type"


def test_3_1_2_4_an_address_that_is_not_registered_is_not_visited(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "MUST NOT automatically redirect the user-agent to the invalid redirection URI." RFC 6749 §3.1.2.4, §4.1.2.1."""
    page = user_agent.get(client.authorization_url(redirect_uri="https://app.example.com/cb/other"))
    assert isinstance(page, PageSeen)
    assert (page.name, page.status) == ("error", 400)
    assert not any("app.example.com/cb/other" in link for link in page.links)


def test_4_1_2_1_a_client_that_nobody_knows_gets_no_redirect(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "If the request fails due to a missing, invalid, or mismatching redirection URI, or if the client identifier is
    missing or invalid, the authorization server SHOULD inform the resource owner of the error". RFC 6749 §4.1.2.1."""
    for client_id in ("nobody", None):
        page = user_agent.get(client.authorization_url(client_id=client_id))
        assert isinstance(page, PageSeen)
        assert (page.name, page.status) == ("error", 400)


def test_4_1_2_1_what_the_user_says_no_to_is_told_to_the_client(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "access_denied: The resource owner or authorization server denied the request." RFC 6749 §4.1.2.1."""
    user_agent.get(client.authorization_url())
    user_agent.sign_in()
    callback = user_agent.decide("deny")
    assert isinstance(callback, Callback)
    assert callback.error == "access_denied"
    assert callback.parameters["state"] == "state-of-the-test"
    assert "code" not in callback.parameters


def test_4_1_2_1_a_description_has_only_the_characters_it_may_have() -> None:
    """ "MUST NOT include characters outside the set %x20-21 / %x23-5B / %x5D-7E." RFC 6749 §4.1.2.1."""
    told = InvalidRequest('Who is "Zo\u00eb"? A \\ is\nnot.').parameters()["error_description"]
    assert told == "Who is Zo? A  isnot."
