"""Passwords in the section `users`, hashed here or somewhere else. Whoever has one that they chose here keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..store.users import User
from ..web.foreign_hashes import ForeignHash, wrapped
from ..web.passwords import Passwords, WeakPassword, check_new_password
from .run import Run, StateError


class Declared(NamedTuple):
    """A user of the file. `before` is as the database has them, if they are there; `after` is all but the password."""

    members: Mapping[str, Any]
    before: User | None
    after: User


async def hash_to_store(run: Run, person: Declared) -> str | None:
    """The old one when nothing about it is declared or the password is the same."""
    members, before, after = person
    password = "" if members.get("password_hash") else members.get("password", "")
    if password:
        try:
            check_new_password(password, run.server.settings, context=(after.username,))
        except WeakPassword as error:  # a file may hold one, for a test machine
            run.warnings.append(f"users: {after.username}: {error}")
    if before is None or before.password_hash is None:
        return await _hashed(run, person, password)
    known = after.username, before.password_hash
    if known not in run.checked:
        run.checked[known] = await _hashed(run, person, password) or before.password_hash
    return run.checked[known]


async def _hashed(run: Run, person: Declared, password: str) -> str | None:
    members, before, after = person
    old = before.password_hash if before is not None else None
    if members.get("password_hash"):
        proved = before is not None and before.last_sign_in_at is not None
        if old is not None and (proved or _chosen(run.passwords, old, members["password_hash"])):
            return old  # a password that they proved or chose here
        return await _taken_over(run, after.username, members["password_hash"], before)
    if not password:
        return old
    if run.dry and before is None:
        return None
    if old is not None and await run.passwords.verify(old, password):
        return old
    return await run.passwords.hash(password)


def _chosen(passwords: Passwords, stored: str, foreign: str) -> bool:
    """Whether what is stored came of no hash of the other system, which now says `foreign`.

    A plain Argon2id hash of theirs is stored as it is, and told from ours by its parameters.
    """
    if wrapped(stored)[0]:
        return False
    return not passwords.is_hash(foreign) or (passwords.needs_rehash(foreign) and not passwords.needs_rehash(stored))


async def _taken_over(run: Run, username: str, foreign: str, before: User | None) -> str | None:
    try:
        if run.dry and before is None:
            ForeignHash.parse(foreign)
            return None
        return await run.passwords.take_over(foreign, before.password_hash if before is not None else None)
    except ValueError as error:
        raise StateError(f"{username}: password_hash {error}") from error
