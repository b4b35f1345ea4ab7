"""A code that somebody else sent. RFC 8628 §5.4."""

from __future__ import annotations

from credenza.testing import PageSeen, RelyingParty, UserAgent

from .conftest import begin, enter, poll


def test_a_link_alone_approves_nothing(user_agent: UserAgent, device: RelyingParty) -> None:
    """ "The server SHOULD display the 'user_code' to the user and ask them to verify that it matches", RFC 8628 §3.3.1;
    and the user is told that a device is authorized, so that nobody does it for another's, RFC 8628 §5.4. SECURITY
    R-DV-03, A-DEV-01.
    """
    started = begin(device)
    user_agent.get("/logout")
    page = user_agent.get(started["verification_uri_complete"])
    assert isinstance(page, PageSeen)
    assert page.forms[0].values_of("user_code") == [started["user_code"]]
    page = enter(user_agent, started["user_code"])
    assert "Tide CLI" in page.text
    assert started["user_code"] in page.text
    assert "somebody sent you this code" in page.text
    assert 'value="authorize" aria-describedby="warning"' in page.html, "who goes from button to button hears it too"
    assert poll(device, started).json()["error"] == "authorization_pending"
