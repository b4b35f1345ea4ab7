"""All the permissions that there are, words for those that were granted, and what is deleted with one of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .objects import ScopeProvider, Subject
from .permissions import ask, by_permission, ceiling_of, held_by, named_by
from .protocol.clients import Client
from .protocol.errors import ServerError
from .protocol.scopes import Asked, Permission, Scope
from .server import AuthorizationServer
from .store.clearing import Disable, clear
from .store.clients import forget_enabled
from .store.consents import ConsentPermissionRow, forget_answers
from .store.engine import transaction
from .store.permission_rows import concerning
from .store.version import bump_version


async def catalogue(server: AuthorizationServer) -> dict[Permission, Scope]:
    """Every permission that there is, in the order of the sources: to be listed and chosen from.

    A source that fails is named in the log and passed over. Nothing is granted by a list, and the rest is there.
    """
    found: dict[Permission, Scope] = {}
    for provider in server.scope_providers.values():
        try:
            found |= await catalogue_of(server, provider)
        except ServerError:
            continue
    return found


async def enabled_permissions(server: AuthorizationServer, client: Client) -> dict[Permission, Scope]:
    """What an application may ask for at this moment: its ceiling, and what needs no enabling."""
    scopes = await catalogue(server)
    ceiling = ceiling_of(server, client, scopes)
    return scopes if ceiling is None else {p: scope for p, scope in scopes.items() if p in ceiling}


async def held_by_client(
    server: AuthorizationServer, subject: Subject, resources: Collection[str]
) -> Mapping[Permission, str]:
    """Everything at these resources that a client holds which acts for itself: enabled on it, or through a role."""
    assert subject.client is not None
    there = {p for p in subject.client.ceiling or {} if p.resource in resources}
    for provider in server.scope_providers.values():
        if resources and provider.for_clients:
            offered = await _by_resource(server, provider)
            there |= {p for resource in resources for p in offered.get(resource, ())}
    return await held_by(server, subject, there, {})


async def described(server: AuthorizationServer, permissions: Collection[Permission]) -> dict[Permission, Scope]:
    """These permissions in words, for pages that list them. What no source knows any more goes by its own name."""
    asked = Asked(tuple({p.scope for p in permissions}), tuple({p.resource for p in permissions if p.resource}))
    found: dict[Permission, Scope] = {}
    for provider in server.scope_providers.values():
        mine = {p for p in permissions if p.source == provider.name}
        if not mine:
            continue
        try:
            scopes = await named_by(server, provider, asked)
            if mine - scopes.keys():  # a source may want more in a request than its own scopes
                scopes = await catalogue_of(server, provider) | scopes
        except ServerError:
            continue  # it is in the log; what was allowed must be shown all the same
        found |= {p: scope for p, scope in scopes.items() if p in mine}
    return found | {p: Scope(p, p.scope, p.resource) for p in sorted(permissions) if p not in found}


async def _by_resource(server: AuthorizationServer, provider: ScopeProvider) -> Mapping[str, Collection[Permission]]:
    """A token for one API does not go through all that there is at two hundred others."""

    async def load() -> Mapping[str, Collection[Permission]]:
        found: dict[str, list[Permission]] = {}
        for permission in await catalogue_of(server, provider):
            found.setdefault(permission.resource, []).append(permission)
        return found

    return await (server.catalogues.get(provider.name, load) if provider.steady else load())


async def catalogue_of(server: AuthorizationServer, provider: ScopeProvider) -> dict[Permission, Scope]:
    """What one source offers; raises ServerError when it does not answer."""
    return await ask(server, provider, "catalogue", by_permission(provider.catalogue()))


async def forget_permissions(server: AuthorizationServer, resource: str, scope: str = "", *, source: str = "") -> None:
    """Call it in the transaction that deletes an API, one of its permissions, or another of a `source`.

    What is created under the same name later is something else: no client, consent or role has it from before.
    """
    await forget_answers(source, resource, scope)
    await _forget_settings(server, resource, scope, source)


async def clear_permissions(
    server: AuthorizationServer, withdraw: Disable, resource: str, *scopes: str, source: str = ""
) -> None:
    """Forget what users answered about an API's permissions, or some, a little at a time, if very many did.

    Call it before the transaction of `forget_permissions`. Before the first answer is forgotten, applications lose the
    permissions and `withdraw` takes them from roles, in one transaction: nobody has them any more.
    """
    each = scopes or ("",)

    async def disable() -> None:
        async with transaction():
            for scope in each:
                await _forget_settings(server, resource, scope, source)
            await withdraw()
            await bump_version()

    await clear(disable, *(concerning(ConsentPermissionRow, source, resource, scope) for scope in each))


async def _forget_settings(server: AuthorizationServer, resource: str, scope: str, source: str) -> None:
    await forget_enabled(source, resource, scope)
    await server.forget_in_client_sources(source, resource, scope)
    for provider in server.scope_providers.values() if resource else ():
        await ask(server, provider, "forget", provider.forget(resource, scope))
