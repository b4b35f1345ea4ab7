"""An email address names one mailbox, wherever it comes in and when it is written to. RFC 5321 §4.1.2, RFC 5890."""

from __future__ import annotations

from typing import Any

import pytest

from credenza import Mail, StateError, email_mistake
from credenza.testing import Credenza, UserAgent
from credenza_mail.smtp import NotSent, mailbox_of

from .conftest import press, seen
from .test_mail import EMAIL, MailServer, post_office, settled

__all__ = ["post_office", "settled"]  # fixtures

MORE_THAN_ONE_MAILBOX = [
    "<evil@attacker.example>ceo@corp.example",
    "x<evil@attacker.example>,ceo@corp.example",
    "evil@attacker.example,ceo@corp.example",
    "evil@attacker.example;ceo@corp.example",
    "evil@attacker.example,@corp.example",
    "a:evil@attacker.example,b;ceo@corp.example",
    "(evil@attacker.example)ceo@corp.example",
    '"evil@attacker.example"@corp.example',
    "evil%attacker.example@other@corp.example",
    "@attacker.example:ceo@corp.example",
    "ceo@corp.example>",
    "ceo@corp.example(evil@attacker.example)",
    "evil@attacker.example\n,ceo@corp.example",
]


@pytest.fixture
def credenza_settings(post_office: Any) -> dict[str, Any]:
    return {"signup": True, "smtp_url": f"smtp://127.0.0.1:{post_office.port}", "mail_from": "no-reply@harbour.example"}


@pytest.mark.parametrize(
    "address",
    [
        "",  # none was given
        "ada@example.com",
        "o'brien+tag@sub.example.co.uk",
        "first.last_1-2@example-one.com",
        "root!#$%&'*+/=?^_`{|}~-@1and1.example",
        f"{'a' * 64}@{'b' * 63}.example",
        "ada@bücher.example",
        "Ada@BÜCHER.example",
        "ada@xn--bcher-kva.example",
        "ada@почта.рф",
    ],
)
def test_an_ordinary_address_is_taken(address: str) -> None:
    assert email_mistake(address) == ""


@pytest.mark.parametrize(
    "address",
    [
        *MORE_THAN_ONE_MAILBOX,
        "ada",
        "ada@localhost",
        "@example.com",
        ".ada@example.com",
        "ada..l@example.com",
        "ada @example.com",
        "ada@example.com ",
        "ada@example.com\n",
        "ada@-example.com",
        "ada@exa_mple.com",
        "ada@example..com",
        "ada@[127.0.0.1]",
        "ada@\uff43orp.example",  # a wide letter
        "ada@corp\u3002example",  # an ideographic full stop
        "\u0430da@example.com",  # a Cyrillic letter
        f"{'a' * 65}@example.com",
        f"ada@{'b' * 64}.example",
        f"ada@{'b.' * 125}example",
    ],
)
def test_what_is_not_one_mailbox_is_refused(address: str) -> None:
    assert email_mistake(address) != ""


def test_nobody_signs_up_or_changes_to_the_address_of_another_with_mail_to_their_own(
    credenza: Credenza, user_agent: UserAgent, post_office: MailServer, settled: Any
) -> None:
    stranger = UserAgent(credenza)
    user_agent.get(EMAIL)
    user_agent.sign_in()
    for address in MORE_THAN_ONE_MAILBOX:
        stranger.get("/signup")
        assert seen(stranger.submit([("email", address)])).status == 422, address
        press(user_agent, EMAIL, ("email", address), status=422)
    settled()
    assert post_office.envelopes == []


def test_no_administrator_gives_such_an_address(credenza: Credenza, admin: UserAgent, found: Any) -> None:
    page = seen(admin.get("/console/users/create"))
    form = next(form for form in page.forms if form.action == "/console/users/create")
    for address in MORE_THAN_ONE_MAILBOX:
        with pytest.raises(StateError, match="not an email address"):
            credenza.apply({"users": [{"username": "ada", "email": address}]})
        fields = [*form.hidden(), ("username", "kay"), ("name", ""), ("email", address)]
        assert seen(admin.post(form.action, fields)).status == 422, address
    assert found("ada").email == "ada@example.com"
    assert found("kay") is None


@pytest.mark.parametrize("address", ["", *MORE_THAN_ONE_MAILBOX])
def test_the_mail_server_is_never_given_a_list(address: str) -> None:
    with pytest.raises(NotSent) as refused:
        mailbox_of(address)
    assert refused.value.final


@pytest.mark.parametrize(
    ("address", "recipient"),
    [
        ("o'brien+tag@sub.example.co.uk", "o'brien+tag@sub.example.co.uk"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_mail_goes_to_the_mailbox_as_dns_knows_it(
    credenza: Credenza, post_office: MailServer, settled: Any, address: str, recipient: str
) -> None:
    mailer = credenza.server.mailer
    assert mailer is not None
    credenza.run(mailer.send, Mail(to=address, subject="Harbour", lines=("Hello.",)))
    settled()
    assert [envelope.rcpt_tos for envelope in post_office.envelopes] == [[recipient]]
    assert post_office.mails[0]["To"] == recipient
