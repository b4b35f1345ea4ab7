"""Invitations by link: made in the console, used once by whom they are for. SECURITY.md A-ORG-03."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from credenza import audit, users
from credenza.testing import PageSeen, UserAgent
from credenza_organizations import invitations, store, template
from credenza_organizations.invitations import clean_up_invitations
from credenza_organizations.joining import joining_mail
from credenza_organizations.tables import OrganizationInvitation

Visitor = Any  # see conftest.py


def invite(visitor: Visitor, *, email: str = "", organization: str = "Acme", role: str = "guest") -> str:
    """The path of a new link, as the console shows it once."""
    fields = {"email": email, "role": visitor.role(role)}
    page = visitor.done(visitor.at(organization, "/invitations/create"), fields)
    link = page.html.split('id="link-value">')[1].split("<")[0]
    assert link.startswith("https://id.example.com/organization-invitation/cz_inv_")
    return urlsplit(link).path


def open_as(agent: UserAgent, path: str, user: str = "grace") -> PageSeen:
    page = agent.get(path)
    assert isinstance(page, PageSeen)
    if page.name == "sign-in":
        signed_in = agent.sign_in(user)
        assert isinstance(signed_in, PageSeen)
        page = signed_in
    return page


def members(visitor: Visitor) -> dict[str, list[str]]:
    found: dict[str, list[str]] = visitor.credenza.run(store.members_of, visitor.ids["Acme"])
    return found


def is_refused(page: object, error: str) -> bool:
    return isinstance(page, PageSeen) and (page.name, page.error) == ("error", error) and page.status >= 400


def test_a_link_leads_through_sign_in_to_a_question_and_into_the_organization(
    visitor: Visitor, user_agent: UserAgent
) -> None:
    path = invite(visitor)
    page = open_as(user_agent, path)
    assert (page.name, page.status) == ("account", 200)
    assert "Join Acme?" in page.text
    assert "root invites you" in page.text
    assert visitor.user("grace").id not in members(visitor)
    page = user_agent.submit([])
    assert isinstance(page, PageSeen)
    assert "You are in Acme" in page.text
    assert members(visitor)[visitor.user("grace").id] == ["guest"]
    events = visitor.credenza.run(audit.list_events, limit=50)
    event = next(event for event in events if event.data.get("action") == "joined")
    assert (event.actor, event.target) == (visitor.user("grace").id, "grace of Acme")
    assert event.data["after"] == {"roles": ["guest"], "invited_by": visitor.user("root").id}


def test_the_sign_in_says_what_for_and_nothing_more(visitor: Visitor, user_agent: UserAgent) -> None:
    """Whoever has no account read "Sign in", and nothing else."""
    path = invite(visitor)
    page = user_agent.get(path)
    assert isinstance(page, PageSeen)
    assert page.name == "sign-in"
    assert "You are invited to join an organization." in page.text
    assert "ask whoever sent you the link" in page.text, "as nobody can sign up here"
    assert "Acme" not in page.text
    assert "root" not in page.text
    assert "People cannot create accounts here" in visitor.get(visitor.at("Acme", "/invitations/create")).text


def test_the_link_is_shown_once_and_only_its_hash_is_kept(visitor: Visitor) -> None:
    path = invite(visitor, email="new@example.com")
    token = path.rpartition("/")[2]
    page = visitor.get(visitor.at("Acme", "/invitations"))
    assert "new@example.com" in page.text
    row = visitor.credenza.run(OrganizationInvitation.select().run)[0]
    assert len(row["digest"]) == 64
    for secret in (token, row["digest"]):
        assert secret not in page.html
        assert secret not in str(visitor.credenza.run(audit.list_events, limit=50))


def test_a_link_works_once(visitor: Visitor, user_agent: UserAgent) -> None:
    path = invite(visitor)
    open_as(user_agent, path)
    user_agent.submit([])
    other = UserAgent(visitor.credenza)
    assert is_refused(open_as(other, path, "root"), "invitation_expired")
    assert is_refused(user_agent.get(path), "invitation_expired")
    assert len(members(visitor)) == 2


def test_two_people_with_one_open_page_do_not_both_get_in(visitor: Visitor, user_agent: UserAgent) -> None:
    path = invite(visitor)
    other = UserAgent(visitor.credenza)
    open_as(user_agent, path)
    open_as(other, path, "root")
    user_agent.submit([])
    assert is_refused(other.submit([]), "invitation_expired")
    assert visitor.user("root").id not in members(visitor)


def test_a_link_expires_and_is_forgotten(visitor: Visitor, user_agent: UserAgent) -> None:
    path = invite(visitor)
    visitor.credenza.clock.move(visitor.credenza.server.settings.invitation_lifetime + 1)
    assert is_refused(open_as(user_agent, path), "invitation_expired")
    now = visitor.credenza.server.now()
    assert visitor.credenza.run(clean_up_invitations, now) == 1
    assert visitor.credenza.run(clean_up_invitations, now) == 0


@pytest.mark.parametrize(
    ("credenza_settings", "works"),
    [({}, "7 Tage"), ({"invitation_lifetime": 3 * 3600}, "3 Stunden"), ({"invitation_lifetime": 3600}, "60 Minuten")],
)
def test_the_mail_says_how_long_its_link_works(visitor: Visitor, works: str) -> None:
    root = visitor.credenza.run(users.find_user_by_identifier, "root")
    mail = visitor.credenza.run(joining_mail, visitor.credenza.server, root, "Acme", "new@example.com", "")
    german = visitor.credenza.server.languages.choose(["de"])
    assert f"Der Link gilt einmal, {works} lang." in [german.say(line) for line in mail.lines]


@pytest.mark.parametrize("email", ["ada@example.com", "grace@example.com"])
def test_a_link_for_an_email_is_for_an_account_that_verified_it(
    visitor: Visitor, user_agent: UserAgent, email: str
) -> None:
    """grace has an address that nobody verified: neither ada's nor her own will do."""
    path = invite(visitor, email=email)
    page = open_as(user_agent, path)
    assert is_refused(page, "other_account")
    assert "Acme" not in page.text
    assert ("your account grace@example.com" in page.text) == (email == "ada@example.com")
    assert page.text.count(email) == (email == "grace@example.com")  # not the one that it was made for
    if email == "grace@example.com":
        assert "Your email address is not confirmed" in page.text
        assert "/account/security" in page.links, "which is the way on"
    else:
        assert "/logout" in page.links
    visitor.credenza.apply({"users": [{"username": "grace", "email_verified": True}]})
    assert is_refused(user_agent.get(path), "other_account") == (email != "grace@example.com")


