"""A page that says that something is over leads on: links are opened twice, a day later, and pages are come back to."""

from __future__ import annotations

import pytest

from credenza import invite, users
from credenza.testing import PASSWORD, Credenza, RelyingParty, UserAgent

from .conftest import seen

NEW = "seven quiet lighthouses at dawn"


def test_a_sign_in_page_that_was_kept_leads_to_the_account(credenza: Credenza, user_agent: UserAgent) -> None:
    kept = seen(user_agent.get("/account/sessions")).url
    user_agent.sign_in()
    page = seen(user_agent.get(kept))
    assert page.error == "interaction_expired"
    assert page.links == ["/"]
    assert seen(user_agent.get("/")).name == "account"


def test_a_consent_page_after_lunch_leads_to_the_account(
    credenza: Credenza, user_agent: UserAgent, client: RelyingParty
) -> None:
    user_agent.get(client.authorization_url())
    assert seen(user_agent.sign_in()).name == "consent"
    credenza.clock.move(credenza.server.settings.interaction_lifetime + 1)
    page = seen(user_agent.submit([("decision", "authorize")]))
    assert page.error == "interaction_expired"
    assert page.links == ["/"]


def test_whoever_opens_an_invitation_again_may_sign_in(credenza: Credenza, user_agent: UserAgent) -> None:
    ada = credenza.run(users.find_user_by_identifier, "ada")
    assert ada is not None
    link = credenza.run(invite, credenza.server, purpose="user", user_id=ada.id)
    user_agent.get(link)
    user_agent.submit([("password", NEW), ("password_again", NEW)])
    page = seen(user_agent.get(link))
    assert (page.error, page.links) == ("invitation_expired", ["/"])


def test_a_link_that_is_over_leads_back_to_the_sign_in_that_waits(user_agent: UserAgent, client: RelyingParty) -> None:
    waiting = seen(user_agent.get(client.authorization_url())).url.split("/")[-2]
    over = seen(user_agent.get(f"/invitation/cz_in_over?continue={waiting}"))
    assert (over.error, over.links) == ("invitation_expired", [f"/interaction/{waiting}"])


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_password_manager_finds_the_page_for_a_new_password(
    credenza: Credenza, user_agent: UserAgent, signed_in: bool
) -> None:
    """A Well-Known URL for Changing Passwords §3: "a redirect to the page where users can change their passwords"."""
    if signed_in:
        user_agent.get("/account")
        user_agent.sign_in()
    answer = user_agent.send("GET", "/.well-known/change-password")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{credenza.issuer}/account/password")
    page = seen(user_agent.get("/.well-known/change-password"))
    assert page.name == ("account" if signed_in else "sign-in")
    if not signed_in:
        assert seen(user_agent.sign_in("ada", PASSWORD)).url.endswith("/account/password")
