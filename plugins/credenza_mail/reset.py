""" "Forgot your password?": a link by mail, and the same answer for everybody. OWASP ASVS V6.4.3; SP 800-63B §4.2."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlencode

from litestar import route
from litestar.enums import HttpMethod

from credenza import (
    AnyRequest,
    AnyResponse,
    AuthorizationServer,
    FormPage,
    Limiter,
    Mail,
    Rule,
    Words,
    address_of,
    as_identifier,
    choose_language,
    follow_languages,
    invite,
    is_token,
    neighbourhood,
    query_parameters,
    render,
    server_of,
    transaction,
    users,
    visitor_of,
    way_on,
)

from .mailer import TEMPLATES, greeting

HERE = "/password-reset"
LIFETIME = 30 * 60  # seconds
PER_ADDRESS = Rule("password reset by address", burst=20, seconds=3600)
PER_ACCOUNT = Rule("password reset by account", burst=3, seconds=3600)


@dataclass(kw_only=True)
class ResetPage(FormPage):
    """Asks for the account; when it is `done`, it says the same whether there is one or not."""

    template: ClassVar[str] = "mail/reset.html"
    name: ClassVar[str] = "password-reset"
    folder: ClassVar[Path | None] = TEMPLATES
    identifier: str = ""
    done: bool = False
    back: str = "/"


@route(HERE, http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200, name="password reset")
async def password_reset(request: AnyRequest) -> AnyResponse:
    server, visitor = server_of(request), visitor_of(request)
    after = query_parameters(request).get("continue", "")
    after = after if is_token(after, "interaction") else ""
    await follow_languages(request, after)
    page = ResetPage(
        title=Words("Forgot your password?"),
        action=HERE + (f"?{urlencode({'continue': after})}" if after else ""),
        csrf_token=visitor.csrf_token,
        back=way_on(after),
    )
    if request.method == "POST":
        form = await visitor.form()
        page.identifier = form.get("identifier", "").strip()[:320]
        await _submit(request, server, page, after)
    return visitor.known(await render(request, page, status=page.status))


async def _submit(request: AnyRequest, server: AuthorizationServer, page: ResetPage, after: str) -> None:
    """Nothing is looked up before the answer is on its way, so it can tell nothing, not even by its time."""
    limiter: Limiter = request.app.state.limiter
    if not page.identifier:
        page.message, page.status = Words("Enter your username or your email address."), 422
        return
    if not await limiter.allow((PER_ADDRESS, neighbourhood(address_of(request)))):
        page.message, page.status = Words("Too many tries. Wait a few minutes and try again."), 429
        return
    page.done = True
    account = server.keyring.keyed_name(as_identifier(page.identifier))
    if await limiter.allow((PER_ACCOUNT, account)):
        server.spawn(_send(server, page.identifier, choose_language(request).tag, after))


async def _send(server: AuthorizationServer, identifier: str, language: str, after: str) -> None:
    """Once the answer is gone: what is done here would otherwise delay it, and only where there is an account."""
    await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311  # jitter is no secret
    user = await users.find_user_signing_in(identifier)
    if user is None or user.suspended or not user.email or server.mailer is None:
        return
    provider = (await server.provider_branding()).display_name
    async with transaction():
        link = await invite(server, purpose="reset", user_id=user.id, lifetime=LIFETIME)
        await server.send_mail(
            Mail(
                to=user.email,
                subject=Words("Your password at %(provider)s", provider=provider),
                lines=(
                    *greeting(user, user.email),
                    Words("Somebody, hopefully you, asked for a new password. Use this link to choose it."),
                    Words(
                        "It works once, within half an hour. "
                        "If you did not ask for this, ignore this email: your password stays the same."
                    ),
                ),
                link=(Words("Choose a new password"), link + (f"?{urlencode({'continue': after})}" if after else "")),
                language=language,
            )
        )
