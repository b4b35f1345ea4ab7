"""Mails that wait, and addresses that wait to be confirmed."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Integer, Text, Varchar

from credenza import NewTable

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "Mails that wait, and addresses that wait to be confirmed."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza_mail", description=DESCRIPTION)
    mail = NewTable(manager, "MailRow", "credenza_mail")
    mail.column("id", Varchar, length=40, primary_key=True)
    mail.column("content", Text, default="")
    mail.column("attempts", Integer, default=0)
    mail.column("created_at", BigInt, default=0)
    mail.column("due_at", BigInt, default=0, index=True)
    mail.column("error", Varchar, length=300, default="")
    confirmation = NewTable(manager, "ConfirmationRow", "credenza_mail_confirmation")
    confirmation.column("id", Varchar, length=64, primary_key=True)
    confirmation.reference("user", "credenza_user", length=40)
    confirmation.column("email", Varchar, length=320)
    confirmation.column("expires_at", BigInt, default=0, index=True)
    return manager
