"""Passwords: Argon2id in a limiter of its own, what may be chosen, and how often it may be tried. NIST SP 800-63B-4."""

from __future__ import annotations

import asyncio
import os
import unicodedata
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION, error_to_str

from ..metrics import Metrics
from ..patience import give_way
from ..protocol.errors import TemporarilyUnavailable
from ..protocol.words import Words
from ..settings import Settings
from .breaks import short_breaks
from .foreign_hashes import ForeignHash, made_as, wrapped

Result = TypeVar("Result")

MAX_CHARACTERS = 1024
MAX_WAITING = 20
AHEAD = 1  # beside those who are checked: reads what comes before, or writes what comes after
BUSY = Words("Many people are signing in at this moment. Try again in a few seconds.")
SHORTAGES = {error_to_str(code) for code in (-22, -33)}  # of memory, of threads: argon2.h
CONTEXT_WORDS = ("credenza", "password", "administrator")


_held: ContextVar[bool] = ContextVar("place", default=False)


class WeakPassword(Exception):
    """`text` says what to do better."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Passwords:
    """Hashing in threads of its own: the danger is many at once, each with its own megabytes, not a long one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        self._nobodys = unmatchable(self._hasher)
        threads = settings.password_threads or processors()
        # A storm of sign-ins leaves the processors to those who have tokens already.
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="passwords", initializer=give_way)
        self._under_way = asyncio.Semaphore(threads + AHEAD)
        self._waiting = 0
        self.metrics: Metrics | None = None

    async def hash(self, password: str) -> str:
        """An argon2id hash, to be stored. Raises TemporarilyUnavailable when too many wait."""
        return await self._run(self._hasher.hash, normalized(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Takes as long for an account that does not exist, or has no password, as for a wrong one."""
        matches = await self._run(self._verify, stored or self._nobodys, password)
        return matches and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        beginning, stored = wrapped(stored)
        # Another system hashed what was typed, as it was typed.
        return self._matches(stored, made_as(beginning, password).text if beginning else normalized(password))

    def _matches(self, stored: str, text: str) -> bool:
        try:
            return self._hasher.verify(stored, text)
        except (VerificationError, InvalidHashError) as error:
            if str(error) in SHORTAGES:  # that is no wrong password
                raise
            return False

    def needs_rehash(self, stored: str) -> bool:
        """Whether it was made with weaker parameters than those of now, or by another system."""
        beginning, stored = wrapped(stored)
        return bool(beginning) or self._hasher.check_needs_rehash(stored)

    async def take_over(self, foreign: str, stored: str | None = None) -> str:
        """What is stored of a password that another system hashed: `stored`, when it is of the same hash already.

        Raises ValueError, with the rest of a sentence about the hash.
        """
        hashed = ForeignHash.parse(foreign)
        if self.is_hash(foreign):
            return foreign
        beginning, ours = wrapped(stored or "")
        if beginning == hashed.beginning and await self._run(self._matches, ours, hashed.text):
            return beginning + ours
        return hashed.beginning + await self._run(self._hasher.hash, hashed.text)

    def is_hash(self, text: str) -> bool:
        """Whether this is an argon2id hash, which a desired-state file may hold."""
        try:
            self._hasher.check_needs_rehash(text)
        except InvalidHashError:
            return False
        return text.startswith("$argon2id$")

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place among those who are checked or wait; taken before anything else is done for a try, and only once.

        Whoever finds none has used up no try, and has cost nothing; who waits has cost nothing yet, and goes on only
        when a thread is about to be free. Raises TemporarilyUnavailable.
        """
        if _held.get():
            yield
            return
        if self._waiting >= MAX_WAITING:
            if self.metrics is not None:
                self.metrics.hashing_refused.inc()
            raise TemporarilyUnavailable(BUSY)
        self._count(1)
        try:
            async with self._under_way:
                held = _held.set(True)
                try:
                    yield
                finally:
                    _held.reset(held)
        finally:
            self._count(-1)

    async def _run(self, function: Callable[..., Result], *arguments: str) -> Result:
        async with self.place():
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    self._threads, _with_breaks, function, *arguments
                )
            except (HashingError, VerificationError) as error:
                if str(error) in SHORTAGES:
                    raise TemporarilyUnavailable(BUSY, detail=str(error)) from error
                raise

    def _count(self, change: int) -> None:
        self._waiting += change
        if self.metrics is not None:
            self.metrics.hashing.inc(change)


def unmatchable(hasher: PasswordHasher) -> str:
    """A hash that no password has, and that takes as long to check as any other. The PHC string format.

    It is not computed: that would cost the server tens of megabytes at its start, which it then keeps.
    """
    salt, tag = (b64encode(os.urandom(size)).rstrip(b"=").decode() for size in (hasher.salt_len, hasher.hash_len))
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${tag}"


def processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _with_breaks(function: Callable[..., Result], *arguments: str) -> Result:
    with short_breaks():
        return function(*arguments)


def normalized(password: str) -> str:
    """NFKC and nothing else: the same characters typed on two keyboards are one password. SP 800-63B §3.1.1.2."""
    return unicodedata.normalize("NFKC", password)


def check_new_password(password: str, settings: Settings, *, context: tuple[str, ...] = ()) -> None:
    """Raise WeakPassword unless it is long enough and not one that everybody tries. SP 800-63B §3.1.1.2."""
    if len(password) > MAX_CHARACTERS:
        raise WeakPassword(Words("Use at most %(count)s characters.", count=MAX_CHARACTERS))
    if len(password) < settings.password_min_length:
        raise WeakPassword(
            Words(
                "Use at least %(count)s characters. A few words are easy to remember.",
                count=settings.password_min_length,
            )
        )
    lowered = password.casefold()
    if is_common(password):
        raise WeakPassword(Words("This password is on lists that attackers try first. Choose another one."))
    words = [word.casefold() for word in (*context, *CONTEXT_WORDS) if len(word) >= 4]
    rest = lowered
    for word in words:
        rest = rest.replace(word, "")
    if len(rest) < settings.password_min_length // 2:
        raise WeakPassword(
            Words("Do not build the password from your name, your email address or the name of this service.")
        )
    if len(set(lowered)) < 5:
        raise WeakPassword(Words("Use more different characters."))


def is_common(password: str) -> bool:
    """Whether it is on the list that attackers try first. SP 800-63B §3.1.1.2."""
    return password.casefold() in common_passwords()


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    # Imported here: the list is only needed when somebody chooses a password.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])
