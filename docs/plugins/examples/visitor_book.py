"""A listener, a cleaner and a command: who signed in is written into a book that `credenza visitor-book` reads."""

import asyncio
import os
import sys
from pathlib import Path

from credenza import Command, events, hookimpl

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


@hookimpl
def register_listeners():
    return note


@hookimpl
def register_cleaners():
    return clean_up


@hookimpl
def register_commands():
    return Command("visitor-book", "who signed in", read)
