"""Administrators' roles: which permissions each has. What is not said here is not allowed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AdministratorRole:
    name: str
    title: str
    description: str


ROLES = {
    role.name: role
    for role in (
        AdministratorRole("full", "Full", "Sees and changes everything, administrators included."),
        AdministratorRole("applications", "Applications only", "Sees and changes applications, and nothing else."),
        AdministratorRole("read-only", "Read-only", "Sees everything and changes nothing."),
    )
}


def allows(role: str, permission: str) -> bool:
    """Whether an administrator with this role may do what a route declares, for example "applications:write"."""
    match role:
        case "full":
            return True
        case "applications":
            return permission in ("overview:read", "applications:read", "applications:write")
        case "read-only":
            return permission.endswith(":read")
    return False
