"""The admin console: the first plugin. It sees what `credenza` exports and nothing below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pluggy
from litestar.handlers import HTTPRouteHandler

from credenza import (
    BrandingEditor,
    ClientSource,
    ConsolePage,
    ConsolePanel,
    ConsolePreview,
    StaticFiles,
    collect,
    hookimpl,
)

from . import (
    administrators,
    applications,
    audit_log,
    branding,
    hookspecs,
    overview,
    plugins,
    search,
    signing_keys,
    users,
    xray,
)
from .applications.branding import ApplicationBranding
from .applications.trial import TrialSource
from .branding.provider import ProviderBranding
from .console import Console

HERE = Path(__file__).parent
PAGES = (
    overview.PAGE,
    applications.PAGE,
    users.PAGE,
    xray.PAGE,
    branding.PAGE,
    signing_keys.PAGE,
    audit_log.PAGE,
    plugins.PAGE,
    administrators.PAGE,
)

templates = HERE / "templates"  # reached by other plugins' templates as "console:…"


def build_console(manager: pluggy.PluginManager, **arguments: object) -> Console:
    """The console's own pages and those of the other plugins."""
    pages = collect(manager, "console_pages", ConsolePage, **arguments)
    panels = collect(manager, "console_panels", ConsolePanel, **arguments)
    editors = [editor for _, editor in collect(manager, "console_brandings", BrandingEditor, **arguments)]
    previews = [preview for _, preview in collect(manager, "console_previews", ConsolePreview, **arguments)]
    own = [("console", page) for page in PAGES]
    static = StaticFiles("/console/static", HERE / "static")
    brandings = branding.routes([ProviderBranding(), ApplicationBranding(), *editors], previews)
    return Console([*own, *pages], panels, static, extra=[*search.searching([*own, *pages]).routes(), *brandings])


@hookimpl
def register_client_sources() -> ClientSource:
    return TrialSource()


@hookimpl
def register_routes(settings: object, plugins: pluggy.PluginManager) -> Sequence[HTTPRouteHandler]:
    return build_console(plugins, settings=settings).handlers()


__all__ = ["PAGES", "build_console", "hookspecs", "register_routes", "templates"]
