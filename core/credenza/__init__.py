"""Credenza: an identity provider for other people's applications. What a plugin may import, and nothing else."""

from __future__ import annotations

from . import events
from .account_api import (
    AccountDone,
    AccountFrame,
    AccountPage,
    AccountRoute,
    AccountSection,
    AccountShown,
    AccountTab,
    AccountVisit,
    LastWayIn,
    account_get,
    account_post,
)
from .administrators import (
    ADMINISTRATOR_ROLES,
    AdministratorRole,
    LastAdministrator,
    hold_administrators,
    is_raised,
    missing_administrator,
)
from .app import create_app
from .catalogue import catalogue as permission_catalogue
from .catalogue import clear_permissions, described, enabled_permissions, forget_permissions
from .commands.theme_package import theme_package
from .console_api import (
    Branded,
    BrandingEditor,
    ConsoleDone,
    ConsoleForm,
    ConsoleFrame,
    ConsolePage,
    ConsolePanel,
    ConsolePreview,
    ConsoleRoute,
    ConsoleView,
    ConsoleVisit,
    Link,
    Listing,
    ShownPanel,
    changed_meanwhile,
    console_get,
    console_post,
    identifier_of,
    naming_mistakes,
    segment_of,
    state_of,
    typed_of,
    unchanged,
)
from .encryption import Undecryptable
from .endpoints.discovery import describe as provider_metadata
from .endpoints.interaction import complete_sign_in, follow_languages, sign_in_wishes, sign_in_with_new, way_on
from .events import (
    ConsentGiven,
    ConsentRevoked,
    EmailChanged,
    Event,
    FactorChanged,
    ObjectChanged,
    PasswordChanged,
    PasswordChangeRequired,
    SessionEnded,
    SignInFailed,
    SigningKeyMoved,
)
from .hookspecs import Cleaner, Listener, hookimpl, hookspec
from .invitations import how_long, invite, link_lifetime
from .logout import end_all_sessions, end_most_sessions, end_sessions, end_some_sessions
from .mails import invitation_mail, language_of
from .objects import (
    Authentication,
    Authenticator,
    Choices,
    ClientSource,
    Command,
    GrantType,
    HeldFactor,
    Mail,
    Mailer,
    Prompt,
    Question,
    ScopeProvider,
    SecondFactor,
    SignInLink,
    SignInWishes,
    StateSection,
    Subject,
    Theme,
    TokenRequest,
    Waiting,
    Way,
)
from .outbound import Answer, Crowd, Document, Refused, fetch, fetch_answer, fetch_document, limit_calls
from .permissions import Decision, branding_of, choices_of, context_title, still_valid, verdicts
from .permissions import claims as released_claims
from .permissions import counts as consent_counts
from .plugins import HookTime, PluginError, collect, hook_times
from .prompts.explain import Explanation, explain, preview_pages
from .protocol import base64url, errors
from .protocol.assurance import MFA, PHISHING_RESISTANT, satisfies
from .protocol.authorization_request import AuthorizationRequest
from .protocol.client_authentication import digest_secret
from .protocol.clients import Branding, Client, ClientType
from .protocol.documents import parse_json
from .protocol.email_addresses import email_mistake
from .protocol.errors import ProtocolError
from .protocol.initiate_login import initiate_login_address
from .protocol.names import (
    LONGEST_DESCRIPTION,
    LONGEST_PERMISSION_DESCRIPTION,
    as_identifier,
    as_kept,
    as_typed,
    forms_of,
    is_name,
    name_mistake,
    username_mistake,
)
from .protocol.parameters import Parameters
from .protocol.permissions import Outcome, Verdict
from .protocol.pkce import s256
from .protocol.protected_resource import (
    protected_resource_address,
    protected_resource_challenge,
    protected_resource_metadata,
)
from .protocol.redirect_uris import check_registrable, check_web_uri, host_of, is_loopback, place_of
from .protocol.scopes import Asked, Permission, Scope
from .protocol.tokens import is_token, new_id, new_token
from .protocol.words import Counted, Translated, Words
from .relying_party import check_id_token, check_userinfo
from .rotation import plan_rotation, published_lately
from .rotation import revoke as revoke_key
from .rotation import rotate as rotate_keys
from .server import AuthorizationServer
from .settings import Settings, SettingsError
from .state.branding import declared_branding
from .state.client_check import check_client
from .state.members import StateMember, check_keys, kept_name
from .state.permissions import declared_permissions, shown_permissions
from .state.run import Run as StateRun
from .state.run import StateError
from .store import audit, branding, clients, consents, keys, lists, provider, sessions, users
from .store.audit import AuditEvent
from .store.batches import delete_batch
from .store.branding import SavedBranding
from .store.clearing import clear, clear_client, clear_user
from .store.clients import ClientRow
from .store.consents import Consent
from .store.engine import AlreadyExists, ChangedMeanwhile, Statement, alone, transaction
from .store.logout import LogoutDelivery
from .store.logout import list_deliveries as list_logout_deliveries
from .store.reach import Reach, count_open, count_reach
from .store.revocation import revoke_grants
from .store.schema import NewTable
from .store.sealed import Sealed
from .store.sessions import Session
from .store.user_rows import UserRow
from .store.users import User
from .store.version import Cache, bump_version
from .suspension import suspend_user
from .web.accounts import SignInNeeded, csrf_token, signed_in, signed_in_form, signed_in_upload
from .web.branding import check_branding, display_name_mistake
from .web.claims import claim_label, claims_in_words, claims_summary
from .web.custom_css import CleanCss, UnusableCss, clean_css
from .web.errors import new_error_id
from .web.images import LARGEST_IMAGE, UnusableImage, fetch_image, keep_image, store_image
from .web.inside import OwnAnswer, TokenSeen, basic_credentials, call_own, see_token
from .web.limits import Limiter, neighbourhood
from .web.moments import Moment
from .web.new_password import password_refusal, require_new_password, set_password
from .web.pages import (
    ConsentGroup,
    ConsentLine,
    ConsentPage,
    ErrorPage,
    FormPage,
    Look,
    Page,
    SecondFactorPage,
    SignInPage,
)
from .web.palette import Palette
from .web.passwords import Passwords
from .web.preview import ThemeState, image_in_place, palette_of_look, preview, published_look, theme_states
from .web.rendering import render
from .web.requests import (
    AnyRequest,
    Forbidden,
    NotAllowed,
    address_of,
    choose_language,
    form_parameters,
    query_parameters,
    read_body,
    server_of,
)
from .web.responses import AnyResponse, download_response, error_response, json_response, own_frame, redirect_response
from .web.rules import Rule
from .web.sessions import begin_session, set_session_cookie
from .web.static import StaticFiles
from .web.user_agents import browser_in_words, is_handheld
from .web.visitors import Visitor, visitor_of
from .withdrawal import revoke_consent

