"""What plugins and the account pages say to each other. The account pages are a plugin too; the core lends the words.

A plugin brings a part of the Security tab with the hook `account_sections`. It is the account plugin's hook, so it is
marked `@hookimpl(optionalhook=True)`, and the plugin also runs where there are no account pages:

    @account_get("/account/security/badge", fresh=True)
    async def show_badge(visit: AccountVisit) -> BadgePage: ...

    @hookimpl(optionalhook=True)
    def account_sections() -> AccountSection:
        return AccountSection("Badge", "/account/security/badge", summary, routes=(show_badge, …))

Before a route is called, its user is signed in (minutes ago, when it is `fresh`), and a form carries its token.
Templates extend `account:layout.html`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .objects import Authentication, Authenticator
from .plugins import must_be_async
from .protocol.assurance import strength
from .protocol.parameters import Parameters
from .protocol.words import Words
from .server import AuthorizationServer
from .store.sessions import Session
from .store.users import User, hold_user
from .web.accounts import SignInNeeded
from .web.guesses import Guess, watched
from .web.known_browsers import account_name
from .web.limits import Limiter
from .web.moments import Moment
from .web.pages import FormPage
from .web.requests import AnyRequest, address_of
from .web.responses import AnyResponse
from .web.sessions import SessionGone, renew_session

SECURITY = "/account/security"


@dataclass(frozen=True, slots=True)
class AccountTab:
    title: str
    address: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class AccountFrame:
    """What stands around every page. `console` is the address of the console, for those who may go there."""

    account: str = ""
    account_name: str = ""
    tabs: tuple[AccountTab, ...] = ()
    stylesheet: str = ""
    console: str = ""
    sign_out: str = "/logout"
    notice: str = ""


@dataclass(kw_only=True)
class AccountPage(FormPage):
    """A page of the account. Its template extends `account:layout.html`; `tab` is the address of its tab.

    `script` is the address of a script on our origin, if it has one.
    """

    name: ClassVar[str] = "account"
    tab: ClassVar[str] = SECURITY
    action: str = ""
    csrf_token: str = ""
    script: str = ""
    frame: AccountFrame = field(default_factory=AccountFrame)


class LastWayIn(Exception):
    """Raised instead of taking away the last way in which the user can sign in; `text` says so."""

    text = Words("This is your only way to sign in. Add another one first.")


@dataclass(frozen=True, slots=True)
class AccountVisit:
    """One request by somebody who is signed in; `form` is what they posted."""

    request: AnyRequest
    server: AuthorizationServer
    session: Session
    user: User
    form: Parameters

    def moment(self, at: int) -> Moment:
        """A Unix time, to be shown as "3 minutes ago"."""
        return Moment(at, self.server.now())

    async def check_way_in(self) -> None:
        """Call it in the transaction that takes a way to sign in away from the user. Raises LastWayIn."""
        user = await hold_user(self.user.id)  # of two that are taken away at once, one is the last
        ways = self.server.authenticators.values() if user is not None else ()
        if user is None or not any([await self.server.answer_of(way, way.opens(user)) for way in ways]):
            raise LastWayIn

    async def prove_again(self, way: Authenticator, form: Parameters) -> Authentication | str:
        """What `way` says of `form`, of which this user is the `identifier`; guessing is as slow as where one signs in.

        Raises TooManyTries, TemporarilyUnavailable.
        """
        limiter: Limiter = self.request.app.state.limiter
        known = (account_name(self.server, self.user.id),)  # as in a browser where they signed in: here they did
        guess = Guess(way, self.user.username, address_of(self.request), known)
        async with way.place():
            return await watched(
                self.server, limiter, guess, lambda: way.authenticate(self.server, form, guess.address)
            )

    async def renew_session(self, proved: Authentication | None = None) -> str:
        """A new id for this session, for `AccountDone`: a copy of the old cookie is worth nothing. OWASP ASVS V7.2.4.

        What was `proved` just now is added to what the session knows; when the user signed in stays. Call it in the
        transaction of the change: a session that has ended meanwhile changes nothing. Raises SignInNeeded.
        """
        amr, acr = self.session.amr, self.session.acr
        if proved is not None:
            amr, acr = tuple(dict.fromkeys([*amr, *proved.amr])), max(acr, proved.acr, key=strength)
        try:
            _, cookie = await renew_session(
                self.server,
                self.user,
                self.session,
                amr=amr,
                acr=acr,
                address=address_of(self.request),
                user_agent=self.request.headers.get("user-agent", ""),
            )
        except SessionGone:
            raise SignInNeeded(SECURITY) from None
        return cookie


@dataclass(frozen=True, slots=True)
class AccountDone:
    """A form was taken: the browser goes on to `address` (303). `notice` is a key of the section's `notices`.

    `session` is the value for the session's cookie, when it got a new one.
    """

    address: str
    notice: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class AccountShown:
    """A page as the answer to a form, when the session got a new id: something that is shown once and never again."""

    page: AccountPage
    session: str


Handle = Callable[[AccountVisit], Awaitable[AccountPage | AccountShown | AccountDone | AnyResponse]]


@dataclass(frozen=True, slots=True)
class AccountRoute:
    """One method of one address below /account, and what answers. With `fresh` an old session is not enough."""

    method: str
    path: str
    handle: Handle
    fresh: bool = False

    def __post_init__(self) -> None:
        must_be_async(self.handle, f"answers {self.method} {self.path}")


def account_get(path: str, *, fresh: bool = False) -> Callable[[Handle], AccountRoute]:
    """Makes a route, below /account, of an async function that takes an AccountVisit and returns an AccountPage."""
    return lambda handle: AccountRoute("GET", path, handle, fresh)


def account_post(path: str, *, fresh: bool = False) -> Callable[[Handle], AccountRoute]:
    """Whoever must sign in first comes back to the section's page."""
    return lambda handle: AccountRoute("POST", path, handle, fresh)


@dataclass(frozen=True, slots=True)
class AccountSection:
    """A line on the Security tab that leads to `address`. `summary` says how it stands; None leaves the line out.

    `notices` are sentences that the next page says once, by their keys. `export` is what the user's data file holds of
    it. Lower `order` is higher up.
    """

    title: str
    address: str
    summary: Callable[[AccountVisit], Awaitable[str | None]]
    routes: tuple[AccountRoute, ...] = ()
    icon: str = "shield"
    order: int = 500
    notices: Mapping[str, str] = field(default_factory=dict)
    export: Callable[[AccountVisit], Awaitable[Mapping[str, Any]]] | None = None
