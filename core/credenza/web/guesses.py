"""Guessing at a way to sign in: slowed down by account and by address, and written down. SP 800-63B §3.2.2."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from ..events import SignInFailed
from ..objects import Authentication, Authenticator
from ..protocol.names import as_identifier
from ..server import AuthorizationServer
from ..store import users
from ..store.failed_sign_ins import clear_failed_sign_ins
from ..store.users import User
from .known_browsers import account_name
from .limits import Limiter, neighbourhood
from .rules import Rule
from .tries import take_a_turn, too_many_tries

PER_ADDRESS = Rule("failed sign-in by address", burst=100, seconds=900)


@dataclass(frozen=True, slots=True)
class Guess:
    """A try at `way`, to come in as `identifier` if it asks for one; `known` is what the browser knows of accounts."""

    way: Authenticator
    identifier: str
    address: str
    known: Collection[str] = ()


async def watched(
    server: AuthorizationServer, limiter: Limiter, guess: Guess, answer: Callable[[], Awaitable[Authentication | str]]
) -> Authentication | str:
    """The answer, whoever brings the way in. Raises TooManyTries without asking for it."""
    identifier = guess.identifier.strip()[:320]
    user = await users.find_user_signing_in(identifier) if identifier else None
    key = _counted_as(server, guess, identifier, user)
    by_address = (PER_ADDRESS, neighbourhood(guess.address))
    by_account = bool(identifier) and server.settings.rate_limit
    if by_account:
        await take_a_turn(server, key, lambda: limiter.blocked(by_address))
    elif await limiter.blocked(by_address):
        raise too_many_tries()
    answered = await server.answer_of(guess.way, answer(), Authentication, str)
    if not await limiter.may_know(isinstance(answered, Authentication), by_address):
        raise too_many_tries()
    if not isinstance(answered, Authentication):
        reason = "suspended" if user is not None and user.suspended else _brought(guess.way)
        await server.emit(SignInFailed(user=user.id if user else "", address=guess.address, reason=reason))
    elif by_account and (user is None or answered.user.id == user.id):
        await clear_failed_sign_ins(key)
    return answered


def _brought(way: Authenticator) -> str:
    return "" if way.name == "password" else way.name


def _counted_as(server: AuthorizationServer, guess: Guess, identifier: str, user: User | None) -> str:
    """Whose failures these are: an account's, but for the browsers in which its owner signed in before.

    Those have a count of their own: a stranger who goes on guessing does not keep the owner out.
    """
    if guess.known and user is not None and account_name(server, user.id) in guess.known:
        return server.keyring.keyed_name(f"known browsers of {user.id}")
    named = as_identifier(identifier)  # or each way to compose a name would have a count of its own
    if user is not None and named != user.email:
        named = user.username
    # Nobody names by what they type what else is counted.
    return server.keyring.keyed_name(f"sign-in/{guess.way.name}/{named}")
