"""The integration kit: what a developer pastes, filled in for this application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from credenza import Client, ConsoleVisit, console_get, provider_metadata

from .common import ONE, ApplicationView, find, tabs

REDIRECT = "https://app.example.com/callback"
SECRET = "<the secret you copied>"  # noqa: S105  # a place for one


@dataclass(frozen=True, slots=True)
class Snippet:
    title: str
    hint: str
    code: str


@dataclass(kw_only=True)
class KitPage(ApplicationView):
    template: ClassVar[str] = "applications/kit.html"
    snippets: tuple[Snippet, ...]
    discovery: str
    redirect_missing: bool


@console_get(ONE + "/kit", "applications:read")
async def show_kit(visit: ConsoleVisit, application: str) -> KitPage:
    client = await find(visit, application)
    document = await provider_metadata(visit.server)
    issuer = visit.server.issuer
    return KitPage(
        title=client.name,
        lead=client.description,
        tabs=tabs(client, "Integration kit"),
        client=client,
        snippets=snippets(client, issuer, str(document["token_endpoint"])),
        discovery=f"{issuer}/.well-known/openid-configuration",
        redirect_missing=client.type.interactive and not client.redirect_uris,
    )


def scopes_of(client: Client) -> str:
    """What the application may ask for, as the value of `scope`."""
    own = [p.scope for p in sorted(client.ceiling or {}) if not p.resource]
    if client.ceiling is None:
        own = ["profile", "email"]
    return " ".join(["openid", *own, *(["offline_access"] if client.offline_access else [])])


def snippets(client: Client, issuer: str, token_endpoint: str) -> tuple[Snippet, ...]:
    if not client.type.interactive:
        return (_environment(client, issuer), _curl(client, token_endpoint))
    found = [_environment(client, issuer), _authlib(client, issuer), _openid_client(client, issuer)]
    if client.confidential:
        found.append(_mod_auth_openidc(client, issuer))
    return tuple(found)


def _redirect(client: Client) -> str:
    return client.redirect_uris[0] if client.redirect_uris else REDIRECT


def _environment(client: Client, issuer: str) -> Snippet:
    lines = [f"OIDC_ISSUER={issuer}", f"OIDC_CLIENT_ID={client.id}"]
    if client.confidential and client.auth_method != "private_key_jwt":
        lines.append(f'OIDC_CLIENT_SECRET="{SECRET}"')
    if client.type.interactive:
        lines += [f"OIDC_REDIRECT_URI={_redirect(client)}", f'OIDC_SCOPE="{scopes_of(client)}"']
    return Snippet(".env", "For any library; most read these or ask for them by these names.", "\n".join(lines))


def _authlib(client: Client, issuer: str) -> Snippet:
    secret = f'\n    client_secret="{SECRET}",' if client.confidential else ""
    code = f"""oauth.register(
    "credenza",
    server_metadata_url="{issuer}/.well-known/openid-configuration",
    client_id="{client.id}",{secret}
    client_kwargs={{
        "scope": "{scopes_of(client)}",
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": "{client.auth_method}",
    }},
)"""
    return Snippet("Authlib", "Python: Flask, Starlette, FastAPI or Django.", code)


def _openid_client(client: Client, issuer: str) -> Snippet:
    method = {
        "client_secret_post": f'client.ClientSecretPost("{SECRET}")',
        "client_secret_basic": f'client.ClientSecretBasic("{SECRET}")',
        "none": "client.None()",
    }.get(client.auth_method, "client.PrivateKeyJwt(privateKey)")
    code = f"""import * as client from "openid-client";

const config = await client.discovery(
  new URL("{issuer}"),
  "{client.id}",
  undefined,
  {method},
);

const codeVerifier = client.randomPKCECodeVerifier();
const url = client.buildAuthorizationUrl(config, {{
  redirect_uri: "{_redirect(client)}",
  scope: "{scopes_of(client)}",
  code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
  code_challenge_method: "S256",
  state: client.randomState(),
}});"""
    return Snippet("openid-client", "JavaScript: Node, Deno, Bun or a browser.", code)


def _mod_auth_openidc(client: Client, issuer: str) -> Snippet:
    code = f"""OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client.id}
OIDCClientSecret "{SECRET}"
OIDCRedirectURI {_redirect(client)}
OIDCScope "{scopes_of(client)}"
OIDCPKCEMethod S256
OIDCProviderTokenEndpointAuth {client.auth_method}
OIDCCryptoPassphrase "exec:/usr/bin/openssl rand -hex 32"

<Location />
  AuthType openid-connect
  Require valid-user
</Location>"""
    return Snippet("mod_auth_openidc", "Apache httpd.", code)


def _curl(client: Client, token_endpoint: str) -> Snippet:
    first = next((p for p in sorted(client.ceiling or {}) if p.resource), None)
    more = (
        f" \\\n  --data-urlencode resource={first.resource} \\\n  -d scope={first.scope}" if first is not None else ""
    )
    code = (
        f'curl {token_endpoint} \\\n  -u "{client.id}:$OIDC_CLIENT_SECRET" \\\n  -d grant_type=client_credentials{more}'
    )
    return Snippet("curl", "A token of the application's own.", code)
