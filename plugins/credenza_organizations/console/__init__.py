"""The plugin's pages and its panel in the admin console: organizations, their members, and the template they share."""

from __future__ import annotations

from credenza import ConsolePage

from . import danger, finding, invitations, members, organizations, panel, template, template_roles
from .branding import EDITOR, JOIN_PREVIEW

PAGES = [
    ConsolePage(
        "Organizations",
        "/console/organizations",
        icon="building",
        order=320,
        find=finding.find_organizations,
        routes=(
            organizations.list_organizations,
            organizations.show_create,
            organizations.create,
            organizations.show_organization,
            organizations.save_organization,
            danger.show_suspension,
            danger.save_suspension,
            danger.show_delete,
            danger.delete,
            members.list_members,
            members.show_add,
            members.add,
            members.show_member,
            members.save_member,
            members.show_remove,
            members.remove,
            invitations.list_invitations,
            invitations.show_create,
            invitations.create,
            invitations.show_revoke,
            invitations.revoke,
        ),
    ),
    ConsolePage(
        "Organization template",
        "/console/organization-template",
        icon="list-checks",
        order=330,
        find=finding.find_in_template,
        routes=(
            template.show_template,
            template.show_permission,
            template.save_permission,
            template.show_delete_permission,
            template.delete_permission,
            template_roles.show_create,
            template_roles.create,
            template_roles.show_role,
            template_roles.save_role,
            template_roles.show_delete,
            template_roles.delete,
        ),
    ),
]
PANELS = [panel.USER_PANEL]

__all__ = ["EDITOR", "JOIN_PREVIEW", "PAGES", "PANELS"]