def test_a_link_for_an_email_in_other_letter_case_is_for_the_same_account(
    visitor: Visitor, user_agent: UserAgent
) -> None:
    visitor.credenza.apply({"users": [{"username": "grace", "email_verified": True}]})
    open_as(user_agent, invite(visitor, email="Grace@Example.com"))
    user_agent.submit([])
    assert visitor.user("grace").id in members(visitor)


@pytest.mark.parametrize("change", ["revoked", "suspended", "deleted", "inviter demoted", "inviter suspended"])
def test_a_link_counts_for_no_more_than_what_stands_behind_it(
    visitor: Visitor, user_agent: UserAgent, change: str
) -> None:
    path = invite(visitor)
    open_as(user_agent, path)
    if change == "revoked":
        page = visitor.get(visitor.at("Acme", "/invitations"))
        visitor.done(next(link for link in page.links if "/revoke?" in link))
    elif change == "suspended":
        visitor.done(visitor.at("Acme", "/suspension"), {"suspended": "on"})
    elif change == "deleted":
        visitor.done(visitor.at("Acme", "/delete"), {"confirm": "Acme"})
    else:
        second = {"username": "ada", "administrator": True}
        first = {"username": "root", **({"administrator": False} if "demoted" in change else {"suspended": True})}
        visitor.credenza.apply({"users": [second, first]})
    assert is_refused(user_agent.submit([]), "invitation_expired")
    assert is_refused(user_agent.get(path), "invitation_expired")
    assert visitor.user("grace").id not in members(visitor)


def test_a_role_that_was_deleted_meanwhile_is_left_out(visitor: Visitor, user_agent: UserAgent) -> None:
    path = invite(visitor)
    visitor.credenza.run(template.delete_template_role, visitor.role("guest"))
    open_as(user_agent, path)
    user_agent.submit([])
    assert members(visitor)[visitor.user("grace").id] == []


