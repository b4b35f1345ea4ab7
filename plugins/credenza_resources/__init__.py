"""API resources with their permissions, and the roles through which people and services hold them."""

from __future__ import annotations

from collections.abc import Sequence

from piccolo.conf.apps import AppConfig

from credenza import ScopeProvider, StateSection, hookimpl

from .scopes import ApiScopes, RoleScopes
from .state import SECTIONS
from .tables import APP_CONFIG


@hookimpl
def register_tables() -> AppConfig:
    return APP_CONFIG


@hookimpl
def register_scopes() -> Sequence[ScopeProvider]:
    return [ApiScopes(), RoleScopes()]


@hookimpl
def register_state() -> Sequence[StateSection]:
    return SECTIONS
