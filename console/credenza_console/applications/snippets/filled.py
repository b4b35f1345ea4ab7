"""What a snippet is, and what it is filled with: one application, and this server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from credenza import AuthorizationServer, Client, enabled_permissions

REDIRECT = "https://app.example.com/callback"
SECRET = "<the secret you copied>"  # noqa: S105  # a place for one


@dataclass(frozen=True, slots=True)
class Snippet:
    """`name` is its anchor; `hint` says whom it is for."""

    name: str
    title: str
    hint: str
    code: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What every snippet needs of an application and of this server."""

    client: Client
    issuer: str
    discovery: str
    token_endpoint: str
    device_endpoint: str
    redirect_uri: str
    scope: str

    @property
    def secret(self) -> bool:
        """Whether the application authenticates with a secret."""
        return self.client.auth_method.startswith("client_secret")

    @property
    def plain(self) -> bool:
        """Whether this server is on the developer's own machine, without TLS: some libraries have to be told."""
        return self.issuer.startswith("http://")

    @property
    def scopes(self) -> list[str]:
        return self.scope.split(" ")


async def scopes_of(server: AuthorizationServer, client: Client) -> str:
    """What the application may ask for, as the value of `scope`; with what is enabled together with it."""
    if client.ceiling is None:
        own = ["profile", "email"]
    else:
        enabled = await enabled_permissions(server, client)
        own = [p.scope for p in sorted(enabled) if not p.resource and not enabled[p].always]
    return " ".join(["openid", *own, *(["offline_access"] if client.offline_access else [])])


async def filled(server: AuthorizationServer, client: Client, document: Mapping[str, object]) -> Filled:
    return Filled(
        client=client,
        issuer=server.issuer,
        discovery=f"{server.issuer}/.well-known/openid-configuration",
        token_endpoint=str(document["token_endpoint"]),
        device_endpoint=str(document["device_authorization_endpoint"]),
        redirect_uri=client.redirect_uris[0] if client.redirect_uris else REDIRECT,
        scope=await scopes_of(server, client),
    )


def environment(kit: Filled) -> str:
    """A `.env` file. Its secret is a place to paste one: only its hash is kept here."""
    lines = [f"OIDC_ISSUER={kit.issuer}", f"OIDC_CLIENT_ID={kit.client.id}"]
    if kit.secret:
        lines.append(f'OIDC_CLIENT_SECRET="{SECRET}"')
    if kit.client.type.redirects:
        lines.append(f"OIDC_REDIRECT_URI={kit.redirect_uri}")
    if kit.client.type.interactive:
        lines.append(f'OIDC_SCOPE="{kit.scope}"')
    if not kit.client.type.redirects:
        lines.append(f"OIDC_TOKEN_ENDPOINT={kit.token_endpoint}")
    return "\n".join(lines)
