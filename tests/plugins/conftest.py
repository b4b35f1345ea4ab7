"""The examples of the documentation, importable as they would be when installed."""

from __future__ import annotations

import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "docs" / "plugins" / "examples"
sys.path.insert(0, str(EXAMPLES))
