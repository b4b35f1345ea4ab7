"""Administrators' roles: what `User.administrator` may name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AdministratorRole:
    """What an administrator may do, in words; the console decides by `name`."""

    name: str
    title: str
    description: str


ADMINISTRATOR_ROLES = {
    role.name: role
    for role in (
        AdministratorRole("full", "Full", "Sees and changes everything, administrators included."),
        AdministratorRole("applications", "Applications only", "Sees and changes applications, and nothing else."),
        AdministratorRole("read-only", "Read-only", "Sees everything and changes nothing."),
    )
}
"""Every role, by its name."""


def is_raised(before: str, after: str) -> bool:
    """Whether the other role opens what was closed. Who gets it signs in again, so that a cookie which was copied
    before opens nothing new. OWASP ASVS V7.2.4.
    """
    return after not in ("", before) and before != "full"
