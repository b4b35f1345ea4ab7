"""The password, one way to sign in: throttled by account and by address, and silent about which accounts exist."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from ..events import SignInFailed
from ..objects import Authentication, Authenticator, Waiting
from ..protocol.parameters import Parameters
from ..protocol.words import Words
from ..server import AuthorizationServer
from ..store import users
from ..store.users import User
from ..web.known_browsers import account_name
from ..web.limits import Limiter, neighbourhood
from ..web.new_password import require_new_password
from ..web.passwords import MAX_CHARACTERS, Passwords, is_common
from ..web.rules import Rule
from ..web.tries import take_a_turn

PER_ADDRESS = Rule("failed sign-in by address", burst=100, seconds=900)
WRONG = Words("The email, username or password is wrong.")


class PasswordAuthenticator(Authenticator):
    name = "password"
    title = Words("Password")
    amr = ("pwd",)

    def __init__(self, passwords: Passwords, limiter: Limiter, *, throttled: bool) -> None:
        self.passwords = passwords
        self.limiter = limiter
        self.throttled = throttled

    def place(self) -> AbstractAsyncContextManager[None]:
        return self.passwords.place()

    async def opens(self, user: User) -> bool:
        return user.password_hash is not None

    async def authenticate(self, server: AuthorizationServer, form: Parameters, address: str) -> Authentication | str:
        return await self._try(server, form, address, ())

    async def answer(self, waiting: Waiting, form: Parameters) -> Authentication | str:
        return await self._try(waiting.server, form, waiting.address, waiting.known)

    async def _try(
        self, server: AuthorizationServer, form: Parameters, address: str, known: Collection[str]
    ) -> Authentication | str:
        identifier, password = form.get("identifier", "").strip(), form.get("password", "")
        if len(identifier) > 320 or len(password) > MAX_CHARACTERS:
            return WRONG
        async with self.passwords.place():
            return await self._check(server, identifier, password, address, known)

    async def _check(
        self, server: AuthorizationServer, identifier: str, password: str, address: str, known: Collection[str]
    ) -> Authentication | str:
        user = await users.find_user_by_identifier(identifier)
        key = counted_as(server, identifier, user, known)
        if self.throttled:
            await take_a_turn(server, key, lambda: self.limiter.blocked((PER_ADDRESS, neighbourhood(address))))
        matches = await self.passwords.verify(user.password_hash if user is not None else None, password)
        if user is None or not matches or user.suspended:
            await self._failed(server, address, user)
            return WRONG
        if self.throttled:
            await users.clear_failed_sign_ins(key)
        if user.password_hash is not None and self.passwords.needs_rehash(user.password_hash):
            await users.replace_hash(user.id, user.password_hash, await self.passwords.hash(password))
        if server.settings.password_recheck and not user.password_change_required and is_common(password):
            await require_new_password(server, user, reason="blocklist", actor=user.id, address=address)
            user = replace(user, password_change_required=True)
        return Authentication(user, self.amr)

    async def _failed(self, server: AuthorizationServer, address: str, user: users.User | None) -> None:
        if self.throttled:
            await self.limiter.count((PER_ADDRESS, neighbourhood(address)))
        await server.emit(
            SignInFailed(
                user=user.id if user else "", address=address, reason="suspended" if user and user.suspended else ""
            )
        )


def counted_as(server: AuthorizationServer, identifier: str, user: users.User | None, known: Collection[str]) -> str:
    """Whose failures these are: an account's, but for the browsers in which its owner signed in before.

    Those have a count of their own: a stranger who goes on guessing does not keep the owner out.
    """
    if known and user is not None and account_name(server, user.id) in known:
        return server.keyring.keyed_name(f"known browsers of {user.id}")
    return server.keyring.keyed_name(identifier.lower())
