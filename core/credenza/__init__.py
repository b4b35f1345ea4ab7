"""Credenza: an identity provider for other people's applications. What a plugin may import, and nothing else."""

from __future__ import annotations

from .app import create_app
from .endpoints.pages import check_email, check_username, invite, set_password
from .events import Event, ObjectChanged, PasswordChanged, SessionEnded, SigningKeyMoved
from .hookspecs import Listener, hookimpl, hookspec
from .objects import (
    Authentication,
    Authenticator,
    Choices,
    Command,
    GrantType,
    Prompt,
    Question,
    ScopeProvider,
    StateSection,
    Subject,
    Theme,
    Waiting,
)
from .permissions import Decision
from .protocol import errors
from .protocol.client_authentication import digest_secret
from .protocol.clients import Branding, Client, ClientType
from .protocol.errors import ProtocolError
from .protocol.parameters import Parameters
from .protocol.permissions import Outcome, Verdict
from .protocol.redirect_uris import check_registrable, check_web_uri
from .protocol.scopes import Asked, Permission, Scope
from .protocol.tokens import new_id, new_token
from .server import AuthorizationServer
from .settings import Settings, SettingsError
from .state.run import Run as StateRun
from .state.run import StateError, check_keys
from .store import audit, clients, consents, grants, keys, provider, sessions, users
from .store.audit import AuditEvent
from .store.clients import ClientRow
from .store.consents import Consent
from .store.engine import is_unique_violation, transaction
from .store.sessions import Session
from .store.users import User, UserRow
from .store.version import bump_version
from .web.accounts import csrf_token, signed_in, signed_in_form
from .web.images import UnusableImage, store_image
from .web.pages import ConsentGroup, ConsentLine, ConsentPage, ErrorPage, FormPage, Look, Page, SignInPage
from .web.passwords import WeakPassword, check_new_password
from .web.rendering import render
from .web.requests import AnyRequest, Forbidden, NotAllowed, address_of, form_parameters, query_parameters, server_of
from .web.responses import AnyResponse, redirect_response
from .web.static import StaticFiles

__version__ = "0.1.0"

__all__ = [
    "AnyRequest",
    "AnyResponse",
    "Asked",
    "AuditEvent",
    "Authentication",
    "Authenticator",
    "AuthorizationServer",
    "Branding",
    "Choices",
    "Client",
    "ClientRow",
    "ClientType",
    "Command",
    "Consent",
    "ConsentGroup",
    "ConsentLine",
    "ConsentPage",
    "Decision",
    "ErrorPage",
    "Event",
    "Forbidden",
    "FormPage",
    "GrantType",
    "Listener",
    "Look",
    "NotAllowed",
    "ObjectChanged",
    "Outcome",
    "Page",
    "Parameters",
    "PasswordChanged",
    "Permission",
    "Prompt",
    "ProtocolError",
    "Question",
    "Scope",
    "ScopeProvider",
    "Session",
    "SessionEnded",
    "Settings",
    "SettingsError",
    "SignInPage",
    "SigningKeyMoved",
    "StateError",
    "StateRun",
    "StateSection",
    "StaticFiles",
    "Subject",
    "Theme",
    "UnusableImage",
    "User",
    "UserRow",
    "Verdict",
    "Waiting",
    "WeakPassword",
    "address_of",
    "audit",
    "bump_version",
    "check_email",
    "check_keys",
    "check_new_password",
    "check_registrable",
    "check_username",
    "check_web_uri",
    "clients",
    "consents",
    "create_app",
    "csrf_token",
    "digest_secret",
    "errors",
    "form_parameters",
    "grants",
    "hookimpl",
    "hookspec",
    "invite",
    "is_unique_violation",
    "keys",
    "new_id",
    "new_token",
    "provider",
    "query_parameters",
    "redirect_response",
    "render",
    "server_of",
    "sessions",
    "set_password",
    "signed_in",
    "signed_in_form",
    "store_image",
    "transaction",
    "users",
]
