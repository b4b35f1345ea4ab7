"""The plain theme: the pages as they come."""

from __future__ import annotations

from pathlib import Path

from credenza import Theme, hookimpl


@hookimpl
def register_themes() -> Theme:
    return Theme(
        "plain", "Plain", ("plain.css",), Path(__file__).parent / "static", description="Quiet, clear, light and dark."
    )
