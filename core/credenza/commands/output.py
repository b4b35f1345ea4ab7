"""What the subcommands print."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def print_line(text: str = "") -> None:
    sys.stdout.write(text + "\n")


def print_progress(text: str) -> None:
    """Beside the output, at once."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
