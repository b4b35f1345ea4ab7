"""The paper theme: a letterhead. Serif type, square corners, ink and oxblood by day, lamplight by night."""

from __future__ import annotations

from pathlib import Path

from credenza import Theme, hookimpl

HERE = Path(__file__).parent


@hookimpl
def register_themes() -> Theme:
    return Theme(
        "paper",
        "Paper",
        ("paper.css",),
        HERE / "static",
        HERE / "templates",
        description="A letterhead in serif type: warm, square and unhurried.",
    )
