"""Of several accounts with one email address that nobody has confirmed, whoever has had it longest signs in with it.

That they are meant is no proof of anything: nobody gets into an account by it, and nobody is given something.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from credenza import StateError, UserRow, audit, users
from credenza.testing import Credenza, PageSeen, UserAgent, running
from credenza.testing import test_settings as settings_for_tests
from credenza_upstream.tables import LinkRow

from .conftest import press, seen
from .test_mail import EMAIL, NEW, MailServer, ask, post_office, settled
from .test_upstream import Elsewhere, back, begun, elsewhere, provider

__all__ = ["elsewhere", "post_office", "provider", "settled"]  # fixtures

SHARED = "team@example.com"
PASSWORDS = {"elder": "an old lighthouse by the sea", "younger": "a new lighthouse by the sea"}
Signing = Callable[..., PageSeen]


@pytest.fixture
def credenza(filled_database_url: str, post_office: MailServer) -> Iterator[Credenza]:
    settings = settings_for_tests(
        filled_database_url,
        outbound_allow=("localhost",),
        smtp_url=f"smtp://127.0.0.1:{post_office.port}",
        mail_from="no-reply@harbour.example",
    )
    with running(settings) as started:
        yield started


def give(credenza: Credenza, name: str, email: str = SHARED, **members: Any) -> None:
    credenza.clock.move(10)
    credenza.apply({"users": [{"username": name, "email": email, **members}]})


@pytest.fixture(autouse=True)
def _both(credenza: Credenza) -> None:
    for name, password in PASSWORDS.items():
        give(credenza, name, password=password)


@pytest.fixture
def signing_in(credenza: Credenza) -> Signing:
    def sign_in(password_of: str, identifier: str = SHARED) -> PageSeen:
        agent = UserAgent(credenza)
        agent.get("/account")
        return seen(agent.sign_in(identifier, PASSWORDS[password_of]))

    return sign_in


def refused(page: PageSeen) -> bool:
    return page.status == 422 and "The email, username or password is wrong." in page.text


def confirm(credenza: Credenza, name: str, post_office: MailServer, settled: Any) -> PageSeen:
    """As its owner does, who reads what is sent there."""
    agent = UserAgent(credenza)
    agent.get(EMAIL)
    agent.sign_in(name, PASSWORDS[name])
    post_office.mails.clear()
    agent.submit([("email", SHARED)], form=-1)
    settled()
    assert post_office.mails[0]["To"] == SHARED
    agent.get(post_office.link(0))
    return seen(agent.submit([]))


def test_whoever_has_had_it_longest_signs_in_with_it(signing_in: Signing) -> None:
    """And nobody comes in with the password of another one."""
    assert signing_in("elder").name == "account"
    assert refused(signing_in("younger"))
    assert refused(signing_in("elder", "younger"))
    assert refused(signing_in("younger", "elder"))
    assert signing_in("younger", "younger").name == "account"


def test_an_old_account_that_is_given_the_address_later_takes_it_from_nobody(
    credenza: Credenza, signing_in: Signing
) -> None:
    give(credenza, "elder", "")
    assert signing_in("younger").name == "account"
    give(credenza, "elder")
    assert signing_in("younger").name == "account"
    assert refused(signing_in("elder"))


def test_what_else_is_changed_does_not_make_it_new(credenza: Credenza, signing_in: Signing, found: Any) -> None:
    give(credenza, "elder", profile={"name": "Elder"}, suspended=False)
    credenza.clock.move(10)
    elder = replace(found("elder"), updated_at=credenza.server.now())
    credenza.run(users.edit_user, elder, ("email", "email_verified", "updated_at"))
    credenza.run(users.update_user, elder)
    assert signing_in("elder").name == "account"


def test_where_it_is_not_known_it_is_the_older_account(credenza: Credenza, signing_in: Signing, found: Any) -> None:
    """As for those of an older release."""
    credenza.run(UserRow.update({UserRow.email_since: None}).where(UserRow.email == SHARED).run)
    assert signing_in("elder").name == "account"
    older = found("elder").created_at - 1
    credenza.run(UserRow.update({UserRow.created_at: older}).where(UserRow.username == "younger").run)
    assert signing_in("younger").name == "account"


@pytest.mark.parametrize("name", ["elder", "younger"])
def test_whoever_confirms_it_has_it(
    credenza: Credenza, post_office: MailServer, settled: Any, signing_in: Signing, name: str
) -> None:
    other = next(iter(PASSWORDS.keys() - {name}))
    assert "Your email address is confirmed" in confirm(credenza, name, post_office, settled).text
    assert signing_in(name).name == "account"
    assert refused(signing_in(other))
    with pytest.raises(AssertionError):  # the mail to the other one has no link: it says that the address is taken
        confirm(credenza, other, post_office, settled)
    assert "nothing is changed" in post_office.text(0)


def test_nobody_takes_an_address_that_another_account_has(
    credenza: Credenza, post_office: MailServer, settled: Any
) -> None:
    """Whose account already has it, though nobody has confirmed it, keeps it."""
    agent = UserAgent(credenza)
    agent.get(EMAIL)
    agent.sign_in("grace")
    agent.submit([("email", SHARED)], form=-1)
    settled()
    assert "nothing is changed" in post_office.text()
    assert "email-confirmation" not in post_office.text()


def test_a_forgotten_password_is_that_of_whoever_is_meant(
    credenza: Credenza, post_office: MailServer, settled: Any, signing_in: Signing
) -> None:
    """The link goes to the address that they have, as it does for whoever types their user name; the page says whose
    password it sets, and those of others stay.
    """
    agent = UserAgent(credenza)
    ask(agent, SHARED)
    settled()
    (mail,) = post_office.mails
    assert mail["To"] == SHARED
    assert "For the account elder." in seen(agent.get(post_office.link())).text
    agent.submit([("password", NEW), ("password_again", NEW)])
    assert refused(signing_in("elder"))
    assert seen(agent.sign_in("elder", NEW)).name == "account"
    assert signing_in("younger", "younger").name == "account"
    post_office.mails.clear()
    ask(agent, "younger")
    settled()
    assert "For the account younger." in seen(agent.get(post_office.link())).text


def test_an_account_elsewhere_with_that_address_is_linked_to_none_of_them(
    credenza: Credenza, provider: Any, elsewhere: Elsewhere
) -> None:
    """Nor does the new one have the address, and would come before somebody some day."""
    provider(create_users="on")
    elsewhere.says(SHARED, verified=True)
    agent = UserAgent(credenza)
    assert seen(back(agent, elsewhere.go(begun(agent)))).name == "account"
    (made,) = credenza.run(users.list_users, search="other-")
    assert made.email is None
    (link,) = credenza.run(LinkRow.select().run)
    assert link["user"] == made.id


def test_nobody_is_given_anything_by_an_address_of_several(credenza: Credenza, admin: UserAgent) -> None:
    """Neither an administrator's role nor a place in an organization: nobody says whose the address is."""
    missing = "Nobody has this username or email address."
    admin.get("/console/administrators/add")
    page = press(admin, "/console/administrators/add", ("identifier", SHARED), ("role", "full"), status=422)
    assert missing in page.text
    run = credenza.apply({"organizations": [{"name": "Acme"}]})
    members = f"/console/organizations/{run.changes[0].made['id']}/members/add"
    admin.get(members)
    assert missing in press(admin, members, ("user", SHARED), status=422).text
    with pytest.raises(StateError, match=f"there is no user '{SHARED}'"):
        credenza.apply({"organizations": [{"name": "Acme", "members": [{"username": SHARED}]}]})


