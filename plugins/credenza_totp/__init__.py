"""A second step after the password: authenticator apps (RFC 6238), and recovery codes for when they are lost."""

from __future__ import annotations

from collections.abc import Sequence

from piccolo.conf.apps import AppConfig

from credenza import AccountSection, SecondFactor, hookimpl

from .account import SECTION
from .factors import TEMPLATES, AuthenticatorApp, RecoveryCode
from .tables import APP_CONFIG

templates = TEMPLATES / "totp"
locales = TEMPLATES.parent / "locales"


@hookimpl
def register_tables() -> AppConfig:
    return APP_CONFIG


@hookimpl
def register_second_factors() -> Sequence[SecondFactor]:
    return [AuthenticatorApp(), RecoveryCode()]


@hookimpl(optionalhook=True)
def account_sections() -> AccountSection:
    return SECTION
