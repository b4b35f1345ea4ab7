"""The account pages: what users see of themselves, and take back. Everything at /account."""

from __future__ import annotations

from collections.abc import Sequence

import pluggy
from litestar.handlers import HTTPRouteHandler

from credenza import AccountSection, ConsolePreview, collect, hookimpl

from . import applications, data, deletion, hookspecs, password, sessions
from .frame import STATIC, TEMPLATES
from .preview import PREVIEW
from .security import Sections

templates = TEMPLATES / "account"  # for themes: {% extends "account:sessions.html" %}
locales = TEMPLATES.parent / "locales"


def build_sections(manager: pluggy.PluginManager, **arguments: object) -> Sections:
    """Our own part of the Security tab and those of the other plugins."""
    return Sections([("account", password.SECTION), *collect(manager, "account_sections", AccountSection, **arguments)])


@hookimpl
def register_routes(settings: object, plugins: pluggy.PluginManager) -> Sequence[HTTPRouteHandler]:
    sections = build_sections(plugins, settings=settings)
    return [
        applications.list_applications,
        applications.show_application,
        applications.remove_application,
        applications.remove_permission,
        applications.allow_permission,
        sessions.list_sessions,
        sessions.end_session,
        sessions.end_other_sessions,
        password.change_password,
        password.show_password,
        password.save_password,
        data.show_data,
        data.download_handler(sections),
        *sections.handlers(),
        deletion.show_deletion,
        deletion.delete_account,
        STATIC.handler(),
    ]


@hookimpl(optionalhook=True)
def console_previews() -> ConsolePreview:
    return PREVIEW


__all__ = ["build_sections", "hookspecs", "register_routes", "templates"]
