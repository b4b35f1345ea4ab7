"""The console's own hooks. A plugin marks them `@hookimpl(optionalhook=True)`, so that it needs no console."""

from __future__ import annotations

from collections.abc import Sequence

from credenza import BrandingEditor, ConsolePage, ConsolePanel, ConsolePreview, Settings, hookspec


@hookspec
def console_pages(settings: Settings) -> ConsolePage | Sequence[ConsolePage]:
    """Pages for the menu, with their routes. Called once, at the start; the console guards every route."""
    raise NotImplementedError


@hookspec
def console_panels(settings: Settings) -> ConsolePanel | Sequence[ConsolePanel]:
    """Panels on the page of an application or a user. Called once, at the start; `show` is called for each page.

    A panel that raises or takes too long is named in the log with its plugin, and its place on the page says so.
    """
    raise NotImplementedError


@hookspec
def console_brandings(settings: Settings) -> BrandingEditor | Sequence[BrandingEditor]:
    """Who else shows themselves on users' pages. Called once, at the start; the console edits it."""
    raise NotImplementedError


@hookspec
def console_previews(settings: Settings) -> ConsolePreview | Sequence[ConsolePreview]:
    """Pages of users for the live preview. Called once, at the start; `show` is called for each preview."""
    raise NotImplementedError