def test_nor_by_an_address_that_one_has_and_nobody_has_confirmed(
    credenza: Credenza, admin: UserAgent, found: Any
) -> None:
    """Who comes from elsewhere may have said that it is theirs: an administrator who types it means somebody else."""
    give(credenza, "younger", "boss@example.com")
    said = "Nobody has confirmed this email address. If you mean younger, enter that username."
    add = "/console/administrators/add"
    admin.get(add)
    assert said in press(admin, add, ("identifier", "Boss@example.com"), ("role", "full"), status=422).text
    run = credenza.apply({"organizations": [{"name": "Acme"}]})
    members = f"/console/organizations/{run.changes[0].made['id']}/members/add"
    admin.get(members)
    assert said in press(admin, members, ("user", "boss@example.com"), status=422).text
    member = {"organizations": [{"name": "Acme", "members": [{"username": "boss@example.com"}]}]}
    with pytest.raises(StateError, match=r"nobody has confirmed boss@example\.com; if younger is meant"):
        credenza.apply(member)
    assert not found("younger").administrator
    credenza.apply({"users": [{"username": "younger", "email": "boss@example.com"}], **member})
    credenza.apply({"users": [{"username": "younger", "email_verified": True}]})
    admin.get(add)
    press(admin, add, ("identifier", "boss@example.com"), ("role", "read-only"))
    assert found("younger").administrator == "read-only"


def test_the_audit_log_names_nobody_by_an_address_that_they_have_not_confirmed(
    credenza: Credenza, admin: UserAgent, signing_in: Signing
) -> None:
    """It says who did something, and anybody may have been given any address."""
    for verified in (False, True):
        give(credenza, "younger", "boss@example.com", email_verified=verified)
        signing_in("younger", "younger")
        page = seen(admin.get("/console/audit-log?name=UserSignedIn"))
        assert ("boss@example.com" in page.text) is verified
        assert verified or "younger" in page.text
        event = next(link for link in page.links if re.fullmatch(r"/console/audit-log/\d+", link))
        assert ("boss@example.com" in seen(admin.get(event)).text) is verified


def test_an_invitation_for_it_is_for_whoever_confirms_it(
    credenza: Credenza, admin: UserAgent, post_office: MailServer, settled: Any
) -> None:
    run = credenza.apply({"organizations": [{"name": "Acme"}]})
    create = f"/console/organizations/{run.changes[0].made['id']}/invitations/create"
    admin.get(create)
    press(admin, create, ("email", SHARED), ("send", "on"))
    settled()
    link = post_office.link()

    def join(name: str) -> PageSeen:
        agent = UserAgent(credenza)
        agent.get(link)
        return seen(agent.sign_in(name, PASSWORDS[name]))

    assert [join(name).error for name in PASSWORDS] == ["other_account"] * 2
    confirm(credenza, "younger", post_office, settled)
    assert [join(name).error for name in PASSWORDS] == ["other_account", ""]


def test_who_is_meant_is_in_the_audit_log_and_counts_its_own_failures(
    credenza: Credenza, signing_in: Signing, found: Any
) -> None:
    signing_in("younger")
    (event,) = credenza.run(audit.list_events, name="SignInFailed")
    assert event.user == found("elder").id
