"""Passkeys: public keys and what is told of them. Nothing here is secret."""

from __future__ import annotations

from pathlib import Path

from piccolo.columns import BigInt, Boolean, ForeignKey, OnDelete, Text, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from credenza import UserRow


class PasskeyRow(Table, tablename="credenza_passkey"):
    """`id` is the hash of the credential's id, which may be long. `synced` ones are on several devices."""

    id = Varchar(length=64, primary_key=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    credential_id = Text()
    public_key = Text()
    sign_count = BigInt(default=0)
    synced = Boolean(default=False)
    transports = Varchar(length=200, default="")
    name = Varchar(length=100, default="")
    added_at = BigInt(default=0)
    last_used_at = BigInt(null=True, default=None)


APP_CONFIG = AppConfig(
    app_name="credenza_passkeys",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[PasskeyRow],
    migration_dependencies=["credenza.store.piccolo_app"],
)
