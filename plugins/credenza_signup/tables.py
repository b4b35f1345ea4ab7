"""Addresses that wait for their owner to create an account."""

from __future__ import annotations

from pathlib import Path

from piccolo.columns import BigInt, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import Table


class SignupRow(Table, tablename="credenza_signup"):
    """`id` is the hash of what the link holds."""

    id = Varchar(length=64, primary_key=True)
    email = Varchar(length=320, index=True)
    expires_at = BigInt(default=0, index=True)


APP_CONFIG = AppConfig(
    app_name="credenza_signup",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[SignupRow],
    migration_dependencies=["credenza.store.piccolo_app"],
)
