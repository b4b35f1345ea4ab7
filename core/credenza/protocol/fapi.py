"""The FAPI 2.0 Security Profile, final: what a client must be like that is bound to it. §5.3.2, §5.4.

What a request must be like follows from `Client.fapi` where that request is checked: pushed only, S256, assertions for
the issuer alone, tokens bound to a key, codes of at most a minute.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import jose
from .clients import Client
from .redirect_uris import is_loopback

PROFILE = "fapi2"
PROFILES = ("", PROFILE)
CODE_LIFETIME = 60  # seconds; §5.3.2.1
GRANT_TYPES = frozenset(
    {
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    }
)
ALGORITHM_MEMBERS = (
    "token_endpoint_auth_signing_alg",
    "request_object_signing_alg",
    "introspection_signed_response_alg",
    "authorization_signed_response_alg",
)


def check_profile(client: Client) -> None:
    """Raises ValueError, in a sentence, for a client that could not keep to the profile."""
    if client.metadata.get("security_profile", "") not in PROFILES:
        raise ValueError(f"profile: {PROFILE}, or nothing.")
    if not client.fapi:
        return
    if client.auth_method != "private_key_jwt":
        raise ValueError("token_endpoint_auth_method: private_key_jwt only, with the profile fapi2.")
    if not client.jwks and not client.jwks_uri:
        raise ValueError("jwks_uri: the profile fapi2 needs the application's public keys, or their address.")
    if client.jwks and not allowed_keys(jose.parse_jwks(client.jwks)):
        raise ValueError(f"jwks: the profile fapi2 needs a key for {', '.join(jose.FAPI_ALGORITHMS)}.")
    named = {"id_token_signed_response_alg": client.id_token_alg, "userinfo_signed_response_alg": client.userinfo_alg}
    named |= {member: client.metadata.get(member) or "" for member in ALGORITHM_MEMBERS}
    for member, alg in named.items():
        if jose.algorithm(alg) not in ("", *jose.FAPI_ALGORITHMS):
            raise ValueError(f"{member}: {', '.join(jose.FAPI_ALGORITHMS)} only, with the profile fapi2.")
    for uri in client.redirect_uris:
        if uri.startswith("http:") and not (client.type.native and is_loopback(uri)):
            raise ValueError(f"redirect_uris: {uri} is not https, which the profile fapi2 asks for.")
    if refused := set(client.grant_types) - GRANT_TYPES:
        raise ValueError(f"grant_types: {', '.join(sorted(refused))} cannot be used with the profile fapi2.")


def allowed_keys(keys: Sequence[jose.VerificationKey]) -> list[jose.VerificationKey]:
    """Those of the profile's algorithms. §5.4.1."""
    return [key for key in keys if key.alg in jose.FAPI_ALGORITHMS]
