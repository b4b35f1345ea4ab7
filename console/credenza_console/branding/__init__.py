"""Branding: of the provider, of an application, and of whatever plugins bring, on one kind of page."""

from __future__ import annotations

from collections.abc import Sequence

from credenza import BrandingEditor, ConsolePage, ConsolePreview, ConsoleRoute

from . import provider
from .desk import Desk

PAGE = ConsolePage("Branding", provider.HERE, (), icon="palette", section="Policy", order=100)


def routes(editors: Sequence[BrandingEditor], previews: Sequence[ConsolePreview]) -> list[ConsoleRoute]:
    return [route for editor in editors for route in Desk(editor, previews).routes()]


__all__ = ["PAGE", "provider", "routes"]
