"""A new password before anything else, when somebody else may know the old one. NIST SP 800-63B §3.1.1.2."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, suppress

from ..logout import end_most_sessions
from ..objects import Prompt, Waiting
from ..protocol.errors import LoginRequired
from ..protocol.parameters import Parameters
from ..protocol.words import Words
from ..server import AuthorizationServer
from ..store.engine import database
from ..web.new_password import password_refusal, set_password
from ..web.pages import PasswordPage
from ..web.passwords import Passwords
from ..web.sessions import SessionGone, renew_session


class NewPasswordPrompt(Prompt):
    """Comes after everything that proves who it is, a second factor too, and for people who are signed in already."""

    name = "new-password"
    order = 120
    error = LoginRequired
    own_pages = True

    def __init__(self, passwords: Passwords) -> None:
        self.passwords = passwords

    async def required(self, waiting: Waiting) -> bool:
        user = waiting.user
        return waiting.session is not None and user is not None and user.must_change_password

    async def show(self, waiting: Waiting) -> PasswordPage:
        return self._page(waiting)

    def place(self, server: AuthorizationServer, form: Parameters) -> AbstractAsyncContextManager[None]:
        return self.passwords.place()

    async def submit(self, waiting: Waiting, form: Parameters) -> PasswordPage | None:
        assert waiting.user is not None
        user, server, chosen = waiting.user, waiting.server, form.get("password", "")
        _, message = await password_refusal(server, form, user.username, user.display_name, user.email or "")
        if message:
            return self._page(waiting, message)
        if await self.passwords.verify(user.password_hash, chosen):
            return self._page(waiting, Words("This is the password that you have now."))
        stored = await self.passwords.hash(chosen)
        with suppress(SessionGone):  # then they sign in once more, and choose again
            await self._set(waiting, stored)
        return None

    async def _set(self, waiting: Waiting, stored: str) -> None:
        """Every other session ends, and this one gets another cookie. Raises SessionGone."""
        assert waiting.user is not None
        assert waiting.session is not None
        session, user, server = waiting.session, waiting.user, waiting.server
        await end_most_sessions(server, user.id, but=session.id)
        async with database().transaction():
            await set_password(server, user, stored, through="required", address=waiting.address, keep=session.id)
            waiting.session, waiting.new_cookie = await renew_session(
                server,
                user,
                session,
                amr=session.amr,
                acr=session.acr,
                address=waiting.address,
                user_agent=waiting.user_agent,
            )

    def _page(self, waiting: Waiting, message: str = "") -> PasswordPage:
        assert waiting.user is not None
        return PasswordPage(
            title=Words("Choose a password"),
            action=waiting.action,
            csrf_token=waiting.csrf_token,
            message=message,
            heading=Words("Choose a new password"),
            explanation=Words(
                "Somebody else may know your current password. Choosing a new one signs you out everywhere else."
            ),
            username=waiting.user.username,
            email=waiting.user.email or "",
            minimum=waiting.server.settings.password_min_length,
        )
