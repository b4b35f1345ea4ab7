"""Creating an account: an address, a link that is mailed to it, a password. OWASP ASVS V6.2, V6.3.8.

Whoever asks is told the same whether the address has an account or not; the mail tells its owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlencode

from litestar import route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from credenza import (
    AnyRequest,
    AnyResponse,
    AuthorizationServer,
    ErrorPage,
    FormPage,
    Limiter,
    Mail,
    ObjectChanged,
    Parameters,
    Passwords,
    Rule,
    User,
    Words,
    address_of,
    alone,
    as_identifier,
    choose_language,
    email_mistake,
    follow_languages,
    is_token,
    name_mistake,
    neighbourhood,
    password_refusal,
    query_parameters,
    render,
    server_of,
    sign_in_with_new,
    transaction,
    users,
    visitor_of,
    way_on,
)

from . import store

HERE = "/signup"
TEMPLATES = Path(__file__).parent / "templates"
LIFETIME = 24 * 3600  # seconds
PER_ADDRESS = Rule("sign-up by address", burst=10, seconds=3600)
PER_EMAIL = Rule("sign-up by email", burst=3, seconds=3600)


@dataclass(kw_only=True)
class SignupPage(FormPage):
    """Asks for an email address; when it is `done`, it says the same for every address."""

    template: ClassVar[str] = "signup/signup.html"
    name: ClassVar[str] = "sign-up"
    folder: ClassVar[Path | None] = TEMPLATES
    email: str = ""
    done: bool = False
    back: str = "/"


@dataclass(kw_only=True)
class NewAccountPage(FormPage):
    """Asks for what an account needs, once its address is confirmed. `message` is about the input `wrong`."""

    template: ClassVar[str] = "signup/account.html"
    name: ClassVar[str] = "sign-up"
    folder: ClassVar[Path | None] = TEMPLATES
    email: str
    full_name: str = ""
    minimum: int = 15
    wrong: str = ""


@route(HERE, http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200, name="sign up")
async def sign_up(request: AnyRequest) -> AnyResponse:
    visitor, after = visitor_of(request), _after(request)
    await follow_languages(request, query_parameters(request).get("continue", ""))
    page = SignupPage(
        title=Words("Create an account"), action=HERE + after, csrf_token=visitor.csrf_token, back=_back(request)
    )
    if request.method == "POST":
        form = await visitor.form()
        page.email = form.get("email", "").strip()[:320]
        await _submit(request, page, after)
    return visitor.known(await render(request, page, status=page.status))


async def _submit(request: AnyRequest, page: SignupPage, after: str) -> None:
    """Nothing is looked up before the answer is on its way."""
    server, email = server_of(request), as_identifier(page.email)
    limiter: Limiter = request.app.state.limiter
    if not email or email_mistake(email):
        page.message, page.status = Words("This is not an email address."), 422
        return
    if not await limiter.allow((PER_ADDRESS, neighbourhood(address_of(request)))):
        page.message, page.status = Words("Too many tries. Wait a few minutes and try again."), 429
        return
    page.done = True
    if await limiter.allow((PER_EMAIL, server.keyring.keyed_name(email))):
        server.spawn(_send(server, email, choose_language(request).tag, after))


async def _send(server: AuthorizationServer, email: str, language: str, after: str) -> None:
    if server.mailer is None:
        return
    provider = (await server.provider_branding()).display_name
    subject = Words("Your account at %(provider)s", provider=provider)
    async with transaction():
        if await store.taken(email):
            lines = (
                Words("Somebody, hopefully you, wanted to create an account with this address. You have one already."),
                Words("Sign in with it, or choose a new password if you forgot yours."),
            )
            link = (Words("Choose a new password"), f"{server.issuer}/password-reset")
        else:
            token = await store.begin(email, server.now() + LIFETIME)
            lines = (
                Words(
                    "Somebody, hopefully you, wants to create an account with this address. Use this link to continue."
                ),
                Words("It works once, within one day. If you did not ask for this, ignore this email."),
            )
            link = (Words("Create an account"), f"{server.issuer}{HERE}/{token}{after}")
        await server.send_mail(Mail(to=email, subject=subject, lines=lines, link=link, language=language))


@route(HERE + "/{token:str}", http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200, name="new account")
async def new_account(request: AnyRequest, token: FromPath[str]) -> AnyResponse:
    server, visitor = server_of(request), visitor_of(request)
    await follow_languages(request, query_parameters(request).get("continue", ""))
    email = await store.address_of_link(token, server.now()) if is_token(token, "confirmation") else None
    if email is None or await store.taken(email):
        return await _gone(request)
    page = NewAccountPage(
        title=Words("Create an account"),
        action=f"{HERE}/{token}{_after(request)}",
        csrf_token=visitor.csrf_token,
        email=email,
        minimum=server.settings.password_min_length,
    )
    if request.method == "POST":
        form = await visitor.form()
        page.full_name = form.get("name", "").strip()[:200]
        page.wrong, page.message = await _create(request, token, email, page.full_name, form)
        if not page.message:
            return await sign_in_with_new(request, query_parameters(request).get("continue", ""), email)
        page.status = 422
    return visitor.known(await render(request, page, status=page.status))


async def _create(request: AnyRequest, token: str, email: str, name: str, form: Parameters) -> tuple[str, str]:
    """Which input is wrong and what, in a sentence; a refused answer leaves the link unused."""
    server = server_of(request)
    if message := name_mistake(name, 200):
        return "name", message
    wrong, message = await password_refusal(server, form, email, name)
    if message:
        return wrong, message
    passwords: Passwords = request.app.state.passwords
    stored = await passwords.hash(form["password"])
    now = server.now()
    user = User(
        users.new_user_id(),
        store.new_username(email),
        email,
        email_verified=True,
        profile={"locale": choose_language(request).tag} | ({"name": name} if name else {}),
        password_hash=stored,
        password_changed_at=now,
        created_at=now,
        updated_at=now,
    )
    async with alone():  # or of two who confirm one address at this moment each has it
        if await store.spend_link(token, now) is None or await store.taken(email):
            return "", Words("This link was used before.")
        await users.insert_user(user)
        await server.emit(
            ObjectChanged(
                actor=user.id,
                user=user.id,
                target=user.username,
                address=address_of(request),
                kind="user",
                action="created",
                after={"username": user.username, "email": email},
            )
        )
    return "", ""


def _back(request: AnyRequest) -> str:
    return way_on(query_parameters(request).get("continue", ""))


def _after(request: AnyRequest) -> str:
    """The sign-in that waits, to be handed on from page to page."""
    token = query_parameters(request).get("continue", "")
    return f"?{urlencode({'continue': token})}" if is_token(token, "interaction") else ""


async def _gone(request: AnyRequest) -> AnyResponse:
    heading = Words("This link does not work")
    page = ErrorPage(
        title=heading,
        code="signup_expired",
        heading=heading,
        description=Words("It was used before or is too old. Start again."),
        links=((Words("Create an account"), HERE + _after(request)), (Words("Sign in"), _back(request))),
    )
    return await render(request, page, status=404)
