"""Mail: a queue to an SMTP server, and what needs it: password reset, confirmed addresses, notices of changes.

Without `smtp_url` there is none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from litestar.handlers import HTTPRouteHandler
from piccolo.conf.apps import AppConfig

from credenza import (
    AccountSection,
    AuthorizationServer,
    Cleaner,
    Listener,
    Mailer,
    Settings,
    SignInLink,
    Words,
    hookimpl,
)

from . import addresses, notices, reset
from .mailer import TEMPLATES, SmtpMailer, tend
from .tables import APP_CONFIG

templates = TEMPLATES / "mail"
locales = TEMPLATES.parent / "locales"


@hookimpl
def register_tables() -> AppConfig:
    return APP_CONFIG


@hookimpl
def register_mailers(settings: Settings) -> Mailer | None:
    return SmtpMailer(settings) if settings.smtp_url else None


@hookimpl
def register_listeners(settings: Settings, server: AuthorizationServer) -> Listener | None:
    return notices.listener(server) if settings.smtp_url else None


@hookimpl
def register_cleaners(server: AuthorizationServer) -> Cleaner:
    return partial(tend, server)


@hookimpl
def register_sign_in_links(settings: Settings) -> SignInLink | None:
    return SignInLink(Words("Forgot your password?"), reset.HERE, order=100) if settings.smtp_url else None


@hookimpl
def register_routes(settings: Settings) -> Sequence[HTTPRouteHandler]:
    return [reset.password_reset, addresses.confirm] if settings.smtp_url else []


@hookimpl(optionalhook=True)
def account_sections(settings: Settings) -> AccountSection | None:
    return addresses.SECTION if settings.smtp_url else None
