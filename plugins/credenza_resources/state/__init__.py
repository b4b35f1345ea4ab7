"""What the desired-state file says of APIs and roles, one file for each section."""

from __future__ import annotations

from . import api_resources, roles

SECTIONS = [api_resources.SECTION, roles.SECTION]
