"""The audit log: who did what, when, from where. The list, one event, and the file to take away."""

from __future__ import annotations

from credenza import ConsolePage

from .detail import show_event
from .export import export_events
from .listing import HERE, EventRow, list_events, list_rows, wanted

PAGE = ConsolePage(
    "Audit log", HERE, (list_events, export_events, show_event), icon="scroll-text", section="Policy", order=300
)

__all__ = ["PAGE", "EventRow", "list_rows", "wanted"]
