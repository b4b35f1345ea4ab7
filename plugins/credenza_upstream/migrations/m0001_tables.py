"""Other providers, links to their accounts, and sign-ins that are on their way."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, Boolean, Text, Varchar

from credenza import NewTable

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "Other providers, links to their accounts, and sign-ins that are on their way."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza_upstream", description=DESCRIPTION)
    upstream = NewTable(manager, "UpstreamRow", "credenza_upstream")
    upstream.column("id", Varchar, length=40, primary_key=True)
    upstream.column("title", Varchar, length=100)
    upstream.column("issuer", Varchar, length=500)
    upstream.column("client_id", Varchar, length=255)
    upstream.column("secret", Text, default="")
    upstream.column("scope", Varchar, length=300, default="openid email profile")
    upstream.column("enabled", Boolean, default=True)
    upstream.column("create_users", Boolean, default=False)
    upstream.column("created_at", BigInt, default=0)
    link = NewTable(manager, "LinkRow", "credenza_upstream_link")
    link.column("id", Varchar, length=64, primary_key=True)
    link.reference("upstream", "credenza_upstream", length=40)
    link.reference("user", "credenza_user", length=40)
    link.column("subject", Varchar, length=255)
    link.column("label", Varchar, length=320, default="")
    link.column("added_at", BigInt, default=0)
    link.column("last_used_at", BigInt, null=True, default=None)
    state = NewTable(manager, "StateRow", "credenza_upstream_state")
    state.column("id", Varchar, length=64, primary_key=True)
    state.reference("upstream", "credenza_upstream", length=40)
    state.column("browser", Varchar, length=64, index=True)
    state.column("sealed", Text)
    state.column("expires_at", BigInt, default=0, index=True)
    return manager
