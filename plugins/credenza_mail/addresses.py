"""The user's email address: confirmed, or changed, by a link that is sent to it. OWASP ASVS V6.3.7, V7.5.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from litestar import route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from credenza import (
    AccountDone,
    AccountPage,
    AccountSection,
    AccountVisit,
    AnyRequest,
    AnyResponse,
    EmailChanged,
    ErrorPage,
    FormPage,
    Limiter,
    Mail,
    Rule,
    SignInNeeded,
    User,
    UserRow,
    Words,
    account_get,
    account_post,
    address_of,
    alone,
    as_identifier,
    choose_language,
    csrf_token,
    digest_secret,
    email_mistake,
    is_token,
    new_token,
    render,
    server_of,
    sessions,
    signed_in,
    signed_in_form,
    transaction,
    users,
)

from .mailer import TEMPLATES
from .tables import ConfirmationRow

HERE = "/account/security/email"
LIFETIME = 24 * 3600  # seconds
PER_USER = Rule("confirmation mails by user", burst=5, seconds=3600)


@dataclass(kw_only=True)
class EmailPage(AccountPage):
    template: ClassVar[str] = "mail/email.html"
    folder: ClassVar[Path | None] = TEMPLATES
    email: str
    verified: bool
    typed: str = ""


@dataclass(kw_only=True)
class ConfirmPage(FormPage):
    """Asks for a click: mail programs open links by themselves."""

    template: ClassVar[str] = "mail/confirm.html"
    name: ClassVar[str] = "account"
    folder: ClassVar[Path | None] = TEMPLATES
    email: str
    account: str


@account_get(HERE)
async def show_email(visit: AccountVisit) -> EmailPage:
    return _page(visit)


@account_post(HERE, fresh=True)
async def send_confirmation(visit: AccountVisit) -> AccountDone | EmailPage:
    """The address of somebody else's account gets a mail that says so, and the page says the same."""
    email = as_identifier(visit.form.get("email", ""))
    limiter: Limiter = visit.request.app.state.limiter
    if not email or email_mistake(email):
        return _page(visit, message=Words("This is not an email address."), typed=email[:320])
    if email == visit.user.email and visit.user.email_verified:
        return _page(visit, message=Words("This is your address already, and it is confirmed."), typed=email)
    if not await limiter.allow((PER_USER, visit.user.id)):
        page = _page(visit, message=Words("Too many emails were requested. Wait an hour and try again."), typed=email)
        page.status = 429
        return page
    visit.server.spawn(_send(visit, email, choose_language(visit.request).tag))
    return AccountDone(HERE, "confirmation-sent")


async def _send(visit: AccountVisit, email: str, language: str) -> None:
    """Without the name of the account: until the address is confirmed the reader may be anybody, and would take for
    ours whatever somebody calls themselves.
    """
    server, user = visit.server, visit.user
    if server.mailer is None:
        return
    provider = (await server.provider_branding()).display_name
    subject = Words("Your email address at %(provider)s", provider=provider)
    if await taken(email, user):
        lines = (
            Words("Somebody asked to use this address for another account. It stays with yours, nothing is changed."),
        )
        await server.send_mail(Mail(to=email, subject=subject, lines=lines, language=language))
        return
    token, c = new_token("confirmation"), ConfirmationRow
    async with transaction():
        await c.delete().where(c.user == user.id)
        await c.insert(c(id=digest_secret(token), user=user.id, email=email, expires_at=server.now() + LIFETIME))
        await server.send_mail(
            Mail(
                to=email,
                subject=subject,
                lines=(
                    Words("Please confirm that this is your address. It then becomes the address of your account."),
                    Words("If you did not ask for this, ignore this email."),
                ),
                link=(Words("Confirm the address"), f"{server.issuer}/email-confirmation/{token}"),
                language=language,
            )
        )


async def taken(email: str, user: User) -> bool:
    """Whether another account has this address, or a user name like it.

    Of several who have it, as an administrator said, whoever reads what is sent there may confirm it first.
    """
    if email == user.email:
        return await users.find_confirmed_owner(email, user.id) is not None
    u = UserRow
    same = (u.email == email) | (u.username == email)
    return bool(await u.exists().where(same & (u.id != user.id)))


@route(
    "/email-confirmation/{token:str}",
    http_method=[HttpMethod.GET, HttpMethod.POST],
    status_code=200,
    name="email confirmation",
)
async def confirm(request: AnyRequest, token: FromPath[str]) -> AnyResponse:
    """For whoever asked, signed in; in another account the link does nothing."""
    server, c = server_of(request), ConfirmationRow
    if request.method == "POST":
        session, user, _ = await signed_in_form(request)
    else:
        session, user = await signed_in(request)
    mine = (c.id == digest_secret(token)) & (c.user == user.id) & (c.expires_at > server.now())
    row = await c.select().where(mine).first() if is_token(token, "confirmation") else None
    if row is None or await taken(row["email"], user):
        return await _gone(request)
    if request.method == "GET":
        page = ConfirmPage(
            title=Words("Confirm your email address"),
            action=f"/email-confirmation/{token}",
            csrf_token=csrf_token(request, session),
            email=row["email"],
            account=user.email or user.username,
        )
        return await render(request, page)
    async with alone():  # or of two who confirm one address at this moment each has it
        if not await sessions.hold_signed_in(session):
            raise SignInNeeded(f"/email-confirmation/{token}")
        if await taken(row["email"], user) or not await c.delete().where(mine).returning(c.id):
            return await _gone(request)
        changed = replace(user, email=row["email"], email_verified=True, updated_at=server.now())
        await users.edit_user(changed, ("email", "email_verified", "updated_at"))
        await server.emit(
            EmailChanged(
                actor=user.id, user=user.id, address=address_of(request), before=user.email or "", after=row["email"]
            )
        )
    return await render(
        request,
        ConfirmPage(
            title=Words("Your email address is confirmed"), action="", csrf_token="", email=row["email"], account=""
        ),
    )


async def _gone(request: AnyRequest) -> AnyResponse:
    heading = Words("This link does not work")
    page = ErrorPage(
        title=heading,
        code="confirmation_expired",
        heading=heading,
        description=Words("It was used before, is too old, or belongs to another account. Ask for a new one."),
        links=((Words("Email address"), HERE),),
    )
    return await render(request, page, status=404)


def _page(visit: AccountVisit, *, message: str = "", typed: str = "") -> EmailPage:
    return EmailPage(
        title=Words("Email address"),
        action=HERE,
        email=visit.user.email or "",
        verified=visit.user.email_verified,
        message=message,
        status=422 if message else 200,
        typed=typed,
    )


async def summary(visit: AccountVisit) -> str:
    if not visit.user.email:
        return Words("None yet")
    confirmed = Words("confirmed") if visit.user.email_verified else Words("not confirmed")
    return Words("%(email)s · %(state)s", email=visit.user.email, state=confirmed)


async def export(visit: AccountVisit) -> Mapping[str, Any]:
    c = ConfirmationRow
    rows = await c.select(c.email).where((c.user == visit.user.id) & (c.expires_at > visit.server.now()))
    return {"waiting_for_confirmation": [row["email"] for row in rows]}


SECTION = AccountSection(
    Words("Email address"),
    HERE,
    summary,
    routes=(show_email, send_confirmation),
    icon="mail",
    order=600,
    notices={"confirmation-sent": Words("Check your email: a link is on its way to that address.")},
    export=export,
)
