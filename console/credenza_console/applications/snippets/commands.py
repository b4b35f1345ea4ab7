"""Without a library: calls of the token endpoint."""

from __future__ import annotations

from typing import Any

from .filled import Filled, Snippet

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def device(kit: Filled) -> Snippet:
    who = f'-u "{kit.client.id}:$OIDC_CLIENT_SECRET"' if kit.secret else f"-d client_id={kit.client.id}"
    code = f"""curl {kit.device_endpoint} {who} \\
  -d scope="{kit.scope}"

# Show user_code and verification_uri, or verification_uri_complete as a QR code.
# Then ask every `interval` seconds, for as long as the answer is authorization_pending:
curl {kit.token_endpoint} {who} \\
  -d device_code="$DEVICE_CODE" \\
  -d grant_type={DEVICE_CODE}"""
    hint = "For a screen without a browser: people sign in on another one."
    return Snippet("device", "Device authorization", hint, code)


def apis(kit: Filled) -> Snippet:
    """For whichever library: each has its own way to add a parameter. RFC 8707 §2."""
    ceiling = sorted(kit.client.ceiling or {})
    named = list(dict.fromkeys(p.resource for p in ceiling if p.resource))
    scope = " ".join(dict.fromkeys([*kit.scopes, *(p.scope for p in ceiling if p.resource)]))
    resources = "\n".join(f"resource={resource}" for resource in named)
    code = f"""# in the authorization request:
scope={scope}
{resources}

# in the token request, and in each refresh, the one API that the token is for:
resource={named[0]}"""
    hint = "Parameters for an access token that these APIs accept. Without them the token is for UserInfo alone."
    return Snippet("apis", "Call an API", hint, code)


def curl(kit: Filled) -> Snippet:
    first: Any = next((p for p in sorted(kit.client.ceiling or {}) if p.resource), None)
    more = ""
    if first is not None:
        more = f" \\\n  --data-urlencode resource={first.resource} \\\n  -d scope={first.scope}"
    code = (
        f'curl {kit.token_endpoint} \\\n  -u "{kit.client.id}:$OIDC_CLIENT_SECRET" \\\n'
        f"  -d grant_type=client_credentials{more}"
    )
    return Snippet("curl", "curl", "A token in the application's own name.", code)
