"""Other providers, whose accounts are linked to ours, and sign-ins that are on their way to one of them."""

from __future__ import annotations

from pathlib import Path

from piccolo.columns import BigInt, Boolean, ForeignKey, OnDelete, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from credenza import Sealed, UserRow


class UpstreamRow(Table, tablename="credenza_upstream"):
    """`id` stands in addresses. The secret is encrypted."""

    id = Varchar(length=40, primary_key=True)
    title = Varchar(length=100)
    issuer = Varchar(length=500)
    client_id = Varchar(length=255)
    secret = Sealed(default="")
    scope = Varchar(length=300, default="openid email profile")
    enabled = Boolean(default=True)
    create_users = Boolean(default=False)
    created_at = BigInt(default=0)


class LinkRow(Table, tablename="credenza_upstream_link"):
    """`id` is the hash of issuer and subject: an account of theirs belongs to one of ours. `label` is for people."""

    id = Varchar(length=64, primary_key=True)
    upstream = ForeignKey(references=UpstreamRow, on_delete=OnDelete.cascade, index=True, null=False)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    subject = Varchar(length=255)
    label = Varchar(length=320, default="")
    added_at = BigInt(default=0)
    last_used_at = BigInt(null=True, default=None)


class StateRow(Table, tablename="credenza_upstream_state"):
    """`browser` is the hash of the cookie of the browser that began it; `sealed` what must come back with it."""

    id = Varchar(length=64, primary_key=True)
    upstream = ForeignKey(references=UpstreamRow, on_delete=OnDelete.cascade, index=True, null=False)
    browser = Varchar(length=64, index=True)
    sealed = Sealed()
    expires_at = BigInt(default=0, index=True)


APP_CONFIG = AppConfig(
    app_name="credenza_upstream",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[UpstreamRow, LinkRow, StateRow],
    migration_dependencies=["credenza.store.piccolo_app"],
)
