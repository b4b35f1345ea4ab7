"""Mail, against a real mail server: reset, addresses, notices, the queue. SECURITY R-PW-08, R-PW-10, A-ENU-03."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from credenza import Mail, UserRow, audit, cleaning, sessions, transaction, users
from credenza.testing import PASSWORD, Credenza, RelyingParty, UserAgent
from credenza_mail import addresses, mailer
from credenza_mail.reset import PER_ACCOUNT
from credenza_mail.tables import MailRow

from .conftest import Enrolled, press, seen
from .test_second_factor import second_step

aiosmtpd = pytest.importorskip("aiosmtpd.controller")
NEW = "seven quiet lighthouses at dawn"
EMAIL = "/account/security/email"


class MailServer:
    """A mail server on loopback that keeps what it gets. `refuse` is what it answers instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Any] = []
        self.refuse = ""
        self.delay = 0.0
        self.port = 0

    async def handle_RCPT(  # noqa: N802  # aiosmtpd finds it by this name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        await asyncio.sleep(self.delay)
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 OK"

    def text(self, index: int = -1) -> str:
        body = self.mails[index].get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def link(self, index: int = -1) -> str:
        found = re.search(r"https://id\.example\.com(/\S+)", self.text(index))
        assert found is not None, self.text(index)
        return found[1]


@pytest.fixture
def post_office(free_ports: Any) -> Iterator[MailServer]:
    handler = MailServer()
    (handler.port,) = free_ports(1)
    controller = aiosmtpd.Controller(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()


@pytest.fixture
def credenza_settings(post_office: Any) -> dict[str, Any]:
    return {"smtp_url": f"smtp://127.0.0.1:{post_office.port}", "mail_from": "Harbour <no-reply@harbour.example>"}


@pytest.fixture
def settled(credenza: Credenza) -> Callable[[], None]:
    """Wait until nothing is on its way any more."""
    return credenza.settle


def ask(agent: UserAgent, identifier: str) -> Any:
    agent.get("/password-reset")
    return seen(agent.submit([("identifier", identifier)]))


def test_a_forgotten_password(
    credenza: Credenza, client: RelyingParty, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    """From the application's request through the mail and back to it; the link does not sign in by itself.

    "auto-generated" is for messages of automatic processes that answer no other message. RFC 3834 §5.
    """
    page = seen(user_agent.get(client.authorization_url()))
    link = next(link for link in page.links if "password-reset" in link)
    assert "Forgot your password?" in page.text
    user_agent.get(link)
    page = seen(user_agent.submit([("identifier", "Ada@example.com")]))
    assert "Check your email" in page.text
    settled()
    (mail,) = post_office.mails
    assert (mail["To"], mail["From"]) == ("ada@example.com", "Harbour <no-reply@harbour.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_body(("html",)) is not None
    page = seen(user_agent.get(post_office.link()))
    page = seen(user_agent.submit([("password", NEW), ("password_again", NEW)]))
    assert page.name == "sign-in"
    assert seen(user_agent.sign_in("ada", NEW)).name == "consent"
    settled()
    assert "Your password was changed." in post_office.text()


def test_a_link_works_once_and_half_an_hour(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    ask(user_agent, "ada")
    settled()
    first = post_office.link()
    ask(user_agent, "ada")
    settled()
    second = post_office.link()
    assert seen(user_agent.get(first)).status == 404  # a newer one takes its place
    user_agent.get(second)
    assert seen(user_agent.submit([("password", "short"), ("password_again", "short")])).status == 422
    user_agent.submit([("password", NEW), ("password_again", NEW)])
    assert seen(user_agent.get(second)).status == 404
    credenza.clock.move(3600)
    ask(user_agent, "grace")
    settled()
    third = next(post_office.link(i) for i, m in enumerate(post_office.mails) if m["To"] == "grace@example.com")
    credenza.clock.move(1801)
    assert seen(user_agent.get(third)).status == 404


def test_a_name_may_be_typed_on_any_keyboard(credenza: Credenza, post_office: MailServer, settled: Any) -> None:
    """And has one limit for all of them."""
    credenza.apply({"users": [{"username": "éé", "email": "e@example.com"}]})
    for number in range(8):
        ask(UserAgent(credenza), ("e\u0301e\u0301", "éé", "ée\u0301", "e\u0301é")[number % 4])
        settled()
        assert post_office.mails
    assert len(post_office.mails) < 8
    assert {mail["To"] for mail in post_office.mails} == {"e@example.com"}


def test_a_changed_password_kills_the_link(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    ask(UserAgent(credenza), "ada")
    settled()
    link = post_office.link()
    user_agent.get("/account/password")
    user_agent.sign_in()
    press(user_agent, "/account/password", ("current", PASSWORD), ("password", NEW), ("password_again", NEW))
    assert seen(user_agent.get(link)).status == 404


def test_a_reset_does_not_get_round_the_second_factor(
    credenza: Credenza, enrolled: Enrolled, post_office: MailServer, settled: Any
) -> None:
    _, telephone, _ = enrolled()
    agent = UserAgent(credenza)
    ask(agent, "ada")
    settled()
    link = next(post_office.link(i) for i in range(len(post_office.mails)) if "/invitation/" in post_office.text(i))
    agent.get(link)
    assert seen(agent.submit([("password", NEW), ("password_again", NEW)])).name == "sign-in"
    agent.get("/account")
    assert seen(agent.sign_in("ada", NEW)).name == "second-factor"
    assert seen(second_step(agent, telephone.next_code())).name == "account"


def test_nobody_learns_who_has_an_account(credenza: Credenza, post_office: MailServer, settled: Any) -> None:
    """A-ENU-03: the same text, status and headers, and nothing is looked up before the answer."""
    suspended = UserRow
    credenza.run(suspended.update({suspended.suspended: True}).where(suspended.username == "grace").run)
    post_office.delay = 1.0
    answers = set()
    for identifier in ("ada", "nobody", "root", "grace", "ada@example.com", "nobody@example.com"):
        agent = UserAgent(credenza)
        page = ask(agent, identifier)
        html = page.html.replace(identifier, "…")
        answers.add((page.status, re.sub(r"cz_\w+|[0-9a-f]{64}", "", html), tuple(sorted(set(page.headers)))))
    assert len(answers) == 1
    settled()
    assert {mail["To"] for mail in post_office.mails} == {"ada@example.com"}


def test_mails_are_not_a_weapon(credenza: Credenza, post_office: MailServer, settled: Any) -> None:
    """A few an hour for an account, from wherever they are asked; many from one address are refused."""
    statuses = [ask(UserAgent(credenza), "ada").status for _ in range(25)]
    settled()
    assert len(post_office.mails) <= PER_ACCOUNT.burst + 1
    assert statuses[:20] == [200] * 20
    assert 429 in statuses


@pytest.mark.parametrize("identifier", ["", " ", "x" * 5000, "a\nBcc: x@example.com", "\x00", "ada@example.com\r\n"])
def test_odd_identifiers(credenza: Credenza, post_office: MailServer, settled: Any, identifier: str) -> None:
    agent = UserAgent(credenza)
    assert ask(agent, identifier).status in (200, 400, 422)
    settled()
    assert all("Bcc" not in mail for mail in post_office.mails)


def test_a_new_address_counts_once_it_is_confirmed(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any, found: Any
) -> None:
    user_agent.get(EMAIL)
    user_agent.sign_in()
    page = press(user_agent, EMAIL, ("email", "Countess@example.com"))
    assert "a link is on its way" in page.text
    settled()
    (mail,) = post_office.mails
    assert mail["To"] == "countess@example.com"
    assert found("ada").email == "ada@example.com"
    stranger = UserAgent(credenza)
    stranger.get(post_office.link())
    assert seen(stranger.sign_in("grace")).status == 404
    seen(user_agent.get(post_office.link()))
    assert found("ada").email == "ada@example.com"  # opening it is not enough: mail programs do that by themselves
    page = seen(user_agent.submit([]))
    assert "Your email address is confirmed" in page.text
    assert (found("ada").email, found("ada").email_verified) == ("countess@example.com", True)
    settled()
    assert post_office.mails[-1]["To"] == "ada@example.com"
    assert "changed to countess@example.com" in post_office.text()
    assert seen(user_agent.get(post_office.link(0))).status == 404


def test_a_mail_to_an_address_that_nobody_has_confirmed_holds_nothing_that_a_stranger_wrote(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any, found: Any
) -> None:
    """A1: an account may be called like a message, which our mail server would carry to everybody."""
    ada = replace(found("ada"), profile={"name": "Your account is closed today, go to https://evil.example/"})
    credenza.run(users.edit_user, ada, ("profile",))
    user_agent.get(EMAIL)
    user_agent.sign_in()
    for email in ("countess@example.com", "grace@example.com"):
        press(user_agent, EMAIL, ("email", email))
        settled()
        mail = post_office.mails[-1]
        assert mail["To"] == email
        assert "evil.example" not in str(mail)
        assert "evil.example" not in post_office.text()


def test_nor_do_a_reset_and_a_notice(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any, found: Any
) -> None:
    """Where the address is confirmed, they greet by name."""
    called = {"name": "Your account is closed today, go to https://evil.example/"}
    for verified in (True, False):
        ada = replace(found("ada"), profile=called, email_verified=verified)
        credenza.run(users.edit_user, ada, ("profile", "email_verified"))
        ask(user_agent, "ada")
        credenza.apply({"users": [{"username": "ada", "password": f"{NEW} {verified}"}]})
        settled()
        assert [verified, verified] == ["evil.example" in post_office.text(number) for number in (-2, -1)]
        assert all(post_office.text(number)[0].isupper() for number in (-2, -1)), "a sentence, without a greeting too"
    credenza.apply({"users": [{"username": "ada", "email": "countess@example.com", "email_verified": True}]})
    settled()
    assert post_office.mails[-1]["To"] == "ada@example.com"
    assert "evil.example" not in post_office.text(), "nobody knows whether the one before was confirmed"


def test_nor_does_a_link_that_an_administrator_mails_to_who_has_signed_in(
    credenza: Credenza, user_agent: UserAgent, admin: UserAgent, post_office: MailServer, settled: Any, found: Any
) -> None:
    """Until then they are called as whoever made the account calls them."""
    ada = replace(found("ada"), profile={"name": "Go to https://evil.example/"}, email_verified=False)
    credenza.run(users.edit_user, ada, ("profile", "email_verified"))
    link = f"/console/users/{ada.id}/link"

    def mailed() -> str:
        admin.get(link)
        press(admin, link, ("send", "on"))
        settled()
        return post_office.text()

    assert mailed().startswith("Hello Go to https://evil.example/,")
    user_agent.through("/account")
    assert mailed().startswith("There is an account for you.")
    credenza.apply({"users": [{"username": "ada", "email_verified": True}]})
    assert mailed().startswith("Hello Go to https://evil.example/,")


def test_an_address_of_somebody_else_is_not_taken_and_not_told(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    user_agent.get(EMAIL)
    user_agent.sign_in()
    page = press(user_agent, EMAIL, ("email", "grace@example.com"))
    assert "a link is on its way" in page.text
    settled()
    assert "nothing is changed" in post_office.text()
    assert "email-confirmation" not in post_office.text()


def test_what_an_administrator_changes_about_signing_in_is_told(
    credenza: Credenza, admin: UserAgent, post_office: MailServer, settled: Any, found: Any
) -> None:
    """OWASP ASVS V6.3.7. A new address is told to the one before: who reads mail there may be whose account it is."""
    page = f"/console/users/{found('ada').id}"

    def told(username: str, email: str) -> tuple[str, str]:
        post_office.mails.clear()
        seen(admin.get(page))
        press(admin, page, ("username", username), ("email", email))
        settled()
        (to,) = {str(mail["To"]) for mail in post_office.mails}
        return to, " ".join(post_office.text(number) for number in range(len(post_office.mails)))

    to, said = told("ada", "countess@example.com")
    assert to == "ada@example.com"
    assert "The email address of your account was changed to countess@example.com." in said
    to, said = told("ada.king", "countess@example.com")
    assert to == "countess@example.com"
    assert "Your username was changed to ada.king." in said
    to, said = told("lovelace", "other@example.com")
    assert to == "countess@example.com", "both"
    assert "The email address of your account was changed to other@example.com." in said
    assert "Your username was changed to lovelace." in said
    to, said = told("lovelace", "")
    assert to == "other@example.com"
    assert "The email address was removed from your account." in said


def test_whoever_a_file_renames_is_told(credenza: Credenza, post_office: MailServer, settled: Any, found: Any) -> None:
    credenza.apply({"users": [{"id": found("ada").id, "username": "ada.king"}]})
    settled()
    (mail,) = post_office.mails
    assert mail["To"] == "ada@example.com"
    assert "Your username was changed to ada.king." in post_office.text()
    (event,) = credenza.run(audit.list_events, name="ObjectChanged", user=found("ada.king").id, limit=1)
    assert (event.actor, event.target, event.data["before"]) == ("desired state", "ada.king", {"username": "ada"})


def test_whoever_a_file_gives_another_address_is_told_at_the_one_before(
    credenza: Credenza, post_office: MailServer, settled: Any, found: Any
) -> None:
    """As whoever an administrator gives one in the console."""

    def told(**members: Any) -> list[tuple[str, str]]:
        post_office.mails.clear()
        credenza.apply({"users": [{"username": "ada", **members}]})
        settled()
        return [(str(mail["To"]), post_office.text(number)) for number, mail in enumerate(post_office.mails)]

    ((to, said),) = told(email="countess@example.com")
    assert to == "ada@example.com"
    assert "The email address of your account was changed to countess@example.com." in said
    (event,) = credenza.run(audit.list_events, name="EmailChanged")
    assert (event.actor, event.user) == ("desired state", found("ada").id)
    assert event.data == {"before": "ada@example.com", "after": "countess@example.com"}
    assert told(email="Countess@Example.com", email_verified=True, profile={"name": "Ada"}) == []
    ((to, said),) = told(email="")
    assert to == "countess@example.com"
    assert "The email address was removed from your account." in said
    assert told(email="ada@example.com") == [], "there is nobody to tell"
    assert told(username="newcomer", email="newcomer@example.com") == []
    assert len(credenza.run(audit.list_events, name="EmailChanged")) == 3


def test_what_a_file_changes_is_told_at_the_address_that_they_have_by_then(
    credenza: Credenza, post_office: MailServer, settled: Any, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Confirmed between the look at the account and the write."""
    real = users.hold_user

    async def confirmed_before(user_id: str) -> Any:
        ada = await users.find_user(user_id)
        assert ada is not None
        await users.edit_user(replace(ada, email="meanwhile@example.com", email_verified=True), ("email",))
        return await real(user_id)

    monkeypatch.setattr(users, "hold_user", confirmed_before)
    credenza.apply({"users": [{"username": "ada", "email": "countess@example.com"}]})
    settled()
    assert [str(mail["To"]) for mail in post_office.mails] == ["meanwhile@example.com"]
    assert found("ada").email == "countess@example.com"


def test_of_very_many_mails_some_wait_in_the_database(
    credenza: Credenza, post_office: MailServer, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand who are given other addresses take no more memory than a thousand."""
    monkeypatch.setattr(mailer, "WAITING", 1)
    people = [f"person{n}@example.com" for n in range(6)]
    begun: list[str] = []
    real = mailer.SmtpMailer.deliver

    async def deliver(self: Any, mail_id: str) -> None:
        begun.append(mail_id)
        await real(self, mail_id)

    monkeypatch.setattr(mailer.SmtpMailer, "deliver", deliver)

    async def all_at_once() -> None:
        async with transaction():
            for person in people:
                await credenza.server.send_mail(Mail(to=person, subject="Hello", lines=()))

    credenza.run(all_at_once)
    settled()
    assert len(begun) == 1
    credenza.run(cleaning._clean_up_all, credenza.server)
    assert sorted(str(mail["To"]) for mail in post_office.mails) == people


def test_a_confirmation_is_good_for_a_day(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any, found: Any
) -> None:
    """SECURITY R-PW-08: when it is used, and not when the clean-up comes."""
    user_agent.get(EMAIL)
    user_agent.sign_in()
    press(user_agent, EMAIL, ("email", "countess@example.com"))
    settled()
    assert seen(user_agent.get(post_office.link())).status == 200
    credenza.clock.move(24 * 3600 + 1)
    assert seen(user_agent.submit([])).status == 404
    assert found("ada").email == "ada@example.com"


def test_whoever_is_signed_out_meanwhile_confirms_nothing(
    credenza: Credenza,
    user_agent: UserAgent,
    post_office: MailServer,
    settled: Any,
    found: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user_agent.get(EMAIL)
    user_agent.sign_in()
    press(user_agent, EMAIL, ("email", "countess@example.com"))
    settled()
    user_agent.get(post_office.link())
    real = addresses.taken

    async def then_signed_out(email: str, user: Any) -> bool:
        await sessions.delete_sessions(user.id)
        return bool(await real(email, user))

    monkeypatch.setattr(addresses, "taken", then_signed_out)
    assert seen(user_agent.submit([])).name == "sign-in"
    assert found("ada").email == "ada@example.com"


def test_links_to_the_old_address_open_nothing_once_there_is_another(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    """SECURITY R-PW-08: whoever still reads that mailbox does not choose the password."""
    ask(UserAgent(credenza), "ada")
    settled()
    link = post_office.link()
    user_agent.get(EMAIL)
    user_agent.sign_in()
    press(user_agent, EMAIL, ("email", "countess@example.com"))
    settled()
    user_agent.get(post_office.link())
    assert "confirmed" in seen(user_agent.submit([])).text
    assert seen(UserAgent(credenza).get(link)).status == 404


def test_a_change_needs_a_fresh_sign_in(credenza: Credenza, user_agent: UserAgent, post_office: MailServer) -> None:
    user_agent.get(EMAIL)
    user_agent.sign_in()
    credenza.clock.move(601)
    assert user_agent.page is not None
    form = user_agent.page.forms[-1]
    page = seen(user_agent.post(form.action, [*form.hidden(), ("email", "x@example.com")]))
    assert page.name == "sign-in"


def test_what_waits_is_encrypted(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    """SECURITY P-03: a link that rests in the queue cannot be read in the database."""
    post_office.refuse = "451 later"
    ask(user_agent, "ada")
    settled()
    (row,) = credenza.run(MailRow.select().run)
    assert row["attempts"] == 1
    assert not {"@", " ", "{"} & set(row["content"])
    assert "cz_inv_" not in str(row)


def test_a_mail_server_that_is_away_loses_nothing(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    post_office.refuse = "451 later"
    ask(user_agent, "ada")
    settled()
    credenza.run(cleaning._clean_up, credenza.server)
    assert credenza.run(MailRow.select().run)[0]["attempts"] == 1  # not due yet
    post_office.refuse = ""
    credenza.clock.move(61)
    credenza.run(cleaning._clean_up, credenza.server)
    assert len(post_office.mails) == 1
    assert credenza.run(MailRow.count().run) == 0


def test_attempts_are_bounded(credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any) -> None:
    post_office.refuse = "451 later"
    ask(user_agent, "ada")
    settled()
    for _ in range(12):
        credenza.clock.move(24 * 3600)
        credenza.run(cleaning._clean_up, credenza.server)
    (row,) = credenza.run(MailRow.select().run)
    assert (row["attempts"], row["content"]) == (8, "")
    assert row["error"]


def test_a_recipient_that_does_not_exist_is_not_tried_again(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    post_office.refuse = "550 nobody here"
    ask(user_agent, "ada")
    settled()
    (row,) = credenza.run(MailRow.select().run)
    assert (row["attempts"], row["content"]) == (1, "")


def test_one_of_many_workers_sends_it(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    post_office.refuse = "451 later"
    ask(user_agent, "ada")
    settled()
    post_office.refuse = ""
    credenza.clock.move(61)
    (row,) = credenza.run(MailRow.select().run)

    async def together() -> None:
        await asyncio.gather(*(credenza.server.mailer.deliver(row["id"]) for _ in range(20)))  # type: ignore[union-attr]

    credenza.run(together)
    assert len(post_office.mails) == 1


def test_a_language_of_the_reader(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    user_agent.get("/password-reset", headers={"accept-language": "de"})
    assert user_agent.page is not None
    form = user_agent.page.forms[0]
    user_agent.post(form.action, [*form.hidden(), ("identifier", "ada")], headers={"accept-language": "de"})
    settled()
    assert post_office.mails[0]["Content-Language"] == "de"
    assert "Hallo Ada Lovelace," in post_office.text()


class TestWithoutMail:
    @pytest.fixture
    def credenza_settings(self) -> dict[str, Any]:
        return {}

    def test_nothing_is_offered(self, credenza: Credenza, user_agent: UserAgent) -> None:
        page = seen(user_agent.get("/account"))
        assert "Forgot" not in page.text
        assert seen(user_agent.get("/password-reset")).status == 404
        user_agent.get("/account/security")
        assert "Email address" not in seen(user_agent.sign_in()).text
