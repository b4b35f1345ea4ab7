"""A pushed request is used by the browser, once and in time. RFC 9126 §4."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from credenza.cleaning import _clean_up
from credenza.testing import Callback, Credenza, PageSeen, RelyingParty, UserAgent

from .conftest import finish, pushed_url, stored


def test_a_pushed_request_is_what_is_authorized(user_agent: UserAgent, client: RelyingParty) -> None:
    callback = finish(user_agent, pushed_url(client, scope="openid email", state="pushed-state"))
    assert callback.parameters["state"] == "pushed-state"
    assert set(client.tokens(callback)["scope"].split()) == {"openid", "email"}


def test_what_stands_beside_it_is_ignored(user_agent: UserAgent, client: RelyingParty) -> None:
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


def test_a_form_of_another_site_can_bring_it(user_agent: UserAgent, client: RelyingParty) -> None:
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
