"""Organizations: one template of roles and permissions, members with roles in each, and tokens for one of them."""

from __future__ import annotations

from collections.abc import Sequence

from piccolo.conf.apps import AppConfig

from credenza import ScopeProvider, StateSection, hookimpl

from .scopes import MembershipScopes, OrganizationApiScopes, OrganizationScopes
from .state import SECTIONS
from .tables import APP_CONFIG


@hookimpl
def register_tables() -> AppConfig:
    return APP_CONFIG


@hookimpl
def register_scopes() -> Sequence[ScopeProvider]:
    return [MembershipScopes(), OrganizationScopes(), OrganizationApiScopes()]


@hookimpl
def register_state() -> Sequence[StateSection]:
    return SECTIONS
