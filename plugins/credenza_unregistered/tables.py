"""What is known of a client that registered itself, beside the client."""

from __future__ import annotations

from pathlib import Path

from piccolo.columns import BigInt, Boolean, ForeignKey, OnDelete, Text, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from credenza import ClientRow


class Registration(Table, tablename="credenza_registration"):
    """`token` is the hash of the registration access token, `declared` of what the client said about itself.

    Both are empty when they do not apply: a metadata document has no token, and a client that changed is no longer what
    an identical registration would be. `host` stands for the client, and is empty when there is no single one;
    `decided_at` is when an administrator decided about this client alone, 0 when nobody did; `blocked` when it was
    switched off together with its host, and not by itself.
    """

    id = Varchar(length=40, primary_key=True)
    client = ForeignKey(references=ClientRow, on_delete=OnDelete.cascade, index=True, null=False)
    token = Varchar(length=64, default="")
    declared = Varchar(length=64, default="", index=True)
    address = Varchar(length=64, default="")
    host = Varchar(length=255, default="", index=True)
    registered_at = BigInt(default=0, index=True)
    decided_at = BigInt(default=0)
    blocked = Boolean(default=False)


class HostDecision(Table, tablename="credenza_unregistered_host"):
    """What an administrator decided about every client of a host, those that are yet to come included.

    `decision` is "allowed" or "blocked"; `ceiling` is what allowed ones may ask for beyond what all may: a JSON list.
    """

    host = Varchar(length=255, primary_key=True)
    decision = Varchar(length=20)
    ceiling = Text(default="[]")
    decided_by = Varchar(length=40, default="")
    decided_at = BigInt(default=0)


APP_CONFIG = AppConfig(
    app_name="credenza_unregistered",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[Registration, HostDecision],
    migration_dependencies=["credenza.store.piccolo_app"],
)
