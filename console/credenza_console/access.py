"""Which permissions each administrator's role has. What is not said here is not allowed."""

from __future__ import annotations


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