def test_a_member_keeps_their_roles_and_the_link_stays_for_somebody_else(
    visitor: Visitor, user_agent: UserAgent
) -> None:
    path = invite(visitor)
    assert is_refused(open_as(user_agent, path, "ada"), "already_member")
    assert members(visitor)[visitor.user("ada").id] == ["owner"]
    other = UserAgent(visitor.credenza)
    assert "Join Acme?" in open_as(other, path).text


def test_a_forged_form_joins_nothing(visitor: Visitor, user_agent: UserAgent) -> None:
    path = invite(visitor)
    open_as(user_agent, path)
    assert is_refused(user_agent.post(path, {"csrf_token": "0" * 64}), "stale_form")
    token = user_agent.get(path)
    assert isinstance(token, PageSeen)
    fields = token.forms[0].hidden()
    assert is_refused(user_agent.post(path, fields, headers={"origin": "https://evil.example"}), "stale_form")
    assert visitor.user("grace").id not in members(visitor)


@pytest.mark.parametrize("token", ["x", "cz_inv_x", "%00", "%ff", "a" * 3000])
def test_a_link_that_never_was_is_refused(visitor: Visitor, user_agent: UserAgent, token: str) -> None:
    open_as(user_agent, invite(visitor))
    page = user_agent.get(f"/organization-invitation/{token}")
    assert isinstance(page, PageSeen)
    assert page.name == "error"
    assert page.status in (400, 404)


@pytest.mark.parametrize("fields", [{"email": "nonsense"}, {"role": "something"}])
def test_an_invitation_that_cannot_be_is_refused(visitor: Visitor, fields: dict[str, str]) -> None:
    html = visitor.refused(visitor.at("Acme", "/invitations/create"), {"email": "a@example.com", **fields})
    assert f'value="{fields.get("email", "a@example.com")}"' in html
    assert "No pending invitations" in visitor.get(visitor.at("Acme", "/invitations")).text


def test_pending_invitations_are_searched_and_sorted(visitor: Visitor) -> None:
    invite(visitor, email="b@example.com")
    invite(visitor, email="a@example.com")
    path = visitor.at("Acme", "/invitations")
    html = visitor.get(path).html
    assert html.index("a@example.com") < html.index("b@example.com")
    html = visitor.get(f"{path}?sort=created_at").html
    assert "No invitation matches" in visitor.get(f"{path}?q=zzz").text
    assert "a@example.com" not in visitor.get(f"{path}?q=B@").html
    assert "a@example.com" not in visitor.get(visitor.at("Basalt", "/invitations")).html


def test_of_very_many_invitations_a_page_is_read(visitor: Visitor) -> None:
    """Thousands were read for each page, sorted by us, and thrown away but for 25."""
    now, acme = visitor.credenza.clock.now(), visitor.ids["Acme"]
    rows = [
        OrganizationInvitation(
            digest=f"{number:064}",
            organization=acme,
            email=f"{number:02}@example.com",
            created_at=now,
            expires_at=now + 9,
        )
        for number in range(60)
    ]
    visitor.credenza.run(OrganizationInvitation.insert(*rows).run)
    page = visitor.get(f"{visitor.at('Acme', '/invitations')}?page=2")
    assert "26-50 of 60" in page.text
    assert [f"{number:02}@example.com" in page.html for number in (24, 25, 49, 50)] == [False, True, True, False]
    assert "51-60 of 60" in visitor.get(f"{visitor.at('Acme', '/invitations')}?page=3").text
    assert "59@example.com" in visitor.get(f"{visitor.at('Acme', '/invitations')}?sort=-email").html
    which = {"search": "5", "order": "email", "descending": False, "offset": 2, "limit": 3}
    found = visitor.credenza.run(lambda: invitations.list_invitations(acme, now, **which))
    assert [invitation.email[:2] for invitation in found] == ["25", "35", "45"]
    assert visitor.credenza.run(lambda: invitations.count_invitations(acme, now, search="5")) == 15
    assert visitor.credenza.run(lambda: invitations.count_invitations(acme, now + 9, search="")) == 0


def test_an_organization_with_markup_for_a_name_is_text(visitor: Visitor, user_agent: UserAgent) -> None:
    visitor.done(visitor.at("Acme"), {"name": "<b>Acme</b>"})
    page = open_as(user_agent, invite(visitor))
    assert "Join <b>Acme</b>?" in page.text
    assert "<b>" not in page.html
