"""Rows that name a permission, in several tables: what is enabled on clients, and what users answered."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import Any


def concerning(row: Any, source: str, resource: str, scope: str) -> Any:
    """What is true of rows about something at a resource; an empty `source` or `scope` is each."""
    named = [value == wanted for value, wanted in ((row.source, source), (row.scope, scope)) if wanted]
    return reduce(and_, named, row.resource == resource)
