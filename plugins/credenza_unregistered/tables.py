"""What is known of a client that registered itself, beside the client."""

from __future__ import annotations

from pathlib import Path

from piccolo.columns import BigInt, ForeignKey, OnDelete, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from credenza import ClientRow


class Registration(Table, tablename="credenza_registration"):
    """`token` is the hash of the registration access token, `declared` of what the client said about itself.

    Both are empty when they do not apply: a metadata document has no token, and a client that changed is no longer what
    an identical registration would be.
    """

    id = Varchar(length=40, primary_key=True)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    token = Varchar(length=64, default="")
    declared = Varchar(length=64, default="", index=True)
    address = Varchar(length=64, default="")
    registered_at = BigInt(default=0, index=True)


APP_CONFIG = AppConfig(
    app_name="credenza_unregistered",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[Registration],
    migration_dependencies=["credenza.store.piccolo_app"],
)
