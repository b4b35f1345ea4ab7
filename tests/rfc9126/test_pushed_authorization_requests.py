"""RFC 9126, pushed authorization requests."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from credenza.cleaning import _clean_up
from credenza.store import audit
from credenza.store.pushed_requests import PushedRequestRow
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent


def push(client: RelyingParty, **changes: str | None) -> httpx.Response:
    request = dict(parse_qsl(urlsplit(client.authorization_url()).query))
    return client.post("/par", request | changes)


def pushed_url(client: RelyingParty, **changes: str | None) -> str:
    response = push(client, **changes)
    assert response.status_code == 201, response.text
    return "/authorize?" + urlencode({"client_id": client.client_id, "request_uri": response.json()["request_uri"]})


def finish(user_agent: UserAgent, url: str) -> Callback:
    seen = user_agent.get(url)
    if isinstance(seen, PageSeen) and seen.name == "sign-in":
        seen = user_agent.sign_in()
    if isinstance(seen, PageSeen) and seen.name == "consent":
        seen = user_agent.decide()
    assert isinstance(seen, Callback), seen.text
    return seen


def test_2_2_the_answer_names_the_request_and_how_long_it_lives(client: RelyingParty) -> None:
    """ "expires_in … a JSON number"; "HTTP 201 Created". RFC 9126 §2.2. SECURITY R-PA-01."""
    response = push(client)
    assert response.status_code == 201
    assert 0 < response.json()["expires_in"] < 600
    assert response.json()["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert response.headers["cache-control"] == "no-store"


def test_4_a_pushed_request_is_what_is_authorized(user_agent: UserAgent, client: RelyingParty) -> None:
    callback = finish(user_agent, pushed_url(client, scope="openid email", state="pushed-state"))
    assert callback.parameters["state"] == "pushed-state"
    assert set(client.tokens(callback)["scope"].split()) == {"openid", "email"}


def test_4_what_stands_beside_it_is_ignored(user_agent: UserAgent, client: RelyingParty) -> None:
    """What was pushed is what counts. RFC 9126 §4. SECURITY R-PA-04, A-REQ-03."""
    url = (
        pushed_url(client, scope="openid", state="pushed-state")
        + "&"
        + urlencode(
            {"scope": "openid email", "state": "other", "redirect_uri": "https://evil.example/cb", "prompt": "none"}
        )
    )
    callback = finish(user_agent, url)
    assert callback.url.startswith("https://app.example.com/cb?")
    assert callback.parameters["state"] == "pushed-state"
    assert client.tokens(callback)["scope"] == "openid"


def test_it_is_burnt_when_the_code_is_issued_and_not_when_it_is_looked_at(
    user_agent: UserAgent, client: RelyingParty
) -> None:
    """ "Authorization servers SHOULD treat request_uri values as one-time use but MAY allow for duplicate requests due
    to a user reloading/refreshing their user agent." RFC 9126 §4. SECURITY D10, R-PA-03, A-REQ-01.
    """
    url = pushed_url(client)
    for _ in range(3):
        page = user_agent.get(url)
        assert isinstance(page, PageSeen)
        assert page.name == "sign-in"
    finish(user_agent, url)
    page = user_agent.get(url)
    assert isinstance(page, PageSeen)
    assert (page.name, page.error) == ("error", "invalid_request_uri")


def test_it_expires_before_the_first_look_only(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """ "An expired request_uri MUST be rejected as invalid." RFC 9126 §4."""
    late, slow = pushed_url(client), pushed_url(client)
    user_agent.get(slow)
    credenza.clock.move(100)
    page = user_agent.get(late)
    assert isinstance(page, PageSeen)
    assert page.error == "invalid_request_uri"
    finish(user_agent, slow)


def test_another_client_cannot_use_it_and_changes_nothing(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """R-PA-03, G2: nor is that the first look, after which it would not expire."""
    url = pushed_url(client)
    for _ in range(2):
        page = user_agent.get(url.replace("client_id=app", "client_id=own"))
        assert isinstance(page, PageSeen)
        assert page.error == "invalid_request_uri"
        credenza.clock.move(100)
    page = user_agent.get(url)
    assert isinstance(page, PageSeen)
    assert page.error == "invalid_request_uri"


def test_of_two_requests_neither_counts(user_agent: UserAgent, client: RelyingParty) -> None:
    """R-AZ-08."""
    url, other = pushed_url(client), pushed_url(client, state="other")
    page = user_agent.get(f"{url}&{other.partition('?')[2].partition('&')[2]}")
    assert isinstance(page, PageSeen)
    assert (page.name, page.error) == ("error", "invalid_request")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"scope": "openid address"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
    ],
)
def test_everything_is_checked_at_once(client: RelyingParty, changes: dict[str, str | None], error: str) -> None:
    """ "Validate the pushed request as it would an authorization request sent to the authorization endpoint", and
    "Reject the request if the request_uri authorization request parameter is provided." RFC 9126 §2.1. SECURITY
    R-PA-01, R-PA-02.
    """
    response = push(client, **changes)
    assert (response.status_code, response.json()["error"]) == (400, error)


@pytest.mark.parametrize(
    ("changes", "told", "kept"),
    [
        ({"redirect_uri": "https://app.example.com/cb/"}, "not registered", "https://app.example.com/cb/"),
        ({"redirect_uri": None}, "redirect_uri is missing", "redirect_uri is missing"),
        ({"prompt": "sign-in"}, "none, login, consent, select_account", "sign-in"),
    ],
)
def test_2_3_the_client_is_told_what_is_wrong_and_the_administrator_finds_it(
    credenza: Credenza, client: RelyingParty, changes: dict[str, str | None], told: str, kept: str
) -> None:
    """ "The authorization server returns an error response with the same format as is specified for error responses
    from the token endpoint". RFC 9126 §2.3. Under Activity too: whoever pushes has no other errors than these.
    """
    assert told in push(client, **changes).json()["error_description"]
    (event, *_) = credenza.run(audit.list_events, client="app", name="AuthorizationRefused", limit=1)
    assert kept in event.data["description"]


def test_a_stranger_writes_nothing_under_the_activity_of_a_client(credenza: Credenza, client: RelyingParty) -> None:
    client.secret = "wrong"
    push(client, prompt="sign-in")
    assert credenza.run(audit.list_events, client="app", name="AuthorizationRefused") == []


def test_it_authenticates_like_the_token_endpoint(credenza: Credenza, client: RelyingParty) -> None:
    """ "Authenticate the client in the same way as at the token endpoint", RFC 9126 §2.1; without POST it is a 405,
    §2.3.

    SECURITY A-REQ-02, R-TK-08.
    """
    client.secret = "wrong"
    assert push(client).status_code == 401
    assert credenza.request("POST", "/par", data={"client_id": "app"}).status_code == 401
    assert credenza.request("GET", "/par").status_code == 405
    assert credenza.request("PUT", "/par").status_code == 405


def test_2_1_nobody_pushes_a_request_of_another_client(client: RelyingParty) -> None:
    """ "Authenticate the client": it is the one whose request that is. RFC 9126 §2.1."""
    answer = push(client, client_id="own")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_client_that_requires_it_cannot_be_used_without(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """require_pushed_authorization_requests: "the only means of initiating an authorization request the client is
    allowed to use is PAR". RFC 9126 §6. SECURITY R-PA-05.
    """
    metadata = {"require_pushed_authorization_requests": True}
    credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "metadata": metadata}]})
    callback = user_agent.get(client.authorization_url())
    assert isinstance(callback, Callback)
    assert callback.error == "invalid_request"
    finish(user_agent, pushed_url(client))


def test_4_a_form_of_another_site_can_bring_it(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "The authorization server MUST support the use of the HTTP … POST methods". OpenID Connect Core §3.1.2.1.

    Without our cookies the browser is sent on, with what stood in the form: nothing pushed shows in the address, and
    it is burnt as always. SECURITY R-PA-03.
    """
    metadata = {"require_pushed_authorization_requests": True}
    user_agent.credenza.apply({"applications": [{"client_id": "app", "name": "Harbour Wiki", "metadata": metadata}]})
    url = pushed_url(client, state="secret-state")
    form = dict(parse_qsl(urlsplit(url).query))
    page = user_agent.post("/authorize", form, headers={"origin": "https://app.example.com"})
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    assert user_agent.history[0].status_code == 303
    location = urlsplit(user_agent.history[0].headers["location"])
    assert (location.path, dict(parse_qsl(location.query))) == ("/authorize", form)
    user_agent.sign_in()
    callback = user_agent.decide()
    assert isinstance(callback, Callback)
    assert callback.parameters["state"] == "secret-state"
    again = user_agent.get(url)
    assert isinstance(again, PageSeen)
    assert again.error == "invalid_request_uri"


