"""The password, one way to sign in; it does not tell which accounts exist."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from ..objects import Authentication, Authenticator
from ..protocol.parameters import Parameters
from ..protocol.words import Words
from ..server import AuthorizationServer
from ..store import users
from ..store.users import User
from ..web.new_password import require_new_password
from ..web.passwords import MAX_CHARACTERS, Passwords, is_common

WRONG = Words("The email, username or password is wrong.")


class PasswordAuthenticator(Authenticator):
    name = "password"
    title = Words("Password")
    amr = ("pwd",)

    def __init__(self, passwords: Passwords) -> None:
        self.passwords = passwords

    def place(self) -> AbstractAsyncContextManager[None]:
        return self.passwords.place()

    async def opens(self, user: User) -> bool:
        return user.password_hash is not None

    async def authenticate(self, server: AuthorizationServer, form: Parameters, address: str) -> Authentication | str:
        identifier, password = form.get("identifier", "").strip(), form.get("password", "")
        if len(identifier) > 320 or len(password) > MAX_CHARACTERS:
            return WRONG
        user = await users.find_user_signing_in(identifier)
        matches = await self.passwords.verify(user.password_hash if user is not None else None, password)
        if user is None or not matches or user.suspended:
            return WRONG
        if user.password_hash is not None and self.passwords.needs_rehash(user.password_hash):
            await users.replace_hash(user.id, user.password_hash, await self.passwords.hash(password))
        if server.settings.password_recheck and not user.password_change_required and is_common(password):
            await require_new_password(server, user, reason="blocklist", actor=user.id, address=address)
            user = replace(user, password_change_required=True)
        return Authentication(user, self.amr)
