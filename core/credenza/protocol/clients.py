"""The client: an application as the protocol sees it. RFC 6749 §2.1, RFC 7591 §2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from .redirect_uris import check_web_uri
from .scopes import Permission
from .words import Words

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class ClientType:
    """A kind of application, brought by a plugin; what it says is fixed for each client when that is created.

    `grant_types` are what clients of this type may use; `optional_grant_types` only when chosen at creation.
    `auth_methods` are for the token endpoint, the first one is the default; ("none",) makes the client public.
    `pkce` is "required" or "optional" (a switch on the client). `native` allows private schemes and any loopback port.
    """

    name: str
    title: str
    description: str
    grant_types: tuple[str, ...]
    optional_grant_types: tuple[str, ...] = ()
    auth_methods: tuple[str, ...] = ("client_secret_basic", "client_secret_post", "private_key_jwt")
    pkce: str = "optional"
    native: bool = False
    third_party: bool = True
    icon: str = "app-window"

    def __post_init__(self) -> None:
        """What is misspelt here would make a client laxer than it was meant to be, in silence."""
        if self.pkce not in ("required", "optional"):
            raise ValueError(f"ClientType {self.name!r}: pkce is 'required' or 'optional', not {self.pkce!r}")
        for name in ("grant_types", "optional_grant_types", "auth_methods"):
            if not isinstance(getattr(self, name), tuple):
                raise TypeError(f"ClientType {self.name!r}: {name} is a tuple, not {getattr(self, name)!r}")

    @property
    def confidential(self) -> bool:
        return self.auth_methods != ("none",)

    @property
    def interactive(self) -> bool:
        """Whether people sign in to it, so that it acts for them and not for itself."""
        return self.redirects or DEVICE_CODE in self.grant_types

    @property
    def redirects(self) -> bool:
        """Whether a browser comes back to it, so that it has redirect URIs."""
        return "authorization_code" in self.grant_types


@dataclass(frozen=True, slots=True)
class Branding:
    """How the provider, an application or something else shows itself. Images and `stylesheet` (custom CSS, of the
    provider only) are addresses on our own origin.
    """

    display_name: str = ""
    """What it is called."""
    logo: str = ""
    """The address of its logo."""
    dark_logo: str = ""
    """Of the one for dark pages; empty when the other one does."""
    favicon: str = ""
    """Of the little picture on the browser's tab."""
    terms_uri: str = ""
    """Its terms of use."""
    policy_uri: str = ""
    """Its privacy policy."""
    primary_color: str = ""
    """The colour of buttons and links: `#1f5aa6`."""
    dark_primary_color: str = ""
    """The same, on dark pages."""
    theme: str = ""
    """The name of the theme it picked."""
    stylesheet: str = ""
    """The address of its custom CSS."""

    def then(self, other: Branding | None) -> Branding:
        """Merged: what the other one says counts, and this where that is silent. Light and dark go together."""
        if other is None:
            return self
        said = {f.name: value for f in fields(other) if (value := getattr(other, f.name))}
        for pair in (("logo", "dark_logo"), ("primary_color", "dark_primary_color")):
            if any(name in said for name in pair):
                said = {**dict.fromkeys(pair, ""), **said}
        return replace(self, **said)

    @classmethod
    def load(cls, stored: Mapping[str, str]) -> Branding:
        """What was stored, without addresses that no page may link to and fields that are no more: a row may be older
        than that.
        """
        names = {f.name for f in fields(cls)}
        branding = cls(**{name: value for name, value in stored.items() if name in names})
        for name in ("terms_uri", "policy_uri"):
            try:
                check_web_uri(getattr(branding, name) or "https://example.com")
            except ValueError:
                branding = replace(branding, **{name: ""})
        return branding


@dataclass(frozen=True, slots=True)
class Secret:
    """A stored client secret: only its SHA-256, hexadecimal. It has 256 random bits, so a slow hash adds nothing."""

    id: str
    digest: str
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client, with everything a request needs. `ceiling` is None for a first-party client.

    Keys of `ceiling` are what it may ask for; the value says whether the permission is required (else the user may
    decline it). Lifetimes are in seconds. `trial_uri` is a page of our own where an administrator's trial run of the
    client comes back to; it counts beside what is registered, and as nothing else. `fingerprint` changes with what
    users go by (name, logo, addresses, keys): a consent given to another one is asked for again. `metadata` holds
    further members, by the names of RFC 7591 §2 where it has them.
    """

    id: str
    name: str
    type: ClientType
    third_party: bool
    enabled: bool = True
    description: str = ""
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    auth_method: str = "client_secret_basic"
    secrets: tuple[Secret, ...] = ()
    jwks: Mapping[str, Any] = field(default_factory=dict)
    jwks_uri: str = ""
    require_pkce: bool = False
    require_second_factor: bool = False
    offline_access: bool = True
    id_token_alg: str = "RS256"
    userinfo_alg: str = ""
    backchannel_logout_uri: str = ""
    access_token_lifetime: int = 0  # seconds; 0 leaves it to the APIs, and to the server
    branding: Branding = field(default_factory=Branding)
    ceiling: Mapping[Permission, bool] | None = None
    created_at: int = 0
    fingerprint: str = ""
    trial_uri: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def confidential(self) -> bool:
        return self.auth_method != "none"

    @property
    def pkce_required(self) -> bool:
        return self.require_pkce or not self.confidential or self.type.pkce == "required" or self.fapi

    def answer_alg(self, answer: str) -> str:
        """What answers of a kind ("authorization", "introspection") are signed with. JARM §3, RFC 9701 §6."""
        return str(self.metadata.get(f"{answer}_signed_response_alg") or (self.id_token_alg if self.fapi else "RS256"))

    @property
    def fapi(self) -> bool:
        """Whether the FAPI 2.0 Security Profile binds this client."""
        return bool(self.metadata.get("security_profile") == "fapi2")

    @property
    def par_required(self) -> bool:
        """RFC 9126 §6."""
        return self.fapi or bool(self.metadata.get("require_pushed_authorization_requests"))

    @property
    def dpop_required(self) -> bool:
        """RFC 9449 §5.2."""
        return self.fapi or bool(self.metadata.get("dpop_bound_access_tokens"))

    @property
    def claims_in_id_token(self) -> bool:
        """Whether ID tokens have all that UserInfo would tell, for a library that never asks there. Core §5.4."""
        return self.metadata.get("id_token_claims") == "granted"

    @property
    def consent_lifetime(self) -> int | None:
        """Seconds after which users are asked again; None for never."""
        lifetime = self.metadata.get("consent_lifetime")
        return int(lifetime) if lifetime else None

    @property
    def self_registered(self) -> bool:
        """Whether it came by itself, so that all it says about itself is its own word."""
        return "registered_by" in self.metadata

    @property
    def unverified(self) -> bool:
        """Whether nobody has vouched for it yet."""
        return bool(self.metadata.get("unverified"))

    @property
    def display_name(self) -> str:
        """Of an unverified client the host, which it cannot choose as freely as its name."""
        if self.unverified:
            return str(self.metadata.get("host") or "") or Words("An unverified application")
        return self.branding.display_name or self.name

    def identity_is_assured(self, redirect_uri: str) -> bool:
        """Whether a remembered consent may be used again without asking: nobody else can pose as this client.

        "the authorization server SHOULD NOT process authorization requests automatically without user consent or
        interaction, except when the identity of the client can be assured." RFC 8252 §8.6.
        """
        return self.confidential or redirect_uri.startswith("https://")
