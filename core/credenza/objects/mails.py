"""Mails, and who brings them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ..server import AuthorizationServer


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to one person: paragraphs of plain words, and at most one link (its label and address).

    `language` is the tag of the language that it is written in.
    """

    to: str
    subject: str
    lines: tuple[str, ...]
    link: tuple[str, str] | None = None
    language: str = "en"


class Mailer(ABC):
    """Sends mail to people. Subclass it and set `name`; there can be only one."""

    name: ClassVar[str]
    server: AuthorizationServer
    """Set when the server starts, before any method is called."""

    @abstractmethod
    async def send(self, mail: Mail) -> None:
        """Queue it in the transaction that is open, and return at once: no request waits for a mail server.

        Whoever has a mail gives it to `AuthorizationServer.send_mail`, which waits at most `plugins_timeout` seconds.
        """
