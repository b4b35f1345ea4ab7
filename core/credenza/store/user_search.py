"""Searching people: the words that they are found by, and the condition that finds them on each database."""

from __future__ import annotations

import json
import re
from functools import reduce
from operator import and_
from typing import Any

from piccolo.columns.combination import WhereRaw

from ..protocol.names import in_lower, in_one_form
from .engine import database
from .lists import patterns
from .user_rows import USER_ID, UserRow

MANY = 5_000
"""People beyond whom a search counts no further, and who are come upon soon among everybody."""


def words_of(username: str, email: str, name: str) -> str:
    """What is kept of somebody to be found by: user name, email address and full name."""
    return " ".join(_sought(text)[:most] for text, most in ((username, 150), (email, 150), (name, 100)))


async def matching(search: str) -> Any:
    """Whoever has this id, or each word somewhere in their names, in any order; an empty search finds everybody."""
    return await few_matching(search) or all_matching(search)


def all_matching(search: str) -> Any:
    """`matching`, asked of one person after the other, or by PostgreSQL of its index."""
    if USER_ID.fullmatch(search.strip()):  # a `sub` from somebody's log
        return UserRow.id == search.strip()
    wanted = _patterns(search)
    each: list[Any] = [UserRow.words.like(pattern) for pattern in wanted]
    if database().engine_type == "postgres" and (threes := _threes(wanted)):
        # It finds out by itself whether to ask the index of every three characters (migration 0006).
        each.append(WhereRaw("credenza_trigrams(credenza_user.words) @> {}", threes))
    return reduce(and_, each, WhereRaw("1 = 1"))


async def few_matching(search: str) -> Any | None:
    """`matching` on SQLite, which reads them from an index of every three characters (migration 0004).

    None for more than MANY, on another database, and for what that index has no answer for.
    """
    long = [pattern for pattern in map(_in_trigrams, _patterns(search)) if pattern]
    if not long or USER_ID.fullmatch(search.strip()) or database().engine_type != "sqlite":
        return None
    # The word that few will have is enough if they are few: the others are looked for among them, as are short ones.
    for some in (long[:1], long)[: len(long)]:
        each = " AND ".join(["words LIKE {}"] * len(some))
        sought = f"credenza_user.rowid IN (SELECT rowid FROM credenza_user_trigrams WHERE {each} LIMIT {MANY + 1})"  # noqa: S608
        ids = [row["id"] for row in await UserRow.select(UserRow.id).where(WhereRaw(sought, *some))]
        if len(ids) <= MANY:  # as one value, and not as thousands
            found = WhereRaw("credenza_user.id IN (SELECT value FROM json_each({}))", json.dumps(ids))
            return found & all_matching(search)
    return None


def _sought(text: str) -> str:
    return in_one_form(in_lower(text))


def _patterns(search: str) -> list[str]:
    return patterns(_sought(search))


def _threes(wanted: list[str]) -> list[str]:
    """What their words are made of; a word that is longer by two characters has the last three once more.

    Each of the others, too, would be looked up for everybody who has the rarest one.
    """
    parts = [part for pattern in wanted for part in _indexed(pattern)]
    starts = [(part, start) for part in parts for start in (*range(0, len(part) - 2, 3), len(part) - 3)]
    return sorted({part[start : start + 3] for part, start in starts})


def _in_trigrams(pattern: str) -> str:
    """Only what the index has an answer for, and empty if that is nothing: SQLite 3.40 crashes when two characters that
    are more bytes stand before a wildcard, as in "πο_ειδών".
    """
    parts = _indexed(pattern)
    return f"%{'%'.join(parts)}%" if parts else ""


def _indexed(pattern: str) -> list[str]:
    """What is long enough between its wildcards to be in an index of every three characters."""
    return [part for part in re.split("[%_\0]", pattern) if len(part) > 2]