__version__ = "0.1.0"

__all__ = [
    "ADMINISTRATOR_ROLES",
    "LARGEST_IMAGE",
    "LONGEST_DESCRIPTION",
    "LONGEST_PERMISSION_DESCRIPTION",
    "MFA",
    "PHISHING_RESISTANT",
    "AccountDone",
    "AccountFrame",
    "AccountPage",
    "AccountRoute",
    "AccountSection",
    "AccountShown",
    "AccountTab",
    "AccountVisit",
    "AdministratorRole",
    "AlreadyExists",
    "Answer",
    "AnyRequest",
    "AnyResponse",
    "Asked",
    "AuditEvent",
    "Authentication",
    "Authenticator",
    "AuthorizationRequest",
    "AuthorizationServer",
    "Branded",
    "Branding",
    "BrandingEditor",
    "Cache",
    "ChangedMeanwhile",
    "Choices",
    "CleanCss",
    "Cleaner",
    "Client",
    "ClientRow",
    "ClientSource",
    "ClientType",
    "Command",
    "Consent",
    "ConsentGiven",
    "ConsentGroup",
    "ConsentLine",
    "ConsentPage",
    "ConsentRevoked",
    "ConsoleDone",
    "ConsoleForm",
    "ConsoleFrame",
    "ConsolePage",
    "ConsolePanel",
    "ConsolePreview",
    "ConsoleRoute",
    "ConsoleView",
    "ConsoleVisit",
    "Counted",
    "Crowd",
    "Decision",
    "Document",
    "EmailChanged",
    "ErrorPage",
    "Event",
    "Explanation",
    "FactorChanged",
    "Forbidden",
    "FormPage",
    "GrantType",
    "HeldFactor",
    "HookTime",
    "LastAdministrator",
    "LastWayIn",
    "Limiter",
    "Link",
    "Listener",
    "Listing",
    "LogoutDelivery",
    "Look",
    "Mail",
    "Mailer",
    "Moment",
    "NewTable",
    "NotAllowed",
    "ObjectChanged",
    "Outcome",
    "OwnAnswer",
    "Page",
    "Palette",
    "Parameters",
    "PasswordChangeRequired",
    "PasswordChanged",
    "Passwords",
    "Permission",
    "PluginError",
    "Prompt",
    "ProtocolError",
    "Question",
    "Reach",
    "Refused",
    "Rule",
    "SavedBranding",
    "Scope",
    "ScopeProvider",
    "Sealed",
    "SecondFactor",
    "SecondFactorPage",
    "Session",
    "SessionEnded",
    "Settings",
    "SettingsError",
    "ShownPanel",
    "SignInFailed",
    "SignInLink",
    "SignInNeeded",
    "SignInPage",
    "SignInWishes",
    "SigningKeyMoved",
    "StateError",
    "StateMember",
    "StateRun",
    "StateSection",
    "Statement",
    "StaticFiles",
    "Subject",
    "Theme",
    "ThemeState",
    "TokenRequest",
    "TokenSeen",
    "Translated",
    "Undecryptable",
    "UnusableCss",
    "UnusableImage",
    "User",
    "UserRow",
    "Verdict",
    "Visitor",
    "Waiting",
    "Way",
    "Words",
    "account_get",
    "account_post",
    "address_of",
    "alone",
    "as_identifier",
    "as_kept",
    "as_typed",
    "audit",
    "base64url",
    "basic_credentials",
    "begin_session",
    "branding",
    "branding_of",
    "browser_in_words",
    "bump_version",
    "call_own",
    "changed_meanwhile",
    "check_branding",
    "check_client",
    "check_id_token",
    "check_keys",
    "check_registrable",
    "check_userinfo",
    "check_web_uri",
    "choices_of",
    "choose_language",
    "claim_label",
    "claims_in_words",
    "claims_summary",
    "clean_css",
    "clear",
    "clear_client",
    "clear_permissions",
    "clear_user",
    "clients",
    "collect",
    "complete_sign_in",
    "consent_counts",
    "consents",
    "console_get",
    "console_post",
    "context_title",
    "count_open",
    "count_reach",
    "create_app",
    "csrf_token",
    "declared_branding",
    "declared_permissions",
    "delete_batch",
    "described",
    "digest_secret",
    "display_name_mistake",
    "download_response",
    "email_mistake",
    "enabled_permissions",
    "end_all_sessions",
    "end_most_sessions",
    "end_sessions",
    "end_some_sessions",
    "error_response",
    "errors",
    "events",
    "explain",
    "fetch",
    "fetch_answer",
    "fetch_document",
    "fetch_image",
    "follow_languages",
    "forget_permissions",
    "form_parameters",
    "forms_of",
    "hold_administrators",
    "hook_times",
    "hookimpl",
    "hookspec",
    "host_of",
    "how_long",
    "identifier_of",
    "image_in_place",
    "initiate_login_address",
    "invitation_mail",
    "invite",
    "is_handheld",
    "is_loopback",
    "is_name",
    "is_raised",
    "is_token",
    "json_response",
    "keep_image",
    "kept_name",
    "keys",
    "language_of",
    "limit_calls",
    "link_lifetime",
    "list_logout_deliveries",
    "lists",
    "missing_administrator",
    "name_mistake",
    "naming_mistakes",
    "neighbourhood",
    "new_error_id",
    "new_id",
    "new_token",
    "own_frame",
    "palette_of_look",
    "parse_json",
    "password_refusal",
    "permission_catalogue",
    "place_of",
    "plan_rotation",
    "preview",
    "preview_pages",
    "protected_resource_address",
    "protected_resource_challenge",
    "protected_resource_metadata",
    "provider",
    "provider_metadata",
    "published_lately",
    "published_look",
    "query_parameters",
    "read_body",
    "redirect_response",
    "released_claims",
    "render",
    "require_new_password",
    "revoke_consent",
    "revoke_grants",
    "revoke_key",
    "rotate_keys",
    "s256",
    "satisfies",
    "see_token",
    "segment_of",
    "server_of",
    "sessions",
    "set_password",
    "set_session_cookie",
    "shown_permissions",
    "sign_in_wishes",
    "sign_in_with_new",
    "signed_in",
    "signed_in_form",
    "signed_in_upload",
    "state_of",
    "still_valid",
    "store_image",
    "suspend_user",
    "theme_package",
    "theme_states",
    "transaction",
    "typed_of",
    "unchanged",
    "username_mistake",
    "users",
    "verdicts",
    "visitor_of",
    "way_on",
]
