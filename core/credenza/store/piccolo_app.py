"""The core's own tables, as a Piccolo app. A plugin's app names this one in its `migration_dependencies`."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from .access_tokens import AccessTokenRow
from .audit import AuditEventRow
from .authorization_codes import AuthorizationCodeRow
from .branding import BrandingDraftRow, BrandingVersionRow, StylesheetRow
from .clients import ClientPermissionRow, ClientRow, ClientSecretRow
from .consents import ConsentPermissionRow, ConsentRow
from .device_authorizations import DeviceAuthorizationRow
from .endings import EndingRow
from .failed_sign_ins import FailedSignInRow
from .grants import GrantRow
from .keys import SigningKeyRow
from .logout import LogoutDeliveryRow
from .provider import ImageRow, ProviderSettingRow
from .pushed_requests import PushedRequestRow
from .refresh_tokens import RefreshTokenRow
from .sealed import SecretRow
from .sessions import InteractionRow, SessionRow
from .spent_assertions import SpentAssertionRow
from .user_rows import InvitationRow, UserRow
from .version import Version

APP_CONFIG = AppConfig(
    app_name="credenza",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[
        Version,
        ClientRow,
        ClientSecretRow,
        ClientPermissionRow,
        UserRow,
        InvitationRow,
        FailedSignInRow,
        SessionRow,
        InteractionRow,
        ConsentRow,
        ConsentPermissionRow,
        GrantRow,
        EndingRow,
        AuthorizationCodeRow,
        RefreshTokenRow,
        AccessTokenRow,
        SpentAssertionRow,
        SigningKeyRow,
        SecretRow,
        AuditEventRow,
        ProviderSettingRow,
        ImageRow,
        StylesheetRow,
        BrandingDraftRow,
        BrandingVersionRow,
        PushedRequestRow,
        LogoutDeliveryRow,
        DeviceAuthorizationRow,
    ],
    migration_dependencies=[],
)
