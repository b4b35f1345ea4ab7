"""What the server does with no plugin, written as a plugin: two scopes, sign-in, consent, grants."""

from __future__ import annotations

from collections.abc import Sequence

from .grants.authorization_code import AuthorizationCodeGrant
from .grants.client_credentials import ClientCredentialsGrant
from .grants.device_code import DeviceCodeGrant
from .grants.refresh_token import RefreshTokenGrant
from .grants.token_exchange import TokenExchangeGrant
from .hookspecs import hookimpl
from .objects import Authenticator, GrantType, Prompt, ScopeProvider
from .permissions import OFFLINE_ACCESS, OPENID
from .prompts.consent import ConsentPrompt
from .prompts.device import DevicePrompt
from .prompts.login import LoginPrompt
from .prompts.new_password import NewPasswordPrompt
from .prompts.password import PasswordAuthenticator
from .prompts.second_factor import SecondFactorPrompt
from .protocol.scopes import Scope
from .protocol.words import Words
from .web.limits import Limiter
from .web.passwords import Passwords


class OpenIDScopes(ScopeProvider):
    """The two scopes that OpenID Connect itself defines. Core §3.1.2.1, §11."""

    name = "openid"
    title = "OpenID Connect"
    order = 0
    steady = True

    scopes = (
        Scope(
            OPENID,
            Words("Know who you are"),
            Words("An ID for your account that never changes"),
            icon="id-card",
            always=True,
        ),
        Scope(
            OFFLINE_ACCESS,
            Words("Keep access while you are away"),
            Words("Until you remove it on your account page"),
            icon="refresh-cw",
            always=True,
        ),
    )

    async def catalogue(self) -> Sequence[Scope]:
        return self.scopes


class Defaults:
    """Registered like any plugin; made with the parts that its objects share."""

    def __init__(self, passwords: Passwords, limiter: Limiter) -> None:
        self._passwords = passwords
        self._limiter = limiter

    @hookimpl
    def register_scopes(self) -> ScopeProvider:
        return OpenIDScopes()

    @hookimpl
    def register_prompts(self) -> Sequence[Prompt]:
        return [
            LoginPrompt(self._limiter),
            SecondFactorPrompt(),
            NewPasswordPrompt(self._passwords),
            DevicePrompt(),
            ConsentPrompt(),
        ]

    @hookimpl
    def register_grant_types(self) -> Sequence[GrantType]:
        return [
            AuthorizationCodeGrant(),
            RefreshTokenGrant(),
            ClientCredentialsGrant(),
            DeviceCodeGrant(),
            TokenExchangeGrant(),
        ]

    @hookimpl
    def register_authenticators(self) -> Authenticator:
        return PasswordAuthenticator(self._passwords)
