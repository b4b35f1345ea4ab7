"""What the desired-state file says of organizations and their template, one file for each section."""

from __future__ import annotations

from . import organizations, template

SECTIONS = [template.SECTION, organizations.SECTION]
