"""Mails that wait, and addresses that wait to be confirmed. What a mail says is encrypted while it waits."""

from __future__ import annotations

from pathlib import Path

from piccolo.columns import BigInt, ForeignKey, Integer, OnDelete, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from credenza import Sealed, UserRow


class MailRow(Table, tablename="credenza_mail"):
    """A mail that was sent is gone from here; one that could not be sent stays a while, with the reason and no text."""

    id = Varchar(length=40, primary_key=True)
    content = Sealed(default="")
    attempts = Integer(default=0)
    created_at = BigInt(default=0)
    due_at = BigInt(default=0, index=True)
    error = Varchar(length=300, default="")


class ConfirmationRow(Table, tablename="credenza_mail_confirmation"):
    id = Varchar(length=64, primary_key=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    email = Varchar(length=320)
    expires_at = BigInt(default=0, index=True)


APP_CONFIG = AppConfig(
    app_name="credenza_mail",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[MailRow, ConfirmationRow],
    migration_dependencies=["credenza.store.piccolo_app"],
)
