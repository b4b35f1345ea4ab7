"""Accounts that people create themselves: behind the switch `signup`, and only with a confirmed address."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler
from piccolo.conf.apps import AppConfig

from credenza import Cleaner, Settings, SignInLink, Words, hookimpl

from . import pages, store
from .tables import APP_CONFIG

templates = pages.TEMPLATES / "signup"
locales = pages.TEMPLATES.parent / "locales"


@hookimpl
def register_tables() -> AppConfig:
    return APP_CONFIG


@hookimpl
def register_routes(settings: Settings) -> Sequence[HTTPRouteHandler]:
    return [pages.sign_up, pages.new_account] if settings.signup else []


@hookimpl
def register_sign_in_links(settings: Settings) -> SignInLink | None:
    link = SignInLink(Words("Create an account"), pages.HERE, order=200, newcomers=True)
    return link if settings.signup else None


@hookimpl
def register_cleaners() -> Cleaner:
    return store.clean_up
