"""Organizations, the template they share, and their members."""

from __future__ import annotations

import hashlib
from pathlib import Path

from piccolo.columns import BigInt, Boolean, ForeignKey, OnDelete, Text, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from credenza import UserRow


class Organization(Table, tablename="credenza_organization"):
    id = Varchar(length=40, primary_key=True)
    name = Varchar(length=200, index=True)
    description = Text(default="")
    branding = Text(default="{}")
    suspended = Boolean(default=False)
    created_at = BigInt(default=0)


class OrganizationPermission(Table, tablename="credenza_organization_permission"):
    """A permission of the template. `translations` is the stored form of a `Translated`."""

    name = Varchar(length=255, primary_key=True)
    description = Text(default="")
    translations = Text(default="")


class OrganizationRole(Table, tablename="credenza_organization_role"):
    """A role of the template."""

    id = Varchar(length=40, primary_key=True)
    name = Varchar(length=100, unique=True)
    description = Text(default="")


class OrganizationRolePermission(Table, tablename="credenza_organization_role_permission"):
    """What a role carries: a permission of the template (`resource` empty), or one of an API."""

    id = Varchar(length=40, primary_key=True)
    role = ForeignKey(references=OrganizationRole, on_delete=OnDelete.cascade, index=True, null=False)
    resource = Varchar(length=1000, default="")
    scope = Varchar(length=255)


class OrganizationMember(Table, tablename="credenza_organization_member"):
    id = Varchar(length=40, primary_key=True)
    organization = ForeignKey(references=Organization, on_delete=OnDelete.cascade, index=True, null=False)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    joined_at = BigInt(default=0)


class OrganizationMemberRole(Table, tablename="credenza_organization_member_role"):
    id = Varchar(length=40, primary_key=True)
    member = ForeignKey(references=OrganizationMember, on_delete=OnDelete.cascade, index=True, null=False)
    role = ForeignKey(references=OrganizationRole, on_delete=OnDelete.cascade, index=True, null=False)


class OrganizationInvitation(Table, tablename="credenza_organization_invitation"):
    """A link that lets one person join once. `roles` are ids separated by spaces; `email` limits who may use it."""

    digest = Varchar(length=64, primary_key=True)
    organization = ForeignKey(references=Organization, on_delete=OnDelete.cascade, index=True, null=False)
    email = Varchar(length=320, default="")
    roles = Text(default="")
    invited_by = Varchar(length=40, default="")
    created_at = BigInt(default=0)
    expires_at = BigInt(default=0)
    spent_at = BigInt(null=True, default=None)


APP_CONFIG = AppConfig(
    app_name="credenza_organizations",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[
        Organization,
        OrganizationPermission,
        OrganizationRole,
        OrganizationRolePermission,
        OrganizationMember,
        OrganizationMemberRole,
        OrganizationInvitation,
    ],
    migration_dependencies=["credenza.store.piccolo_app"],
)


def row_id(*parts: str) -> str:
    """A key made of what the row is about, so that the row can stand only once."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
