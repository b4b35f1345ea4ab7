"""Whether the settings of a client fit together, by whichever way they came. RFC 7591 §2."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..protocol import fapi, jose
from ..protocol.clients import Client
from ..protocol.redirect_uris import check_registrable, check_same_origin, check_web_uri
from ..protocol.subject_identifiers import FORM, SUBJECT_TYPES, sector_of
from .run import StateError

CLAIMS = ("asked", "granted")  # in ID tokens: what a request asks for by name, or all that the user has allowed


def check_client(client: Client, algorithms: Sequence[str] = jose.ALGORITHMS, schemes: Collection[str] = ()) -> None:
    """Every setting of a client, checked as a whole; raises StateError. RFC 7591 §2.

    `algorithms` are those that the server signs with (`settings.signing_algorithms`), `schemes` what native
    applications may come back to besides domain names in reverse (`settings.redirect_schemes`).
    """
    kind = client.type
    try:
        _check_addresses(client, schemes)
        if client.jwks:
            jose.parse_jwks(client.jwks)
        fapi.check_profile(client)
        if client.metadata.get("subject_type") == "pairwise":
            sector_of(client)
    except ValueError as error:
        raise StateError(f"{client.name}: {error}") from error
    allowed = {*kind.grant_types, *kind.optional_grant_types}
    checks = [
        (
            0 < len(client.id) <= 255 and client.id.isprintable() and client.id.isascii(),
            "client_id: 1 to 255 ASCII characters",
        ),
        (not FORM.fullmatch(client.id), "client_id: this is the form of a user's subject identifier"),
        (client.auth_method in kind.auth_methods, f"token_endpoint_auth_method: {', '.join(kind.auth_methods)}"),
        (set(client.grant_types) <= allowed, f"grant_types: {', '.join(sorted(allowed))}"),
        (client.id_token_alg in algorithms, f"id_token_signed_response_alg: {', '.join(algorithms)}"),
        (client.userinfo_alg in ("", *algorithms), f"userinfo_signed_response_alg: {', '.join(algorithms)}"),
        *(
            (client.metadata.get(member, "") in ("", *algorithms), f"{member}: {', '.join(algorithms)}")
            for member in ("introspection_signed_response_alg", "authorization_signed_response_alg")
        ),
        (
            client.metadata.get("subject_type", "public") in SUBJECT_TYPES,
            f"subject_type: {' or '.join(SUBJECT_TYPES)}",
        ),
        (client.metadata.get("id_token_claims", "asked") in CLAIMS, f"id_token_claims: {' or '.join(CLAIMS)}"),
        *_metadata_checks(client.metadata),
        (not (client.jwks and client.jwks_uri), "jwks and jwks_uri exclude each other"),
        (0 <= client.access_token_lifetime <= 24 * 3600, "access_token_lifetime: 1 to 86400 seconds"),
    ]
    for right, message in checks:
        if not right:
            raise StateError(f"{client.name}: {message}")


def _check_addresses(client: Client, schemes: Collection[str]) -> None:
    """Raises ValueError."""
    for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
        check_registrable(uri, native=client.type.native, schemes=schemes)
    branding = client.branding
    for uri in (client.jwks_uri, client.backchannel_logout_uri, branding.terms_uri, branding.policy_uri):
        if uri:
            check_web_uri(uri)
    for origin in client.cors_origins:
        check_web_uri(origin)
        if origin.count("/") != 2:
            raise ValueError(f"{origin} is not an origin: scheme and host only.")
    for name in ("initiate_login_uri", "sector_identifier_uri"):
        if uri := str(client.metadata.get(name) or ""):
            check_web_uri(uri)
            if not uri.startswith("https://"):
                raise ValueError(f"{name}: {uri} must begin with https.")
    if uri := str(client.metadata.get("frontchannel_logout_uri") or ""):
        check_web_uri(uri)
        check_same_origin("frontchannel_logout_uri", uri, client.redirect_uris)


def _metadata_checks(metadata: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """What is read of it has the type that it is read as; a file may hold anything."""
    metadata = {name: value for name, value in metadata.items() if value is not None}
    resources = metadata.get("resources", [])
    flags = ("require_pushed_authorization_requests", "dpop_bound_access_tokens")
    return [
        (_is_number(metadata.get("consent_lifetime", 1), least=1), "consent_lifetime: a number of seconds, at least 1"),
        (_is_number(metadata.get("default_max_age", 0), least=0), "default_max_age: a number of seconds"),
        (
            isinstance(resources, list) and all(isinstance(resource, str) for resource in resources),
            "resources: a list of identifiers",
        ),
        *((isinstance(metadata.get(flag, False), bool), f"{flag}: true or false") for flag in flags),
    ]


def _is_number(value: object, *, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**31
