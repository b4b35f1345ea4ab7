"""Piccolo imports black, which only its command for writing migrations calls: a server leaves it on the disk."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class Later(ModuleType):
    """Stands for a module until somebody wants something of it."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def leave_out(name: str = "black") -> None:
    """Before Piccolo is imported; nothing happens when the module is there already."""
    if name not in sys.modules:
        later = Later(name)
        later.__spec__ = find_spec(name)
        sys.modules[name] = later
