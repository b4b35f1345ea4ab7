"""API resources with their permissions, and the roles through which people and services hold them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from piccolo.conf.apps import AppConfig

from credenza import ConsolePage, ConsolePanel, Listener, ObjectChanged, ScopeProvider, StateSection, hookimpl

from .console import PAGES, PANELS
from .scopes import ApiScopes, RoleScopes
from .state import SECTIONS
from .store import give_default_roles
from .tables import APP_CONFIG

locales = Path(__file__).parent / "locales"


@hookimpl
def register_tables() -> AppConfig:
    return APP_CONFIG


@hookimpl
def register_scopes() -> Sequence[ScopeProvider]:
    return [ApiScopes(), RoleScopes()]


@hookimpl
def register_state() -> Sequence[StateSection]:
    return SECTIONS


@hookimpl
def register_listeners() -> Listener:
    return on_event


async def on_event(event: ObjectChanged) -> None:
    """Somebody whom an administrator created gets the default roles; the desired-state file gives roles itself."""
    if (event.kind, event.action) != ("user", "created"):
        return
    if event.user and event.actor != "desired state":
        await give_default_roles(event.user)


@hookimpl(optionalhook=True)
def console_pages() -> Sequence[ConsolePage]:
    return PAGES


@hookimpl(optionalhook=True)
def console_panels() -> Sequence[ConsolePanel]:
    return PANELS
