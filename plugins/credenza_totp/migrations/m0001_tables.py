"""Authenticator apps and recovery codes."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Text, Varchar

from credenza import NewTable

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "Authenticator apps and recovery codes."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza_totp", description=DESCRIPTION)
    totp = NewTable(manager, "TotpRow", "credenza_totp")
    totp.column("id", Varchar, length=40, primary_key=True)
    totp.reference("user", "credenza_user", length=40)
    totp.column("seed", Text)
    totp.column("last_step", BigInt, default=0)
    totp.column("added_at", BigInt, default=0)
    totp.column("last_used_at", BigInt, null=True, default=None)
    code = NewTable(manager, "RecoveryCodeRow", "credenza_recovery_code")
    code.column("id", Varchar, length=64, primary_key=True)
    code.reference("user", "credenza_user", length=40)
    code.column("made_at", BigInt, default=0)
    code.column("spent_at", BigInt, null=True, default=None)
    return manager
