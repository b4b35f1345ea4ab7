"""The mailer: a queue in the database, so that no page waits for a mail server, and nothing is lost when it is away."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from credenza import (
    AuthorizationServer,
    Mail,
    Mailer,
    Settings,
    Undecryptable,
    User,
    Words,
    delete_batch,
    new_id,
    transaction,
)

from .smtp import MailServer, NotSent, message_of
from .tables import ConfirmationRow, MailRow

logger = logging.getLogger("credenza.mail")

TEMPLATES = Path(__file__).parent / "templates"
ATTEMPTS = 8
PATIENCE = 60  # seconds before the second attempt; each wait is twice as long as the one before
KEPT = 30 * 24 * 3600  # seconds that the reason of a failure is kept
AT_ONCE = 4
WAITING = 1000  # for one of those places; more mails than that wait in the database for `tend`
BATCH = 20


def greeting(user: User, to: str) -> tuple[str, ...]:
    """By name where they are known to read it: at an address that nobody has confirmed the reader may be anybody, and
    would take for ours whatever somebody calls themselves.
    """
    return (Words("Hello %(name)s,", name=user.display_name),) if user.email_verified and to == user.email else ()


class SmtpMailer(Mailer):
    name = "smtp"

    def __init__(self, settings: Settings) -> None:
        self._sender = settings.mail_from
        self._mail_server = MailServer.of(settings.smtp_url)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def send(self, mail: Mail) -> None:
        """Written with the transaction that is open, and tried after its commit."""
        mail_id, now = new_id(), self.server.now()
        content = self.server.keyring.encrypt(json.dumps(await self._content(mail)).encode(), place=_place(mail_id))
        async with transaction():
            await MailRow.insert(MailRow(id=mail_id, content=content, created_at=now, due_at=now))
            await self.server.engine.after_commit(lambda: self._begin(mail_id))

    async def _begin(self, mail_id: str) -> None:
        if self._waiting < WAITING:
            self._waiting += 1
            self.server.spawn(self._deliver_begun(mail_id))

    async def _deliver_begun(self, mail_id: str) -> None:
        try:
            await self.deliver(mail_id)
        finally:
            self._waiting -= 1

    async def _content(self, mail: Mail) -> dict[str, str]:
        """The finished mail, in the language of its reader."""
        speaker = self.server.languages.choose([mail.language])
        branding = await self.server.provider_branding()
        values = {
            "provider": branding.display_name,
            "color": branding.primary_color or "#1f5aa6",
            "subject": speaker.say(mail.subject),
            "lines": [speaker.say(line) for line in mail.lines],
            "link": tuple(speaker.say(part) for part in mail.link) if mail.link else None,
            "copy": speaker.say(Words("If the button does nothing, open this address:")),
            "language": speaker.tag,
            "direction": speaker.direction,
        }
        return {
            "to": mail.to,
            "subject": str(values["subject"]),
            "language": speaker.tag,
            "text": self._templates.get_template("mail/mail.txt").render(values),
            "html": self._templates.get_template("mail/mail.html").render(values),
        }

    async def deliver(self, mail_id: str) -> None:
        """One attempt, by whoever claims it."""
        async with self._slots:
            claimed = await claim(mail_id, self.server.now())
            if claimed is None:
                return
            content, attempts = claimed
            try:
                values = json.loads(self.server.keyring.decrypt(content, place=_place(mail_id)))
                sent_at = datetime.fromtimestamp(self.server.now(), UTC)
                await self._mail_server.hand_over(message_of(sender=self._sender, sent_at=sent_at, **values))
            except NotSent as error:
                final = error.final or attempts >= ATTEMPTS
                logger.warning("a mail was not sent (attempt %d%s): %s", attempts, ", the last" if final else "", error)
                await failed(mail_id, str(error), final=final)
            except (Undecryptable, ValueError) as error:
                logger.warning("a mail cannot be sent: %s", error)
                await failed(mail_id, "it cannot be read", final=True)
            else:
                await MailRow.delete().where(MailRow.id == mail_id)


async def tend(server: AuthorizationServer, now: int) -> int:
    """Try again what is due, and forget what is old; says how many rows that were."""
    mailer = server.mailer
    m, c = MailRow, ConfirmationRow
    if isinstance(mailer, SmtpMailer):
        due = await m.select(m.id).where((m.due_at <= now) & (m.content != "")).order_by(m.due_at).limit(BATCH)
        await asyncio.gather(*(mailer.deliver(row["id"]) for row in due))
    else:
        due = []
    old = await delete_batch(m, (m.created_at < now - KEPT) & (m.content == ""))
    spent = await delete_batch(c, c.expires_at < now)
    return len(due) + old + spent


async def claim(mail_id: str, now: int) -> tuple[str, int] | None:
    """Its content, and which attempt this is; None when another one has it, or it is not due."""
    m = MailRow
    row = await m.select(m.attempts).where((m.id == mail_id) & (m.due_at <= now) & (m.content != "")).first()
    if row is None:
        return None
    attempts = row["attempts"]
    mine = (m.id == mail_id) & (m.attempts == attempts) & (m.due_at <= now)
    values: dict[Any, Any] = {m.attempts: attempts + 1, m.due_at: now + PATIENCE * 2**attempts}
    rows = await m.update(values).where(mine).returning(m.content)
    return (rows[0]["content"], attempts + 1) if rows else None


async def failed(mail_id: str, reason: str, *, final: bool) -> None:
    m = MailRow
    values: dict[Any, Any] = {m.error: reason[:300]} | ({m.content: ""} if final else {})
    await m.update(values).where(m.id == mail_id)


def _place(mail_id: str) -> str:
    return f"credenza_mail/{mail_id}/content"
