"""Sign-in: who is there, and since when. OpenID Connect Core §3.1.2.1, §3.1.2.3."""

from __future__ import annotations

from typing import Any

from ..events import UserSignedIn
from ..objects import Authentication, Prompt, Waiting
from ..protocol.errors import AccessDenied, InvalidRequest, LoginRequired, TemporarilyUnavailable, TooManyTries
from ..protocol.parameters import Parameters
from ..protocol.words import Words
from ..store.engine import database
from ..web.pages import SignInPage, Way
from ..web.sessions import begin_session
from .subject import is_wanted

ACR = "urn:credenza:acr:password"


class LoginPrompt(Prompt):
    name = "login"
    order = 100
    error = LoginRequired
    own_pages = True

    async def required(self, waiting: Waiting) -> bool:
        if waiting.session is None or waiting.user is None:
            return True
        answered = waiting.state.get("session") == waiting.session.id
        await self._check_subject(waiting, answered)
        if answered:
            return False
        if waiting.state.get("switch"):
            return True
        if waiting.request is None:
            return False
        request = waiting.request
        if request.prompts & {"login", "select_account"}:
            return True
        if request.max_age is not None:
            age = waiting.server.now() - waiting.session.authenticated_at
            if request.max_age == 0 or age >= request.max_age:
                return True
        return not await is_wanted(waiting)

    async def _check_subject(self, waiting: Waiting, answered: bool) -> None:
        """Tokens for somebody else than the client asked about are never given. Core §3.1.2.2, §5.5.1."""
        if not answered or waiting.user is None:
            return
        if not await is_wanted(waiting):
            raise LoginRequired("Somebody else signed in than the request is about.")

    async def show(self, waiting: Waiting) -> SignInPage:
        hint = waiting.request.login_hint if waiting.request is not None else ""
        return self._page(waiting, identifier=hint)

    def _page(self, waiting: Waiting, *, identifier: str = "", message: str = "") -> SignInPage:
        server = waiting.server
        ways = tuple(Way(a.name, a.title, a.icon) for a in server.authenticators.values() if a.name != "password")
        return SignInPage(
            title=Words("Sign in"),
            action=waiting.action,
            csrf_token=waiting.csrf_token,
            message=message,
            application=waiting.client.display_name if waiting.client is not None else "",
            identifier=identifier,
            account=waiting.user.username if waiting.user is not None else "",
            password="password" in server.authenticators,
            ways=ways,
            cancel=waiting.request is not None,
        )

    async def submit(self, waiting: Waiting, form: Parameters) -> Any:
        if form.get("decision") == "deny":
            raise AccessDenied("The user did not sign in.")
        authenticator = waiting.server.authenticators.get(form.get("authenticator", "password"))
        if authenticator is None:
            raise InvalidRequest(Words("There is no such way to sign in."))
        identifier = form.get("identifier", "")
        try:
            answer = await authenticator.authenticate(waiting.server, form, waiting.address)
        except (TooManyTries, TemporarilyUnavailable) as error:
            page = self._page(waiting, identifier=identifier, message=error.text)
            page.status = error.status
            return page
        if not isinstance(answer, Authentication):
            return self._page(waiting, identifier=identifier, message=answer)
        await sign_in(waiting, answer)
        return None


async def sign_in(waiting: Waiting, authentication: Authentication) -> None:
    """Begin a session, with a new id, and remember that this interaction was answered by it."""
    user = authentication.user
    async with database().transaction():
        session, cookie = await begin_session(
            waiting.server,
            user,
            amr=authentication.amr,
            acr=ACR,
            address=waiting.address,
            user_agent=waiting.user_agent,
            old=waiting.session,
        )
        await waiting.server.emit(
            UserSignedIn(
                actor=user.id,
                user=user.id,
                client=waiting.client.id if waiting.client is not None else "",
                address=waiting.address,
                amr=authentication.amr,
                session=session.id,
            )
        )
    waiting.session, waiting.user, waiting.new_cookie = session, user, cookie
    waiting.state["session"] = session.id
