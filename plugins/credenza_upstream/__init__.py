"""Signing in with an account at another OpenID Provider, linked by its issuer and subject and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler
from piccolo.conf.apps import AppConfig

from credenza import AccountSection, Authenticator, Cleaner, ConsolePage, ScopeProvider, StateSection, hookimpl

from . import account, console, pages, store
from .scopes import IdentityScopes
from .state import SECTION
from .tables import APP_CONFIG
from .ways import Upstreams

templates = pages.TEMPLATES / "upstream"
locales = pages.TEMPLATES.parent / "locales"


@hookimpl
def register_tables() -> AppConfig:
    return APP_CONFIG


@hookimpl
def register_authenticators() -> Authenticator:
    return Upstreams()


@hookimpl
def register_scopes() -> ScopeProvider:
    return IdentityScopes()


@hookimpl
def register_state() -> StateSection:
    return SECTION


@hookimpl
def register_routes() -> Sequence[HTTPRouteHandler]:
    return [pages.callback, pages.begin]


@hookimpl
def register_cleaners() -> Cleaner:
    return store.clean_up


@hookimpl(optionalhook=True)
def console_pages() -> ConsolePage:
    return console.PAGE


@hookimpl(optionalhook=True)
def account_sections() -> AccountSection:
    return account.SECTION
