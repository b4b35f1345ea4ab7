"""What every account page has around it: who is signed in, where one can go, and what was just done."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from credenza import (
    AnyRequest,
    AnyResponse,
    AuthorizationServer,
    FormPage,
    Moment,
    Parameters,
    Session,
    SignInNeeded,
    StaticFiles,
    User,
    Words,
    csrf_token,
    redirect_response,
    render,
    server_of,
    signed_in,
    signed_in_form,
)

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
STATIC = StaticFiles("/account/static", HERE / "static")
TABS = (
    (Words("Applications"), "/account", "layout-grid"),
    (Words("Sessions"), "/account/sessions", "monitor"),
    (Words("Password"), "/account/password", "lock"),
    (Words("Your data"), "/account/data", "database"),
)
# What the next page says once. Only the word travels, in a cookie: a link cannot make a page say it.
NOTICES = {
    "removed": Words("The application has no access any more."),
    "permission-removed": Words("Removed. It is gone at once."),
    "permission-allowed": Words("Allowed again."),
    "session-ended": Words("That browser is signed out."),
    "sessions-ended": Words("All other browsers are signed out."),
    "password-changed": Words("Your password is changed."),
}


@dataclass(frozen=True, slots=True)
class Tab:
    title: str
    address: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """`console` is the address of the console, for those who may go there."""

    account: str = ""
    account_name: str = ""
    tabs: tuple[Tab, ...] = ()
    stylesheet: str = ""
    console: str = ""
    sign_out: str = "/logout"
    notice: str = ""


@dataclass(kw_only=True)
class AccountPage(FormPage):
    """A page of these. `tab` is the address of the tab that it belongs to."""

    name: ClassVar[str] = "account"
    folder: ClassVar[Path | None] = TEMPLATES
    tab: ClassVar[str]
    action: str = ""
    csrf_token: str = ""
    frame: Frame = field(default_factory=Frame)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request by somebody who is signed in; `form` is what they posted."""

    request: AnyRequest
    server: AuthorizationServer
    session: Session
    user: User
    form: Parameters

    def moment(self, at: int) -> Moment:
        return Moment(at, self.server.now())


async def visit(request: AnyRequest) -> Visit:
    session, user = await signed_in(request)
    return Visit(request, server_of(request), session, user, Parameters([]))


async def posted(request: AnyRequest, page: str) -> Visit:
    """A form from the page at `page`: whoever has to sign in first comes back there, not to the form's own address."""
    try:
        session, user, form = await signed_in_form(request)
    except SignInNeeded:
        raise SignInNeeded(page) from None
    return Visit(request, server_of(request), session, user, form)


def framed(visit: Visit, tab: str, notice: str = "") -> Frame:
    return Frame(
        account=visit.user.email or visit.user.username,
        account_name=visit.user.display_name,
        tabs=tuple(Tab(title, address, icon, address == tab) for title, address, icon in TABS),
        stylesheet=STATIC.address("account.css"),
        console="/console" if visit.user.administrator and "console" in visit.server.plugins_named else "",
        notice=notice,
    )


async def show(visit: Visit, page: AccountPage) -> AnyResponse:
    cookie = visit.request.cookies.get(_notice_cookie(visit.server), "")
    page.csrf_token = csrf_token(visit.request, visit.session)
    page.frame = framed(visit, page.tab, NOTICES.get(cookie, ""))
    response = await render(visit.request, page, status=page.status)
    if cookie:
        _set_notice(visit.server, response, "", 0)
    return response


def done(visit: Visit, address: str, notice: str) -> AnyResponse:
    """Lead to the page at `address`, which then says so."""
    response = redirect_response(visit.server.settings, visit.server.issuer + address)
    _set_notice(visit.server, response, notice, 60)
    return response


def _notice_cookie(server: AuthorizationServer) -> str:
    return "__Host-credenza_account_notice" if server.settings.secure else "credenza_account_notice"


def _set_notice(server: AuthorizationServer, response: AnyResponse, notice: str, max_age: int) -> None:
    response.set_cookie(
        key=_notice_cookie(server),
        value=notice,
        max_age=max_age,
        httponly=True,
        samesite="strict",
        secure=server.settings.secure,
    )
