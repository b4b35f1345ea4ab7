"""The mail server: what `smtp_url` names, and handing over one message. RFC 5321, RFC 6409, RFC 8314."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from urllib.parse import unquote, urlsplit

import aiosmtplib
import idna

from credenza import email_mistake

TIMEOUT = 20.0  # seconds


class NotSent(Exception):
    """The mail server did not take it. `final` when it never will, so that trying again is of no use."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


@dataclass(frozen=True, slots=True)
class MailServer:
    host: str
    port: int
    username: str
    password: str
    tls: bool
    """From the first byte; otherwise STARTTLS where it is offered."""

    @classmethod
    def of(cls, url: str) -> MailServer:
        parts = urlsplit(url)
        tls = parts.scheme == "smtps"
        return cls(
            parts.hostname or "localhost",
            parts.port or (465 if tls else 587),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            tls,
        )

    async def hand_over(self, message: EmailMessage) -> None:
        """Raises NotSent. A password never travels in clear."""
        client = aiosmtplib.SMTP(hostname=self.host, port=self.port, use_tls=self.tls, start_tls=False, timeout=TIMEOUT)
        try:
            async with client:
                if not self.tls:
                    await client.ehlo()
                    if client.supports_extension("starttls"):
                        await client.starttls()
                    elif self.username:
                        raise NotSent("the mail server offers no TLS, and the password is not sent without")
                if self.username:
                    await client.login(self.username, self.password)
                await client.send_message(message, recipients=[message["To"].addresses[0].addr_spec])
        except aiosmtplib.SMTPRecipientsRefused as error:
            final = all(500 <= refused.code < 600 for refused in error.recipients)
            raise NotSent("the recipient was refused", final=final) from error
        except aiosmtplib.SMTPResponseException as error:
            raise NotSent(f"the mail server answered {error.code}") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise NotSent(f"the mail server: {type(error).__name__}") from error


def mailbox_of(address: str) -> Address:
    """Taken apart and never parsed as a list; its host as DNS knows it. Raises NotSent. RFC 5321 §4.1.2."""
    if not address or email_mistake(address):
        raise NotSent("the recipient is not one mailbox", final=True)
    local, _, host = address.rpartition("@")
    return Address(username=local, domain=host if host.isascii() else idna.encode(host.lower()).decode())


def message_of(
    *, sender: str, to: str, subject: str, text: str, html: str, language: str, sent_at: datetime
) -> EmailMessage:
    """Both as text and as HTML; machines are asked not to answer it. Raises NotSent. RFC 3834 §5."""
    name, address = parseaddr(sender)
    local, _, domain = address.rpartition("@")
    message = EmailMessage()
    message["From"] = Address(display_name=name, username=local, domain=domain)
    message["To"] = mailbox_of(to)
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = make_msgid(domain=domain or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    message["Content-Language"] = language
    return message
