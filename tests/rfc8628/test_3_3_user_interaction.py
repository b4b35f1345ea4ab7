"""The code is entered, and whoever entered it says yes or no. RFC 8628 §3.3."""

from __future__ import annotations

from credenza.testing import Credenza, PageSeen, RelyingParty, UserAgent

from .conftest import approve, begin, enter, poll


def test_a_code_is_typed_with_the_wide_letters_of_a_japanese_keyboard(
    user_agent: UserAgent, device: RelyingParty
) -> None:
    """The user is asked to enter the user_code, which is compared without regard to how it was typed. RFC 8628 §3.3,
    §6.1.
    """
    started = begin(device)
    wide = {ord(letter): chr(ord(letter) + 0xFEE0) for letter in started["user_code"]}
    page = approve(user_agent, started["user_code"].translate(wide))
    assert (page.name, "connected" in page.text) == ("device", True)


def test_a_code_that_was_answered_or_is_too_old_is_not_known(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-DV-01: whoever types it in is told so before anything else is asked."""
    approved, late, slow = begin(device), begin(device), begin(device)
    approve(user_agent, approved["user_code"])
    assert enter(user_agent, approved["user_code"]).status == 422
    assert enter(user_agent, slow["user_code"]).name == "device"
    page = user_agent.page
    credenza.clock.move(601)
    assert enter(user_agent, late["user_code"]).status == 422
    user_agent.page = page
    user_agent.submit([("decision", "authorize")])
    gone = user_agent.decide("authorize")
    assert isinstance(gone, PageSeen)
    assert (gone.name, gone.error) == ("error", "interaction_expired")
    assert poll(device, slow).json()["error"] == "expired_token"


def test_whoever_signs_in_instead_is_asked_whether_it_is_their_device(
    credenza: Credenza, user_agent: UserAgent, device: RelyingParty
) -> None:
    """SECURITY R-DV-03, A-SES-05: what one person said in this browser is not said by the next."""
    enter(user_agent, begin(device)["user_code"])
    page = user_agent.submit([("decision", "authorize")])
    assert isinstance(page, PageSeen)
    assert page.name == "consent"
    user_agent.get("/logout")
    user_agent.submit([("decision", "sign-out")])
    user_agent.get("/account")
    user_agent.sign_in("grace")
    seen = user_agent.get(page.url)
    assert isinstance(seen, PageSeen)
    assert (seen.name, "grace" in seen.text.lower()) == ("device", True)


def test_a_forged_form_is_refused(user_agent: UserAgent, device: RelyingParty) -> None:
    """SECURITY A-DEV-07."""
    started = begin(device)
    page = user_agent.post("/device", {"user_code": started["user_code"], "csrf_token": "x"})
    assert isinstance(page, PageSeen)
    assert page.status == 403
