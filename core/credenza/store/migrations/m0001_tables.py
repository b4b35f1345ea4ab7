"""The tables of the core."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import BigInt, BigSerial, Boolean, Bytea, Integer, Text, Varchar

from credenza.store.schema import NewTable

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "The tables of the core."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="credenza", description=DESCRIPTION)
    for add in (
        version,
        client,
        client_secret,
        client_permission,
        user,
        invitation,
        failed_sign_in,
        session,
        interaction,
        consent,
        consent_permission,
        grant,
        authorization_code,
        refresh_token,
        access_token,
        spent_assertion,
        signing_key,
        secret,
        audit_event,
        provider_setting,
        image,
        stylesheet,
        branding_draft,
        branding_version,
        pushed_request,
        logout_delivery,
        device_authorization,
    ):
        add(manager)
    return manager


def version(manager: MigrationManager) -> None:
    table = NewTable(manager, "Version", "credenza_version")
    table.column("id", Integer, primary_key=True)
    table.column("value", BigInt, default=0)


def client(manager: MigrationManager) -> None:
    table = NewTable(manager, "ClientRow", "credenza_client")
    table.column("id", Varchar, length=255, primary_key=True)
    table.column("name", Varchar, length=200, default="")
    table.column("description", Text, default="")
    table.column("type", Varchar, length=50, default="")
    table.column("third_party", Boolean, default=True)
    table.column("enabled", Boolean, default=True)
    table.column("redirect_uris", Text, default="[]")
    table.column("post_logout_redirect_uris", Text, default="[]")
    table.column("cors_origins", Text, default="[]")
    table.column("grant_types", Text, default="[]")
    table.column("auth_method", Varchar, length=50, default="")
    table.column("jwks", Text, default="{}")
    table.column("jwks_uri", Text, default="")
    table.column("require_pkce", Boolean, default=False)
    table.column("require_second_factor", Boolean, default=False)
    table.column("offline_access", Boolean, default=True)
    table.column("id_token_alg", Varchar, length=20, default="RS256")
    table.column("userinfo_alg", Varchar, length=20, default="")
    table.column("backchannel_logout_uri", Text, default="")
    table.column("access_token_lifetime", Integer, default=600)
    table.column("branding", Text, default="{}")
    table.column("metadata", Text, default="{}")
    table.column("created_at", BigInt, default=0)
    table.column("updated_at", BigInt, default=0)
    table.column("last_used_at", BigInt, default=None, null=True)


def client_secret(manager: MigrationManager) -> None:
    table = NewTable(manager, "ClientSecretRow", "credenza_client_secret")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("client", "credenza_client", length=255)
    table.column("name", Varchar, length=100, default="")
    table.column("digest", Varchar, length=64, default="")
    table.column("hint", Varchar, length=12, default="")
    table.column("created_at", BigInt, default=0)
    table.column("expires_at", BigInt, default=None, null=True)
    table.column("last_used_at", BigInt, default=None, null=True)


def client_permission(manager: MigrationManager) -> None:
    table = NewTable(manager, "ClientPermissionRow", "credenza_client_permission")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("client", "credenza_client", length=255)
    table.column("source", Varchar, length=50, default="")
    table.column("resource", Varchar, length=1000, default="")
    table.column("scope", Varchar, length=255, default="")
    table.column("required", Boolean, default=True)


def user(manager: MigrationManager) -> None:
    table = NewTable(manager, "UserRow", "credenza_user")
    table.column("id", Varchar, length=40, primary_key=True)
    table.column("username", Varchar, length=150, default="", unique=True)
    table.column("email", Varchar, length=320, default=None, null=True, index=True)
    table.column("email_verified", Boolean, default=False)
    table.column("phone_number", Varchar, length=50, default="")
    table.column("phone_number_verified", Boolean, default=False)
    table.column("profile", Text, default="{}")
    table.column("custom_data", Text, default="{}")
    table.column("password_hash", Varchar, length=255, default=None, null=True)
    table.column("password_changed_at", BigInt, default=None, null=True)
    table.column("administrator", Varchar, length=50, default="")
    table.column("suspended", Boolean, default=False)
    table.column("password_change_required", Boolean, default=False)
    table.column("created_at", BigInt, default=0)
    table.column("updated_at", BigInt, default=0)
    table.column("last_sign_in_at", BigInt, default=None, null=True)
    table.column("words", Varchar, length=500, default="")


def invitation(manager: MigrationManager) -> None:
    table = NewTable(manager, "InvitationRow", "credenza_invitation")
    table.column("digest", Varchar, length=64, primary_key=True)
    table.column("purpose", Varchar, length=30, default="")
    table.reference("user", "credenza_user", length=40, null=True)
    table.column("created_at", BigInt, default=0)
    table.column("expires_at", BigInt, default=0)
    table.column("spent_at", BigInt, default=None, null=True)


def failed_sign_in(manager: MigrationManager) -> None:
    table = NewTable(manager, "FailedSignInRow", "credenza_failed_sign_in")
    table.column("key", Varchar, length=64, primary_key=True)
    table.column("failures", Integer, default=0)
    table.column("last_at", BigInt, default=0)


def session(manager: MigrationManager) -> None:
    table = NewTable(manager, "SessionRow", "credenza_session")
    table.column("digest", Varchar, length=64, primary_key=True)
    table.column("id", Varchar, length=40, default="", index=True)
    table.reference("user", "credenza_user", length=40)
    table.column("created_at", BigInt, default=0)
    table.column("authenticated_at", BigInt, default=0)
    table.column("last_seen_at", BigInt, default=0)
    table.column("expires_at", BigInt, default=0)
    table.column("amr", Varchar, length=100, default="")
    table.column("acr", Varchar, length=100, default="")
    table.column("address", Varchar, length=64, default="")
    table.column("user_agent", Varchar, length=300, default="")


def interaction(manager: MigrationManager) -> None:
    table = NewTable(manager, "InteractionRow", "credenza_interaction")
    table.column("digest", Varchar, length=64, primary_key=True)
    table.column("browser", Varchar, length=64, default="")
    table.column("parameters", Text, default="")
    table.column("return_to", Text, default="")
    table.column("state", Text, default="{}")
    table.column("network", Varchar, length=64, default="")
    table.column("created_at", BigInt, default=0)
    table.column("expires_at", BigInt, default=0, index=True)


def consent(manager: MigrationManager) -> None:
    table = NewTable(manager, "ConsentRow", "credenza_consent")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("user", "credenza_user", length=40)
    table.reference("client", "credenza_client", length=255)
    table.column("context", Varchar, length=300, default="")
    table.column("fingerprint", Varchar, length=40, default="")
    table.column("automatic", Boolean, default=False)
    table.column("granted_at", BigInt, default=0)
    table.column("updated_at", BigInt, default=0)
    table.column("last_used_at", BigInt, default=None, null=True)
    table.column("expires_at", BigInt, default=None, null=True)


def consent_permission(manager: MigrationManager) -> None:
    table = NewTable(manager, "ConsentPermissionRow", "credenza_consent_permission")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("consent", "credenza_consent", length=40)
    table.column("source", Varchar, length=50, default="")
    table.column("resource", Varchar, length=1000, default="")
    table.column("scope", Varchar, length=255, default="")
    table.column("granted", Boolean, default=True)
    table.column("decided_at", BigInt, default=0)


def grant(manager: MigrationManager) -> None:
    table = NewTable(manager, "GrantRow", "credenza_grant")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("user", "credenza_user", length=40)
    table.reference("client", "credenza_client", length=255)
    table.column("session", Varchar, length=40, default="")
    table.column("details", Text, default="{}")
    table.column("created_at", BigInt, default=0)
    table.column("revoked_at", BigInt, default=None, null=True)


def authorization_code(manager: MigrationManager) -> None:
    table = NewTable(manager, "AuthorizationCodeRow", "credenza_authorization_code")
    table.column("digest", Varchar, length=64, primary_key=True)
    table.column("grant", Varchar, length=40, default="")
    table.reference("user", "credenza_user", length=40)
    table.reference("client", "credenza_client", length=255)
    table.column("session", Varchar, length=40, default="")
    table.column("redirect_uri", Text, default="")
    table.column("code_challenge", Varchar, length=128, default=None, null=True)
    table.column("details", Text, default="{}")
    table.column("created_at", BigInt, default=0)
    table.column("expires_at", BigInt, default=0, index=True)
    table.column("spent_at", BigInt, default=None, null=True)


def refresh_token(manager: MigrationManager) -> None:
    table = NewTable(manager, "RefreshTokenRow", "credenza_refresh_token")
    table.column("digest", Varchar, length=64, primary_key=True)
    table.reference("grant", "credenza_grant", length=40)
    table.column("created_at", BigInt, default=0)
    table.column("last_used_at", BigInt, default=0)
    table.column("idle_expires_at", BigInt, default=0)
    table.column("expires_at", BigInt, default=0, index=True)
    table.column("spent_at", BigInt, default=None, null=True)
    table.column("successor", Varchar, length=64, default=None, null=True)
    table.column("jkt", Varchar, length=43, default="")


def access_token(manager: MigrationManager) -> None:
    table = NewTable(manager, "AccessTokenRow", "credenza_access_token")
    table.column("digest", Varchar, length=64, primary_key=True)
    table.reference("grant", "credenza_grant", length=40, null=True, index=False)
    table.reference("client", "credenza_client", length=255)
    table.column("scope", Text, default="")
    table.column("audience", Text, default="")
    table.column("binding", Varchar, length=300, default="")
    table.column("jkt", Varchar, length=43, default="")
    table.column("context", Varchar, length=300, default="")
    table.column("origins", Text, default="")
    table.column("created_at", BigInt, default=0)
    table.column("expires_at", BigInt, default=0, index=True)
    table.column("revoked_at", BigInt, default=None, null=True)


def spent_assertion(manager: MigrationManager) -> None:
    table = NewTable(manager, "SpentAssertionRow", "credenza_spent_assertion")
    table.column("digest", Varchar, length=64, primary_key=True)
    table.column("expires_at", BigInt, default=0, index=True)


def signing_key(manager: MigrationManager) -> None:
    table = NewTable(manager, "SigningKeyRow", "credenza_signing_key")
    table.column("kid", Varchar, length=64, primary_key=True)
    table.column("alg", Varchar, length=20, default="")
    table.column("state", Varchar, length=20, default="")
    table.column("private_key", Text, default="")
    table.column("created_at", BigInt, default=0)
    table.column("activated_at", BigInt, default=None, null=True)
    table.column("retired_at", BigInt, default=None, null=True)


def audit_event(manager: MigrationManager) -> None:
    table = NewTable(manager, "AuditEventRow", "credenza_audit_event")
    table.column("id", BigSerial, primary_key=True)
    table.column("at", BigInt, default=0, index=True)
    table.column("name", Varchar, length=60, default="")
    table.column("actor", Varchar, length=255, default="")
    table.column("person", Varchar, length=255, default=None, null=True)
    table.column("user", Varchar, length=40, default=None, null=True)
    table.column("client", Varchar, length=255, default=None, null=True)
    table.column("target", Varchar, length=300, default="")
    table.column("address", Varchar, length=64, default="")
    table.column("result", Varchar, length=60, default="")
    table.column("error_id", Varchar, length=40, default=None, null=True)
    table.column("data", Text, default="{}")


def secret(manager: MigrationManager) -> None:
    table = NewTable(manager, "SecretRow", "credenza_secret")
    table.column("id", Varchar, length=40, primary_key=True)
    table.column("sealed", Text)
    table.column("created_at", BigInt, default=0)


def provider_setting(manager: MigrationManager) -> None:
    table = NewTable(manager, "ProviderSettingRow", "credenza_provider_setting")
    table.column("name", Varchar, length=60, primary_key=True)
    table.column("value", Text, default="{}")


def image(manager: MigrationManager) -> None:
    table = NewTable(manager, "ImageRow", "credenza_image")
    table.column("id", Varchar, length=64, primary_key=True)
    table.column("content_type", Varchar, length=30, default="")
    table.column("content", Bytea, default=b"")
    table.column("created_at", BigInt, default=0)


def stylesheet(manager: MigrationManager) -> None:
    table = NewTable(manager, "StylesheetRow", "credenza_stylesheet")
    table.column("id", Varchar, length=64, primary_key=True)
    table.column("source", Text, default="")
    table.column("content", Text, default="")
    table.column("created_at", BigInt, default=0)


def branding_draft(manager: MigrationManager) -> None:
    table = NewTable(manager, "BrandingDraftRow", "credenza_branding_draft")
    table.column("owner", Varchar, length=300, primary_key=True)
    table.column("value", Text, default="{}")
    table.column("changed_at", BigInt, default=0)
    table.column("changed_by", Varchar, length=40, default="")


def branding_version(manager: MigrationManager) -> None:
    table = NewTable(manager, "BrandingVersionRow", "credenza_branding_version")
    table.column("id", Varchar, length=40, primary_key=True)
    table.column("owner", Varchar, length=300, default="", index=True)
    table.column("position", BigInt, default=0)
    table.column("value", Text, default="{}")
    table.column("undone", Boolean, default=False)
    table.column("published_at", BigInt, default=0)
    table.column("published_by", Varchar, length=40, default="")


def pushed_request(manager: MigrationManager) -> None:
    table = NewTable(manager, "PushedRequestRow", "credenza_pushed_request")
    table.column("digest", Varchar, length=64, primary_key=True)
    table.reference("client", "credenza_client", length=255)
    table.column("parameters", Text, default="")
    table.column("expires_at", BigInt, default=0, index=True)
    table.column("opened_at", BigInt, default=None, null=True)


def logout_delivery(manager: MigrationManager) -> None:
    table = NewTable(manager, "LogoutDeliveryRow", "credenza_logout_delivery")
    table.column("id", Varchar, length=40, primary_key=True)
    table.reference("client", "credenza_client", length=255)
    table.column("user", Varchar, length=40, default="")
    table.column("session", Varchar, length=40, default="")
    table.column("created_at", BigInt, default=0)
    table.column("attempts", Integer, default=0)
    table.column("next_at", BigInt, default=0)
    table.column("delivered_at", BigInt, default=None, null=True)
    table.column("error", Text, default="")


def device_authorization(manager: MigrationManager) -> None:
    table = NewTable(manager, "DeviceAuthorizationRow", "credenza_device_authorization")
    table.column("digest", Varchar, length=64, primary_key=True)
    table.column("user_code", Varchar, length=64, default="", unique=True)
    table.reference("client", "credenza_client", length=255)
    table.column("parameters", Text, default="")
    table.column("state", Varchar, length=20, default="pending")
    table.column("interval", Integer, default=5)
    table.column("polled_at", BigInt, default=0)
    table.column("created_at", BigInt, default=0)
    table.column("expires_at", BigInt, default=0, index=True)
    table.column("grant", Varchar, length=40, default="")
    table.reference("user", "credenza_user", length=40, null=True)
    table.column("session", Varchar, length=40, default="")
    table.column("details", Text, default="{}")
    table.column("offline", Boolean, default=False)
