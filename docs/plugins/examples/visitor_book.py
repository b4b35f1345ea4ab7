"""A listener, a cleaner, a command and a mailer: who signed in, and what was mailed, is written into a book."""

import asyncio
import os
import sys
from pathlib import Path

from credenza import Command, Mailer, events, hookimpl

BOOK = Path(os.environ.get("VISITOR_BOOK", "visitor-book.txt"))
NEWEST = 1000


def write(line):
    with BOOK.open("a") as book:
        book.write(line + "\n")


async def note(event):
    if isinstance(event, events.UserSignedIn):
        await asyncio.to_thread(write, f"{event.user} {event.client}")


def forget():
    lines = BOOK.read_text().splitlines(keepends=True) if BOOK.exists() else []
    if too_many := len(lines[:-NEWEST]):
        BOOK.write_text("".join(lines[-NEWEST:]))
    return too_many


async def clean_up(now):
    return await asyncio.to_thread(forget)


def read(arguments):
    sys.stdout.write(BOOK.read_text() if BOOK.exists() else "")
    return 0


class Pigeonhole(Mailer):
    """Mails are put into the book: good for a porter who carries them round."""

    name = "pigeonhole"

    async def send(self, mail):
        await asyncio.to_thread(write, f"{mail.to} {mail.subject}")


@hookimpl
def register_mailers():
    return Pigeonhole()


@hookimpl
def register_listeners():
    return note


@hookimpl
def register_cleaners():
    return clean_up


@hookimpl
def register_commands():
    return Command("visitor-book", "who signed in", read)
