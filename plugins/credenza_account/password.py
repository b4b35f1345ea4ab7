"""A new password for who knows the old one. NIST SP 800-63B §3.1.1, OWASP ASVS V6.2.3, V7.4.3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from litestar import get, post

from credenza import (
    AccountPage,
    AccountSection,
    AccountVisit,
    AnyRequest,
    AnyResponse,
    Authentication,
    Parameters,
    Passwords,
    Words,
    address_of,
    end_most_sessions,
    errors,
    password_refusal,
    redirect_response,
    server_of,
    set_password,
    set_session_cookie,
    transaction,
)

from .frame import TEMPLATES, done, posted, show, visit

HERE = "/account/password"


@dataclass(kw_only=True)
class PasswordPage(AccountPage):
    """`wrong` names the field that `message` is about. Without `usable` the account has no password to change."""

    folder: ClassVar[Path | None] = TEMPLATES
    template: ClassVar[str] = "account/password.html"
    username: str
    usable: bool
    minimum: int
    wrong: str = ""
    end_others: bool = True


class Refused(Exception):
    """One field is not right: which, and why."""

    def __init__(self, field: str, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.field, self.message, self.status = field, message, status


@get("/.well-known/change-password", name="change password")
async def change_password(request: AnyRequest) -> AnyResponse:
    """Where password managers send people. A Well-Known URL for Changing Passwords §3."""
    server = server_of(request)
    return redirect_response(server.settings, server.issuer + HERE)


@get(HERE, name="account password")
async def show_password(request: AnyRequest) -> AnyResponse:
    here = await visit(request)
    return await show(here, _page(here))


@post(HERE, status_code=200, name="save account password")
async def save_password(request: AnyRequest) -> AnyResponse:
    here = await posted(request, HERE)
    page = _page(here)
    page.end_others = "end_others" in here.form
    try:
        await _check_current(here)
        await _check_new(here)
    except Refused as refused:
        page.wrong, page.message, page.status = refused.field, refused.message, refused.status
        return await show(here, page)
    passwords: Passwords = request.app.state.passwords
    stored = await passwords.hash(here.form["password"])
    if page.end_others:
        await end_most_sessions(here.server, here.user.id, but=here.session.id)
    async with transaction():
        await set_password(
            here.server,
            here.user,
            stored,
            through="account",
            address=address_of(request),
            keep=here.session.id,
            sign_out=page.end_others,
        )
        # The cookie changes too, or whoever copied it would stay. OWASP ASVS V7.2.4.
        cookie = await here.renew_session()
    response = done(here, HERE, "password-changed")
    set_session_cookie(response, here.server.settings, cookie)
    return response


def _page(here: AccountVisit) -> PasswordPage:
    return PasswordPage(
        title=Words("Password"),
        action=HERE,
        username=here.user.username,
        usable=here.user.password_hash is not None and "password" in here.server.authenticators,
        minimum=here.server.settings.password_min_length,
    )


async def _check_current(here: AccountVisit) -> None:
    authenticator = here.server.authenticators.get("password")
    if authenticator is None or here.user.password_hash is None:
        raise Refused("current", Words("This account has no password."))
    fields = Parameters([("identifier", here.user.username), ("password", here.form.get("current", ""))])
    try:
        answer = await here.prove_again(authenticator, fields)
    except (errors.TooManyTries, errors.TemporarilyUnavailable) as error:
        raise Refused("current", error.text, error.status) from error
    if not isinstance(answer, Authentication) or answer.user.id != here.user.id:
        raise Refused("current", Words("This is not your current password."))


async def _check_new(here: AccountVisit) -> None:
    user = here.user
    field, message = await password_refusal(here.server, here.form, user.username, user.display_name, user.email or "")
    if message:
        raise Refused(field, message)
    if here.form["password"] == here.form.get("current"):
        raise Refused("password", Words("This is the password that you have now."))


async def summary(here: AccountVisit) -> str | None:
    if "password" not in here.server.authenticators:
        return None
    changed = here.user.password_changed_at
    if here.user.password_hash is None:
        return Words("You sign in without one")
    return Words("Set %(when)s", when=here.moment(changed).relative) if changed else Words("Set")


SECTION = AccountSection(Words("Password"), HERE, summary, icon="lock", order=100)
