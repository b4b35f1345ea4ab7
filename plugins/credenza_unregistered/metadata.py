"""What a client may say about itself, and which client that makes. RFC 7591 §2, OpenID Connect Registration §2.

One validator for dynamic registration and for metadata documents. Members that are not named here are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from credenza import (
    AuthorizationServer,
    Branding,
    Client,
    ClientType,
    StateError,
    as_kept,
    check_client,
    check_registrable,
    check_web_uri,
    errors,
    host_of,
    is_loopback,
    is_name,
    permission_catalogue,
    provider_metadata,
)

MOST = 20  # items of a list
AUTHORIZATION_CODE = "authorization_code"
OPEN_GRANTS = (AUTHORIZATION_CODE, "refresh_token")

# Members whose values are chosen among those that our own metadata lists under the second name. A client may list
# several there as well (OpenID Connect RP Metadata Choices §2); what our metadata does not have is ignored.
CHOICES = {
    "token_endpoint_auth_method": "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg": "token_endpoint_auth_signing_alg_values_supported",
    "id_token_signed_response_alg": "id_token_signing_alg_values_supported",
    "userinfo_signed_response_alg": "userinfo_signing_alg_values_supported",
    "introspection_signed_response_alg": "introspection_signing_alg_values_supported",
    "authorization_signed_response_alg": "authorization_signing_alg_values_supported",
    "request_object_signing_alg": "request_object_signing_alg_values_supported",
    "subject_type": "subject_types_supported",
}
URIS = (
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "jwks_uri",
    "sector_identifier_uri",
    "initiate_login_uri",
    "backchannel_logout_uri",
    "frontchannel_logout_uri",
)
HTTPS_ONLY = ("sector_identifier_uri", "initiate_login_uri")
FLAGS = (
    "backchannel_logout_session_required",
    "frontchannel_logout_session_required",
    "require_auth_time",
    "require_pushed_authorization_requests",
    "dpop_bound_access_tokens",
)
TEXTS = {"client_name": 200, "software_id": 255, "software_version": 100}
# What ends up in a field of `Client` or of its branding; everything else is kept in `Client.metadata` by its own name.
FIELDS = {
    "token_endpoint_auth_method": "auth_method",
    "id_token_signed_response_alg": "id_token_alg",
    "userinfo_signed_response_alg": "userinfo_alg",
    "jwks": "jwks",
    "jwks_uri": "jwks_uri",
    "backchannel_logout_uri": "backchannel_logout_uri",
}
BRANDING = {"tos_uri": "terms_uri", "policy_uri": "policy_uri"}
KEPT = (
    *(name for name in (*TEXTS, *URIS, *FLAGS, *CHOICES) if name not in FIELDS and name not in BRANDING),
    "application_type",
    "contacts",
    "default_max_age",
    "scope",
    "host",
)


class Members:
    """The members of a document, each read into the type that it must have; raises InvalidClientMetadata.

    Null is what was left out (RFC 7592 §2.2); but of keys it is no way to say that there are none.
    """

    def __init__(self, document: object) -> None:
        if not isinstance(document, dict):
            raise errors.InvalidClientMetadata("The client metadata must be a JSON object.")
        self._members = {name: value for name, value in document.items() if value is not None or name == "jwks"}

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def text(self, name: str, most: int = 2000) -> str:
        value = str(self._typed(name, str, "a text", "")).strip()
        if name == "client_name":
            value = as_kept(value)
        if value and not is_name(value, most):
            raise errors.InvalidClientMetadata(f"{name} must fit on one line, and be no longer than {most} characters.")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._typed(name, list, "a list", [])
        if len(values) > MOST or not all(isinstance(value, str) and len(value) <= 2000 for value in values):
            raise errors.InvalidClientMetadata(f"{name} must be a list of at most {MOST} texts.")
        return tuple(dict.fromkeys(values))

    def flag(self, name: str) -> bool:
        return bool(self._typed(name, bool, "true or false", False))

    def number(self, name: str) -> int | None:
        if name not in self:
            return None
        value: int = self._typed(name, int, "a whole number", 0)
        if isinstance(value, bool) or not 0 <= value < 2**31:
            raise errors.InvalidClientMetadata(f"{name} must be a number of seconds.")
        return value

    def object(self, name: str) -> dict[str, Any]:
        return dict(self._typed(name, dict, "an object", {}))

    def uri(self, name: str) -> str:
        value = self.text(name)
        if value:
            _check(check_web_uri, name, value)
            if name in HTTPS_ONLY and not value.startswith("https://"):
                raise errors.InvalidClientMetadata(f"{name} must begin with https.")
        return value

    def choice(self, name: str, ours: Sequence[str]) -> str:
        """What the client prefers, or else the first of ours that it can do as well; empty when it does not say."""
        preferred, possible = self.text(name), self.texts(CHOICES[name])
        if not ours or not (preferred or possible):
            return ""
        chosen = preferred if preferred in ours else next((value for value in ours if value in possible), None)
        if chosen is None:
            raise errors.InvalidClientMetadata(f"{name} must be one of {', '.join(ours)}.")
        return chosen

    def _typed(self, name: str, kind: type[Any], what: str, absent: Any) -> Any:
        value = self._members.get(name, absent)
        if not isinstance(value, kind):
            raise errors.InvalidClientMetadata(f"{name} must be {what}.")
        return value


def _check(check: Callable[[str], None], name: str, value: str) -> None:
    try:
        check(value)
    except ValueError as error:
        raise errors.InvalidClientMetadata(f"{name}: {error}") from error


@dataclass(frozen=True, slots=True)
class Policy:
    """What a way of registering allows: authentication methods, the strongest first, and the one for who names none.

    `by` is the provenance that the client keeps.
    """

    by: str
    auth_methods: tuple[str, ...]
    default_auth_method: str


async def parse_client(server: AuthorizationServer, document: object, client_id: str, policy: Policy) -> Client:
    """A third-party client with nothing enabled on it; raises InvalidClientMetadata or InvalidRedirectUri."""
    members = Members(document)
    ours = await provider_metadata(server)
    values = _values(members, ours)
    method = _auth_method(members, policy, has_keys=bool("jwks" in members or values["jwks_uri"]))
    redirect_uris = members.texts("redirect_uris")
    application_type = _application_type(members, method, redirect_uris)
    kind = _kind(server, method, application_type)
    for uri in redirect_uris:
        try:
            check_registrable(uri, native=kind.native, schemes=server.settings.redirect_schemes)
        except ValueError as error:
            raise errors.InvalidRedirectUri(str(error)) from error
    if not redirect_uris:
        raise errors.InvalidRedirectUri("redirect_uris is missing.")
    host = _host(client_id, redirect_uris)
    kept = {
        **values,
        "application_type": application_type,
        "scope": await _known_scope(members, server),
        "host": host,
    }
    client = Client(
        id=client_id,
        name=values["client_name"] or host or "An application without a name",
        type=kind,
        third_party=True,
        redirect_uris=redirect_uris,
        post_logout_redirect_uris=members.texts("post_logout_redirect_uris"),
        cors_origins=_origins(redirect_uris) if method != "private_key_jwt" else (),
        grant_types=_grant_types(members, server, method),
        auth_method=method,
        jwks=members.object("jwks"),
        jwks_uri=values["jwks_uri"],
        id_token_alg=values["id_token_signed_response_alg"] or "RS256",
        userinfo_alg=values["userinfo_signed_response_alg"],
        backchannel_logout_uri=values["backchannel_logout_uri"],
        branding=Branding(**{ours_: values[theirs] for theirs, ours_ in BRANDING.items()}),
        metadata={name: kept[name] for name in KEPT if _said(kept.get(name))},
    )
    if "jwks" in members and not client.jwks:
        raise errors.InvalidClientMetadata("jwks must have keys.")
    check_whole(client, server)
    return client


def _said(value: object) -> bool:
    """Zero seconds say something; what is empty or false says nothing."""
    return value is not None and value is not False and value not in ("", [])


def _values(members: Members, ours: Mapping[str, object]) -> dict[str, Any]:
    """Every simple member, empty where it is absent."""
    values: dict[str, Any] = {name: members.text(name, most) for name, most in TEXTS.items()}
    values |= {name: members.uri(name) for name in URIS}
    values |= {name: members.flag(name) for name in FLAGS}
    for name, list_name in CHOICES.items():
        supported = ours.get(list_name)
        if name != "token_endpoint_auth_method":
            values[name] = members.choice(name, [str(v) for v in supported] if isinstance(supported, list) else [])
    values["contacts"] = list(members.texts("contacts"))
    if not all(contact.isprintable() for contact in values["contacts"]):
        raise errors.InvalidClientMetadata("contacts must be printable.")
    values["default_max_age"] = members.number("default_max_age")
    return values


def _auth_method(members: Members, policy: Policy, *, has_keys: bool) -> str:
    """What both sides can do. Without keys a client can only mean the methods that need none."""
    named = "token_endpoint_auth_method" in members
    possible = [m for m in policy.auth_methods if named or has_keys or m != "private_key_jwt"]
    method = members.choice("token_endpoint_auth_method", possible) or policy.default_auth_method
    if method == "private_key_jwt" and not has_keys:
        raise errors.InvalidClientMetadata("private_key_jwt needs jwks or jwks_uri.")
    return method


def _application_type(members: Members, method: str, redirect_uris: Sequence[str]) -> str:
    """As declared; else what the redirect URIs of a public client tell. OpenID Connect Registration §2."""
    declared = members.text("application_type")
    if declared not in ("", "web", "native"):
        raise errors.InvalidClientMetadata("application_type must be web or native.")
    own_device = any(is_loopback(uri) or not uri.startswith(("https:", "http:")) for uri in redirect_uris)
    return declared or ("native" if method == "none" and own_device else "web")


def _kind(server: AuthorizationServer, method: str, application_type: str) -> ClientType:
    name = "traditional" if method != "none" else "native" if application_type == "native" else "spa"
    if name not in server.client_types:
        raise errors.InvalidClientMetadata("Such clients are not accepted here.")
    return server.client_types[name]


def _grant_types(members: Members, server: AuthorizationServer, method: str) -> tuple[str, ...]:
    """Those that are open to everybody; what else we know is left out, and the answer says so. RFC 7591 §2.1."""
    asked = members.texts("grant_types") or (AUTHORIZATION_CODE,)
    if unknown := [grant for grant in asked if grant not in server.grant_types]:
        raise errors.InvalidClientMetadata(f"grant_types: {', '.join(unknown)} is not supported.")
    if AUTHORIZATION_CODE not in asked:
        raise errors.InvalidClientMetadata(f"grant_types must contain {AUTHORIZATION_CODE}.")
    if method == "none" and "client_credentials" in asked:
        raise errors.InvalidClientMetadata("client_credentials needs a client that authenticates.")
    if any(kind != "code" for kind in members.texts("response_types")):
        raise errors.InvalidClientMetadata("response_types: only code is supported.")
    return tuple(grant for grant in OPEN_GRANTS if grant in asked)


async def _known_scope(members: Members, server: AuthorizationServer) -> str:
    """Of the scopes that were asked for, those we have at all; which of them it may have, the ceiling says each time.

    RFC 7591 §2.
    """
    asked = members.text("scope").split()
    known = {p.scope for p in await permission_catalogue(server)} if asked else set()
    return " ".join(scope for scope in dict.fromkeys(asked) if scope in known)


def _host(client_id: str, redirect_uris: Sequence[str]) -> str:
    """The one host that stands for the client: of its metadata document, or else of every redirect URI."""
    if client_id.startswith("https://"):
        return host_of(client_id)
    hosts = {host_of(uri) if uri.startswith("https://") else "" for uri in redirect_uris}
    return hosts.pop() if len(hosts) == 1 else ""


def _origins(redirect_uris: Sequence[str]) -> tuple[str, ...]:
    """From where a browser application calls the token endpoint. Fetch §3.2.

    One that does not name a method has a secret, without any idea of what that is: the default of RFC 7591 §2.
    """
    web = [uri for uri in redirect_uris if uri.startswith(("https://", "http://"))]
    return tuple(dict.fromkeys(f"{uri.partition(':')[0]}://{host_of(uri)}" for uri in web))


def check_whole(client: Client, server: AuthorizationServer) -> None:
    """What only shows in the settings together. Raises InvalidClientMetadata."""
    try:
        check_client(client, server.settings.signing_algorithms, server.settings.redirect_schemes)
    except StateError as error:
        raise errors.InvalidClientMetadata(str(error).removeprefix(f"{client.name}: ")) from error


def with_provenance(client: Client, policy: Policy, now: int) -> Client:
    """The client as it is registered: where it comes from, since when, and that nobody vouches for it."""
    provenance = {"registered_by": policy.by, "registered_at": now, "unverified": True}
    return replace(client, created_at=now, metadata={**client.metadata, **provenance})


def with_changes(client: Client, declared: Client) -> Client:
    """What the client says now in the place of what it said before; what administrators set stays, and so does a name
    that is the same but for its form: an older release took any, and what was said of the client was said of that one.
    """
    branding = {name: getattr(declared.branding, name) for name in BRANDING.values()}
    logo = client.branding.logo if client.metadata.get("logo_uri") == declared.metadata.get("logo_uri") else ""
    kept = {name: value for name, value in client.metadata.items() if name not in KEPT}
    said = dict(declared.metadata)
    if as_kept(client.metadata.get("client_name", "")) == said.get("client_name"):
        said["client_name"] = client.metadata["client_name"]
    return replace(
        client,
        name=client.name if as_kept(client.name) == declared.name else declared.name,
        redirect_uris=declared.redirect_uris,
        post_logout_redirect_uris=declared.post_logout_redirect_uris,
        cors_origins=declared.cors_origins,
        grant_types=declared.grant_types,
        auth_method=declared.auth_method,
        jwks=declared.jwks,
        jwks_uri=declared.jwks_uri,
        id_token_alg=declared.id_token_alg,
        userinfo_alg=declared.userinfo_alg,
        backchannel_logout_uri=declared.backchannel_logout_uri,
        branding=replace(client.branding, logo=logo, **branding),
        metadata={**kept, **said},
    )


def addresses(client: Client) -> frozenset[str]:
    """Every address that the client gives, whatever it is for."""
    said = describe(client)
    named = (said[name] for name in URIS if name in said)
    return frozenset((*client.redirect_uris, *client.post_logout_redirect_uris, *named))


def describe(client: Client) -> dict[str, Any]:
    """All metadata that is registered, by the names of the specifications; what is empty is left out."""
    described = {
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "grant_types": list(client.grant_types),
        "response_types": ["code"],
        **{name: getattr(client, field) for name, field in FIELDS.items()},
        **{name: getattr(client.branding, field) for name, field in BRANDING.items()},
        **{name: client.metadata.get(name) for name in KEPT if name != "host"},
    }
    return {name: value for name, value in described.items() if value not in ("", [], {}, None)}
