"""Authenticator apps and recovery codes. The seed of an app is encrypted, of a code only its hash is kept."""

from __future__ import annotations

from pathlib import Path

from piccolo.columns import BigInt, ForeignKey, OnDelete, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from credenza import Sealed, UserRow


class TotpRow(Table, tablename="credenza_totp"):
    """One for each user. `last_step` is the time step of the last code that was taken: no code counts twice."""

    id = Varchar(length=40, primary_key=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    seed = Sealed()
    last_step = BigInt(default=0)
    added_at = BigInt(default=0)
    last_used_at = BigInt(null=True, default=None)


class RecoveryCodeRow(Table, tablename="credenza_recovery_code"):
    id = Varchar(length=64, primary_key=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    made_at = BigInt(default=0)
    spent_at = BigInt(null=True, default=None)


APP_CONFIG = AppConfig(
    app_name="credenza_totp",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[TotpRow, RecoveryCodeRow],
    migration_dependencies=["credenza.store.piccolo_app"],
)
