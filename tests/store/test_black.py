"""What a server never calls is not in its memory, and there all the same for whoever calls it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import credenza.app
assert "blib2to3" not in sys.modules, "black is in memory"
from importlib.util import find_spec
assert find_spec("black").name == "black"
from piccolo.conf import apps
assert apps.black.format_str("x = {'a':1}", mode=apps.black.FileMode()) == 'x = {"a": 1}\\n'
import black, black.mode
assert black.FileMode is apps.black.FileMode
"""


def test_black_is_read_when_somebody_formats_with_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
