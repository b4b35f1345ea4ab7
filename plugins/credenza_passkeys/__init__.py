"""Passkeys: signing in with what a device keeps and its owner unlocks. WebAuthn Level 3."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler
from piccolo.conf.apps import AppConfig

from credenza import AccountSection, Authenticator, SecondFactor, Settings, hookimpl

from .account import SECTION, TEMPLATES
from .ceremonies import possible
from .tables import APP_CONFIG
from .ways import STATIC, PasskeyAuthenticator, PasskeyFactor

templates = TEMPLATES / "passkeys"
locales = TEMPLATES.parent / "locales"


@hookimpl
def register_tables() -> AppConfig:
    return APP_CONFIG


@hookimpl
def register_authenticators(settings: Settings) -> Authenticator | None:
    return PasskeyAuthenticator() if possible(settings.issuer) else None


@hookimpl
def register_second_factors(settings: Settings) -> SecondFactor | None:
    return PasskeyFactor() if possible(settings.issuer) else None


@hookimpl
def register_routes() -> HTTPRouteHandler:
    return STATIC.handler()


@hookimpl(optionalhook=True)
def account_sections(settings: Settings) -> AccountSection | None:
    return SECTION if possible(settings.issuer) else None
