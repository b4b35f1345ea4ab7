"""A listener, a cleaner, a command and a mailer: who signed in, and what was mailed, is written into a book."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from credenza import Command, Mailer, events, hookimpl


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSettings:
    file: str = "visitor-book.txt"
    newest: int = 1000


own_settings = BookSettings


class Book:
    def __init__(self, settings):
        self.path = Path(settings.file)
        self.newest = settings.newest

    def write(self, line):
        with self.path.open("a") as book:
            book.write(line + "\n")

    def forget(self):
        lines = self.path.read_text().splitlines(keepends=True) if self.path.exists() else []
        if too_many := len(lines[: -self.newest]):
            self.path.write_text("".join(lines[-self.newest :]))
        return too_many

    async def note(self, event):
        if isinstance(event, events.UserSignedIn):
            await asyncio.to_thread(self.write, f"{event.user} {event.client}")

    async def clean_up(self, now):
        return await asyncio.to_thread(self.forget)

    def read(self, arguments):
        sys.stdout.write(self.path.read_text() if self.path.exists() else "")
        return 0


class Pigeonhole(Mailer):
    """Mails are put into the book: good for a porter who carries them round."""

    name = "pigeonhole"

    def __init__(self, book):
        self.book = book

    async def send(self, mail):
        await asyncio.to_thread(self.book.write, f"{mail.to} {mail.subject}")


@hookimpl
def register_mailers(settings):
    return Pigeonhole(Book(settings.of(BookSettings)))


@hookimpl
def register_listeners(settings):
    return Book(settings.of(BookSettings)).note


@hookimpl
def register_cleaners(settings):
    return Book(settings.of(BookSettings)).clean_up


@hookimpl
def register_commands(settings):
    return Command("visitor-book", "who signed in", Book(settings.of(BookSettings)).read)
