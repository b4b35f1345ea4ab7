"""Config OP: `oidcc-config-certification-test-plan`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit


def test_oidcc_discovery_endpoint_verification(provider: Any, discovered: dict[str, Any]) -> None:
    """https everywhere, `issuer` as it was asked for, RS256 for ID tokens, `openid` among the scopes."""
    assert discovered["issuer"] == provider.issuer
    issuer = urlsplit(discovered["issuer"])
    assert (issuer.scheme, issuer.path, issuer.query, issuer.fragment) == ("https", "", "", "")
    assert "code" in discovered["response_types_supported"]
    assert set(discovered["subject_types_supported"]) <= {"public", "pairwise"}
    assert "RS256" in discovered["id_token_signing_alg_values_supported"]
    endpoints = [value for name, value in discovered.items() if name.endswith("_endpoint") or name == "jwks_uri"]
    assert len(endpoints) >= 9
    assert all(endpoint.startswith("https://") for endpoint in endpoints)
    assert "openid" in discovered["scopes_supported"]
    assert all(re.fullmatch(r"[!#-\[\]-~]+", scope) for scope in discovered["scopes_supported"])
    assert "sub" in discovered["claims_supported"]
    assert all(
        re.fullmatch(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?", tag) for tag in discovered["ui_locales_supported"]
    )
    assert discovered["code_challenge_methods_supported"] == ["S256"]
    assert "RS256" in discovered["request_object_signing_alg_values_supported"]
    assert discovered["request_uri_parameter_supported"] is False  # true when it is absent
    assert "authorization_code" in discovered["grant_types_supported"]
    keys = provider.request("GET", discovered["jwks_uri"]).json()["keys"]
    assert {key["kty"] for key in keys} <= {"RSA", "EC", "OKP"}
    assert len({key["kid"] for key in keys}) == len(keys)
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & {member for key in keys for member in key}