def stored(credenza: Credenza) -> list[int]:
    """How long the text of each kept request is."""

    async def lengths() -> list[int]:
        rows = await PushedRequestRow.select(PushedRequestRow.parameters)
        return [len(row["parameters"]) for row in rows]

    return credenza.run(lengths)


def test_strangers_leave_only_so_much_behind(credenza: Credenza, client: RelyingParty, spa: RelyingParty) -> None:
    """A public client is whoever says so; one with credentials is not limited. SECURITY G1, G2."""

    def push_from(party: RelyingParty, address: str) -> int:
        request = dict(parse_qsl(urlsplit(party.authorization_url()).query))
        return party.post("/par", request, address=address).status_code

    answers = [push_from(spa, "2001:db8:0:1::1")]
    while answers[-1] == 201 and len(answers) < 1000:
        answers.append(push_from(spa, f"2001:db8:0:1::{len(answers):x}"))
    assert answers[-1] == 429
    assert len(stored(credenza)) == answers.count(201) >= 100
    assert push_from(spa, "2001:db8:0:2::1") == 201
    assert {push_from(client, "2001:db8:0:1::1") for _ in range(3)} == {201}


def test_a_request_of_no_honest_length_is_not_kept(credenza: Credenza, client: RelyingParty) -> None:
    response = push(client, junk="x" * 40_000)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert stored(credenza) == []
    assert push(client, state="\u4e2d" * 2048, login_hint="x" * 10_000).status_code == 201


def test_what_was_never_looked_at_is_gone_soon(credenza: Credenza, user_agent: UserAgent, client: RelyingParty) -> None:
    """One that was looked at stays for whoever signs in slowly."""
    opened, _ = pushed_url(client), pushed_url(client)
    user_agent.get(opened)
    credenza.clock.move(900)
    credenza.run(_clean_up, credenza.server)
    assert len(stored(credenza)) == 1
    finish(user_agent, opened)


def test_r_pa_03_one_that_was_looked_at_ends_with_the_time_for_signing_in(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    """SECURITY R-PA-03, R-CD-03: when it is used, and not when the clean-up comes."""
    url = pushed_url(client)
    user_agent.get(url)
    credenza.clock.move(90 + credenza.server.settings.interaction_lifetime)
    page = user_agent.get(url)
    assert isinstance(page, PageSeen)
    assert (page.name, page.error) == ("error", "invalid_request_uri")
