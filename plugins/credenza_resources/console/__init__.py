"""The plugin's pages and panels in the admin console: API resources, roles, and who holds which."""

from __future__ import annotations

from credenza import ConsolePage

from . import api_check, api_permissions, api_resources, assignment, finding, holders, roles

PAGES = [
    ConsolePage(
        "API resources",
        "/console/api-resources",
        icon="database",
        order=300,
        find=finding.find_resources,
        routes=(
            api_resources.list_resources,
            api_resources.show_create,
            api_resources.create,
            api_resources.show_resource,
            api_resources.save_resource,
            api_check.show_check,
            api_check.check,
            api_permissions.show_permission,
            api_permissions.save_permission,
            api_permissions.show_delete_permission,
            api_permissions.delete_permission,
            api_resources.show_delete,
            api_resources.delete,
        ),
    ),
    ConsolePage(
        "Roles",
        "/console/roles",
        icon="shield",
        order=310,
        find=finding.find_roles,
        routes=(
            roles.list_roles,
            roles.show_create,
            roles.create,
            roles.show_role,
            roles.save_role,
            holders.list_holders,
            roles.show_delete,
            roles.delete,
        ),
    ),
]
PANELS = [assignment.USER_PANEL, assignment.CLIENT_PANEL]

__all__ = ["PAGES", "PANELS"]
