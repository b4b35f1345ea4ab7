"""What every account page has around it: who is signed in, where one can go, and what was just done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from credenza import (
    AccountFrame,
    AccountPage,
    AccountTab,
    AccountVisit,
    AnyRequest,
    AnyResponse,
    AuthorizationServer,
    Parameters,
    SignInNeeded,
    StaticFiles,
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
    (Words("Security"), "/account/security", "shield"),
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


async def visit(request: AnyRequest, *, fresh: bool = False) -> AccountVisit:
    session, user = await signed_in(request, fresh=fresh)
    return AccountVisit(request, server_of(request), session, user, Parameters([]))


async def posted(request: AnyRequest, page: str, *, fresh: bool = False) -> AccountVisit:
    """A form from the page at `page`: whoever has to sign in first comes back there, not to the form's own address."""
    try:
        session, user, form = await signed_in_form(request, fresh=fresh)
    except SignInNeeded as error:
        raise SignInNeeded(page, error.max_age) from None
    return AccountVisit(request, server_of(request), session, user, form)


def framed(visit: AccountVisit, tab: str, notice: str = "") -> AccountFrame:
    return AccountFrame(
        account=visit.user.email or visit.user.username,
        account_name=visit.user.display_name,
        tabs=tuple(AccountTab(title, address, icon, address == tab) for title, address, icon in TABS),
        stylesheet=STATIC.address("account.css"),
        console="/console" if visit.user.administrator and "console" in visit.server.plugins_named else "",
        notice=notice,
    )


async def show(
    visit: AccountVisit, page: AccountPage, notices: Mapping[str, str] = NOTICES, session: str = ""
) -> AnyResponse:
    """`notices` are what this page may say, by the word in the cookie; `session` the new cookie, if any."""
    cookie = visit.request.cookies.get(_notice_cookie(visit.server), "")
    keyring = visit.server.keyring
    page.csrf_token = keyring.csrf_token(session) if session else csrf_token(visit.request, visit.session)
    page.frame = framed(visit, page.tab, (NOTICES | dict(notices)).get(cookie, ""))
    response = await render(visit.request, page, status=page.status)
    if cookie:
        _set_notice(visit.server, response, "", 0)
    return response


def done(visit: AccountVisit, address: str, notice: str) -> AnyResponse:
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
