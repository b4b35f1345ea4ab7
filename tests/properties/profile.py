"""How much is tried: little and always the same in the suite, much and always something else in `make fuzz`.

`CREDENZA_FUZZ` is how many examples each property gets.
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

FUZZ = int(os.environ.get("CREDENZA_FUZZ") or 0)
FOUND = Path(__file__).parents[2] / "build/fuzz"  # what failed is tried first in the next run


def profile(examples: int, **changes: object) -> settings:
    """`examples` in the suite."""
    return settings(
        max_examples=FUZZ or examples,
        derandomize=not FUZZ,
        database=DirectoryBasedExampleDatabase(FOUND) if FUZZ else None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        **changes,  # type: ignore[arg-type]
    )
