"""How often a secret may be guessed: counted in the database, for all sessions and workers together. SP 800-63B §3.2.2.

Each failure makes the next try wait longer, and never for ever. A browser in which the account's owner signed in before
has a count of its own (`known_browsers`): nobody can lock anybody out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..protocol.errors import TooManyTries
from ..protocol.words import Words
from ..server import AuthorizationServer
from ..store.failed_sign_ins import count_failed_sign_in, failed_sign_ins

FREE_FAILURES = 5  # in a row, before the next try has to wait
LONGEST_WAIT = 900  # seconds


async def not_blocked() -> bool:
    return False


async def take_a_turn(
    server: AuthorizationServer, key: str, blocked: Callable[[], Awaitable[bool]] = not_blocked
) -> None:
    """Counted as a failure before it is looked at, or many tries at once would all be the first one.

    `key` is a keyed name; `blocked` tells of another reason to wait. Raises TooManyTries.
    """
    wait = 0
    for _ in range(2 * FREE_FAILURES):
        failures, last_at = seen = await failed_sign_ins(key)
        if failures >= FREE_FAILURES and last_at - server.now() < LONGEST_WAIT:  # else the clock was set back
            wait = last_at + min(2 ** min(failures - FREE_FAILURES, 20), LONGEST_WAIT) - server.now()
        if wait > 0 or await blocked():
            break
        if await count_failed_sign_in(key, server.now(), seen=seen):
            return
    raise too_many_tries(wait)


def too_many_tries(wait: int = 0) -> TooManyTries:
    return TooManyTries(Words("Too many tries. Wait %(count)s seconds and try again.", count=max(wait, 5)))
