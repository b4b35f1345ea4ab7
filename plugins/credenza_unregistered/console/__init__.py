"""The plugin's part of the admin console: an inbox of unknown applications, by host."""

from __future__ import annotations

from credenza import ConsolePage

from . import host, inbox
from .addresses import HERE
from .panel import PANELS

PAGE = ConsolePage(
    "Unknown applications",
    HERE,
    icon="globe",
    order=150,
    routes=(
        inbox.show_waiting,
        inbox.show_allowed,
        inbox.show_blocked,
        inbox.show_permissions,
        inbox.save_permissions,
        host.show_host,
        host.show_allow,
        host.allow,
        host.show_block,
        host.block,
        host.reconsider,
    ),
)

__all__ = ["PAGE", "PANELS"]
