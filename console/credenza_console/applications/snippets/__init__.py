"""What a developer pastes, filled in for one application: a file or a few lines for each library."""

from __future__ import annotations

from .commands import DEVICE_CODE, apis, curl, device
from .filled import Filled, Snippet, environment, filled, scopes_of
from .javascript import authjs, oauth4webapi, oidc_client_ts, openid_client
from .servers import aspnet, authlib, go_oidc, mod_auth_openidc, omniauth, spring

__all__ = ["DEVICE_CODE", "Filled", "Snippet", "environment", "filled", "scopes_of", "snippets"]


def snippets(kit: Filled) -> tuple[Snippet, ...]:
    """For a service curl; for a browser or native application what runs there; for a server all of them."""
    if not kit.client.type.interactive:
        return (curl(kit),)
    by_code = (device(kit),) if DEVICE_CODE in kit.client.grant_types else ()
    by_redirect = _redirecting(kit) if kit.client.type.redirects else ()
    of_apis = (apis(kit),) if any(p.resource for p in kit.client.ceiling or {}) else ()
    return (*by_redirect, *by_code, *of_apis)


def _redirecting(kit: Filled) -> tuple[Snippet, ...]:
    if not kit.client.confidential:
        if not kit.client.type.native:
            return (oidc_client_ts(kit), openid_client(kit), oauth4webapi(kit))
        return (openid_client(kit), oauth4webapi(kit), authlib(kit), go_oidc(kit))
    return (
        authlib(kit),
        authjs(kit),
        openid_client(kit),
        oauth4webapi(kit),
        spring(kit),
        aspnet(kit),
        go_oidc(kit),
        omniauth(kit),
        mod_auth_openidc(kit),
    )
