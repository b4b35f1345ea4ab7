"""Sign-in: who is there, and since when. OpenID Connect Core §3.1.2.1, §3.1.2.3."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from ..events import UserSignedIn
from ..objects import Authentication, Authenticator, Prompt, Waiting, Way
from ..patience import within
from ..plugins import of_kind
from ..protocol.errors import AccessDenied, InvalidRequest, LoginRequired, TemporarilyUnavailable, TooManyTries
from ..protocol.parameters import Parameters
from ..protocol.words import Words
from ..server import AuthorizationServer, note_failure
from ..store.engine import StoreUnavailable, database
from ..store.sessions import Session, hold_session
from ..store.users import User, find_user_signing_in, hold_user
from ..web.guesses import Guess, watched
from ..web.limits import Limiter
from ..web.pages import SignInPage
from ..web.sessions import begin_session
from .factors import check_possible, first_proved, missing, must_prove_again
from .subject import is_wanted


class LoginPrompt(Prompt):
    name = "login"
    order = 100
    error = LoginRequired
    own_pages = True

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter

    async def required(self, waiting: Waiting) -> bool:
        check_possible(waiting)
        if "user" in waiting.begun:
            if await self._second_is_due(waiting):
                return False
            waiting.begun.clear()
        if waiting.session is None or waiting.user is None:
            return True
        if waiting.begun.get("session") == waiting.session.id:  # begun by this very sign-in
            await self._check_subject(waiting)
            return False
        if _chooses(waiting) and waiting.begun.get("chosen") != waiting.session.id:
            return True
        return await self._must_sign_in(waiting, waiting.session, waiting.user)

    async def _must_sign_in(self, waiting: Waiting, session: Session, user: User) -> bool:
        """Whether that session is not enough, whoever chooses to go on with it."""
        if waiting.state.get("switch") or await must_prove_again(waiting, user, session.acr):
            return True
        request, age = waiting.request, waiting.server.now() - session.authenticated_at
        if request is None:
            freshness = waiting.begun.get("max_age")
            return freshness is not None and age > freshness
        if "login" in request.prompts:
            return True
        if request.max_age is not None and (request.max_age == 0 or age >= request.max_age):
            return True
        return not await is_wanted(waiting)

    async def _second_is_due(self, waiting: Waiting) -> bool:
        user = await first_proved(waiting)
        return user is not None and await missing(waiting, user, waiting.begun["acr"], signing_in=True) is not None

    async def _check_subject(self, waiting: Waiting) -> None:
        """No client is given tokens about somebody else than it asked for. Core §3.1.2.2, §5.5.1."""
        if not await is_wanted(waiting):
            raise LoginRequired("Somebody else signed in than the request is about.")

    async def show(self, waiting: Waiting) -> SignInPage:
        hint = waiting.request.login_hint if waiting.request is not None else ""
        saved = waiting.state.get("saved", "")
        page = await self._page(waiting, identifier=saved or hint)
        if saved:
            page.notice = Words("Your password is saved. Sign in with it now.")
        elif waiting.state.get("undone"):
            page.notice = Words("Nothing was changed yet. Sign in, and then do it once more.")
        else:
            page.notice = waiting.state.get("notice", "")
        return page

    async def _page(self, waiting: Waiting, *, identifier: str = "", message: str = "") -> SignInPage:
        server = waiting.server
        application = waiting.client.display_name if waiting.client is not None else ""
        account = await self._account(waiting)
        return SignInPage(
            title=Words("Sign in"),
            action=waiting.action,
            csrf_token=waiting.csrf_token,
            message=message,
            application="" if isinstance(application, Words) else application,  # nobody's name to continue to
            identifier=identifier or account,
            account=account,
            current=await self._current(waiting),
            password="password" in server.authenticators,
            ways=tuple(await _ways(waiting)),
            links=tuple(
                (link.label, f"{link.path}?continue={waiting.token}")
                for link in server.sign_in_links
                if not (account and link.newcomers)
            ),
            cancel=waiting.request is not None,
        )

    async def _account(self, waiting: Waiting) -> str:
        """Who is asked to confirm that it is them: nobody, where they or the application mean somebody else."""
        user = waiting.user
        if user is None or waiting.state.get("switch") or _chooses(waiting) or not await is_wanted(waiting):
            return ""
        return user.handle if await _is_hinted(waiting, user) else ""

    async def _current(self, waiting: Waiting) -> str:
        """Who is signed in and may choose that account, with no password asked for; else nobody. Core §3.1.2.1."""
        session, user = waiting.session, waiting.user
        if session is None or user is None or not _chooses(waiting) or not await _is_hinted(waiting, user):
            return ""
        return "" if await self._must_sign_in(waiting, session, user) else user.handle

    def place(self, server: AuthorizationServer, form: Parameters) -> AbstractAsyncContextManager[None]:
        authenticator = chosen(server, form)
        if authenticator is None or form.get("decision") in ("deny", "continue"):
            return nullcontext()
        return authenticator.place()

    async def submit(self, waiting: Waiting, form: Parameters) -> Any:
        if form.get("decision") == "deny":
            raise AccessDenied("The user did not sign in.")
        if form.get("decision") == "continue":
            return await self._go_on(waiting)
        authenticator = chosen(waiting.server, form)
        if authenticator is None:
            raise InvalidRequest(Words("There is no such way to sign in."))
        identifier = form.get("identifier", "")
        try:
            guess = Guess(authenticator, identifier, waiting.address, waiting.known)
            answer = await watched(waiting.server, self.limiter, guess, lambda: authenticator.answer(waiting, form))
        except (TooManyTries, TemporarilyUnavailable) as error:
            page = await self._page(waiting, identifier=identifier, message=error.text)
            page.status = error.status
            return page
        if not isinstance(answer, Authentication):
            return await self._page(waiting, identifier=identifier, message=answer)
        await begin_sign_in(waiting, answer)
        return None

    async def _go_on(self, waiting: Waiting) -> SignInPage | None:
        """With the account that is signed in, unless what was on the page is not so any more."""
        if waiting.session is None or not await self._current(waiting):
            return await self.show(waiting)
        waiting.begun["chosen"] = waiting.session.id  # as long as it is enough: nothing was proved by it
        return None


def _chooses(waiting: Waiting) -> bool:
    return waiting.request is not None and "select_account" in waiting.request.prompts


async def _is_hinted(waiting: Waiting, user: User) -> bool:
    """Whether the application means them, or nobody in particular."""
    hint = waiting.request.login_hint if waiting.request is not None else ""
    hinted = await find_user_signing_in(hint) if hint else user
    return hinted is not None and hinted.id == user.id


async def _ways(waiting: Waiting) -> list[Way]:
    """Of everybody who brings one. Who fails is named in the log and passed over, or nobody could sign in at all."""
    server = waiting.server
    found: list[Way] = []
    for authenticator in server.authenticators.values():
        try:
            ways = await within(server.settings.plugins_timeout, authenticator.ways(waiting))
            found += [of_kind(way, Way) for way in ways]
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - it is logged
            note_failure(server, authenticator, "ways", error)
    return found


def chosen(server: AuthorizationServer, form: Parameters) -> Authenticator | None:
    return server.authenticators.get(form.get("authenticator", "password"))


async def begin_sign_in(waiting: Waiting, authentication: Authentication) -> None:
    """The first factor is proved: sign in, or note it until the second one is proved too."""
    user = authentication.user
    kept: dict[str, Any] = {name: waiting.begun[name] for name in ("max_age", "skipped") if name in waiting.begun}
    waiting.begun.clear()
    waiting.begun.update(kept)
    if await missing(waiting, user, authentication.acr, signing_in=True) is None:
        await sign_in(waiting, authentication)
    else:
        waiting.begun.update(
            user=user.id,
            amr=list(authentication.amr),
            acr=authentication.acr,
            at=waiting.server.now(),
            since=authentication.at,
            password_changed_at=user.password_changed_at,
        )


async def sign_in(waiting: Waiting, authentication: Authentication, *, going_on: Session | None = None) -> None:
    """Begin a session, with a new id, and remember that this interaction was answered by it.

    `going_on` is the session that something was only added to. A password that was changed while it was looked at opens
    nothing any more, nor does such a session that has ended: then they sign in once more.
    """
    user = authentication.user
    async with database().transaction():
        held = await hold_user(user.id)  # a change waits, and ends the session then, or was before
        if held is None or held.suspended or held.password_changed_at != user.password_changed_at:
            return
        if going_on is not None and not await hold_session(going_on.digest):
            return
        session, cookie = await begin_session(
            waiting.server,
            user,
            amr=authentication.amr,
            acr=authentication.acr,
            authenticated_at=authentication.at,
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
    skipped = waiting.begun.get("skipped", False)
    waiting.begun.clear()
    waiting.begun.update(session=session.id, skipped=skipped)
