"""The metadata document, the same for both well-known addresses. OpenID Connect Discovery §3, RFC 8414 §2.

Some members are of others: RFC 8628 §4, RFC 9126 §5, RFC 9207 §3, RFC 9449 §5.1, RFC 9701 §7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .authorization_request import PROMPTS, RESPONSE_MODES
from .jose import CLIENT_ALGORITHMS
from .subject_identifiers import SUBJECT_TYPES

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")


def metadata(
    *,
    issuer: str,
    endpoints: Mapping[str, str],
    scopes: Iterable[str],
    claims: Iterable[str],
    grant_types: Iterable[str],
    signing_algorithms: Sequence[str],
    acr_values: Iterable[str],
    locales: Iterable[str],
) -> dict[str, Any]:
    """Every value that is listed works; every one that is not is refused. `endpoints` are paths below the issuer.
    RFC 8414 §3.2, §3.3.
    """
    authenticated = [method for method in AUTH_METHODS if method != "none"]
    return {
        "issuer": issuer,
        **{name: issuer + path for name, path in endpoints.items()},
        "scopes_supported": list(scopes),
        "claims_supported": list(claims),
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(grant_types),
        "subject_types_supported": list(SUBJECT_TYPES),
        "id_token_signing_alg_values_supported": list(signing_algorithms),
        "userinfo_signing_alg_values_supported": list(signing_algorithms),
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": authenticated,
        "introspection_endpoint_auth_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "introspection_signing_alg_values_supported": list(signing_algorithms),
        "authorization_signing_alg_values_supported": list(signing_algorithms),
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "require_pushed_authorization_requests": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "request_uri_parameter_supported": False,
        "acr_values_supported": list(acr_values),
        "claim_types_supported": ["normal"],
        "display_values_supported": ["page"],
        "prompt_values_supported": list(PROMPTS),
        "ui_locales_supported": list(locales),
    }
