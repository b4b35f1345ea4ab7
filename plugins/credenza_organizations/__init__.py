"""Organizations: one template of roles and permissions, members with roles in each, and tokens for one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from litestar.handlers import HTTPRouteHandler
from piccolo.conf.apps import AppConfig

from credenza import (
    BrandingEditor,
    Cleaner,
    ConsolePage,
    ConsolePanel,
    ConsolePreview,
    ScopeProvider,
    StateSection,
    hookimpl,
)

from .console import EDITOR, JOIN_PREVIEW, PAGES, PANELS
from .invitations import clean_up_invitations
from .joining import join
from .scopes import MembershipScopes, OrganizationApiScopes, OrganizationScopes
from .state import SECTIONS
from .tables import APP_CONFIG

locales = Path(__file__).parent / "locales"


@hookimpl
def register_tables() -> AppConfig:
    return APP_CONFIG


@hookimpl
def register_scopes() -> Sequence[ScopeProvider]:
    return [MembershipScopes(), OrganizationScopes(), OrganizationApiScopes()]


@hookimpl
def register_state() -> Sequence[StateSection]:
    return SECTIONS


@hookimpl
def register_routes() -> Sequence[HTTPRouteHandler]:
    return [join]


@hookimpl
def register_cleaners() -> Cleaner:
    return clean_up_invitations


@hookimpl(optionalhook=True)
def console_pages() -> Sequence[ConsolePage]:
    return PAGES


@hookimpl(optionalhook=True)
def console_panels() -> Sequence[ConsolePanel]:
    return PANELS


@hookimpl(optionalhook=True)
def console_brandings() -> BrandingEditor:
    return EDITOR


@hookimpl(optionalhook=True)
def console_previews() -> ConsolePreview:
    return JOIN_PREVIEW
