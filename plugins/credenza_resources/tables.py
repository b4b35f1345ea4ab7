"""APIs, their permissions, and the roles that bundle them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, OnDelete, Text, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from credenza import ClientRow, UserRow


class ApiResource(Table, tablename="credenza_api_resource"):
    """`identifier` is an absolute URI, the `aud` of its tokens; `token_lifetime` is in seconds, 0 for the default.

    Translations are the stored form of a `Translated`, here and below.
    """

    identifier = Varchar(length=1000, primary_key=True)
    name = Varchar(length=200)
    name_translations = Text(default="")
    description = Text(default="")
    token_lifetime = Integer(default=0)
    created_at = BigInt(default=0)


class ApiPermission(Table, tablename="credenza_api_permission"):
    id = Varchar(length=40, primary_key=True)
    resource = ForeignKey(references=ApiResource, on_delete=OnDelete.cascade, index=True, null=False)
    name = Varchar(length=255)
    description = Text(default="")
    translations = Text(default="")


class Role(Table, tablename="credenza_role"):
    """A `default` role is given to every new user."""

    id = Varchar(length=40, primary_key=True)
    name = Varchar(length=100, unique=True)
    description = Text(default="")
    default = Boolean(default=False)
    created_at = BigInt(default=0)


class RolePermission(Table, tablename="credenza_role_permission"):
    id = Varchar(length=40, primary_key=True)
    role = ForeignKey(references=Role, on_delete=OnDelete.cascade, index=True, null=False)
    permission = ForeignKey(references=ApiPermission, on_delete=OnDelete.cascade, index=True, null=False)


class UserRole(Table, tablename="credenza_user_role"):
    id = Varchar(length=40, primary_key=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    role = ForeignKey(references=Role, on_delete=OnDelete.cascade, index=True, null=False)


class ClientRole(Table, tablename="credenza_client_role"):
    """What a machine-to-machine application holds."""

    id = Varchar(length=40, primary_key=True)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    role = ForeignKey(references=Role, on_delete=OnDelete.cascade, index=True, null=False)


APP_CONFIG = AppConfig(
    app_name="credenza_resources",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[ApiResource, ApiPermission, Role, RolePermission, UserRole, ClientRole],
    migration_dependencies=["credenza.store.piccolo_app"],
)


def row_id(*parts: str) -> str:
    """A key made of what the row is about, so that the row can stand only once."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
