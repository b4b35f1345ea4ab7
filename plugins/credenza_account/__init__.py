"""The account pages: what users see of themselves, and take back. Everything at /account."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler

from credenza import ConsolePreview, hookimpl

from . import applications, data, password, sessions
from .frame import STATIC, TEMPLATES
from .preview import PREVIEW

templates = TEMPLATES / "account"  # for themes: {% extends "account:sessions.html" %}
locales = TEMPLATES.parent / "locales"


@hookimpl
def register_routes() -> Sequence[HTTPRouteHandler]:
    return [
        applications.list_applications,
        applications.show_application,
        applications.remove_application,
        applications.remove_permission,
        applications.allow_permission,
        sessions.list_sessions,
        sessions.end_session,
        sessions.end_other_sessions,
        password.show_password,
        password.save_password,
        data.show_data,
        data.download_data,
        STATIC.handler(),
    ]


@hookimpl(optionalhook=True)
def console_previews() -> ConsolePreview:
    return PREVIEW
