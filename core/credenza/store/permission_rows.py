"""Rows that name a permission, in several tables: what is enabled on clients, and what users answered."""

from __future__ import annotations

from typing import Any


def concerning(row: Any, source: str, resource: str, scope: str) -> list[Any]:
    """What is true of rows about something at a resource; an empty `source` or `scope` is each."""
    named = [value == wanted for value, wanted in ((row.source, source), (row.scope, scope)) if wanted]
    return [row.resource == resource, *named]
