"""Permissions as they stand in the file: a ceiling, by source and resource."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

from ..catalogue import catalogue, catalogue_of
from ..permissions import named_by
from ..protocol.errors import ServerError
from ..protocol.scopes import Asked, Permission
from .run import Run, StateError


async def declared_permissions(
    run: Run, name: str, declared: Any, there: Collection[Permission] = ()
) -> dict[Permission, bool]:
    """`source: [scope, "optional?"]` or `source: {resource: [scope]}`, each known to its source or declared before.

    What is `there` already may stay when its source is gone or does not answer: an exported file can be applied.
    """
    server = run.server
    wanted: dict[Permission, bool] = {}
    for source, part in (declared or {}).items():
        if source not in server.scope_providers and source not in {p.source for p in there}:
            raise StateError(
                f"{name}: permissions: no source {source!r}; the sources are {', '.join(server.scope_providers)}"
            )
        by_resource = part if isinstance(part, Mapping) else {"": part or []}
        for resource, scopes in by_resource.items():
            if not isinstance(scopes or [], list):
                raise StateError(f"{name}: permissions: {source} is a list of scopes, not {scopes!r}")
            for text in scopes or []:
                permission = Permission(source, str(resource), str(text).removesuffix("?"))
                wanted[permission] = not str(text).endswith("?")
    known = _still(run, await _called(run, wanted))
    if any(p not in known and p.key not in run.declared.get("permission", ()) for p in wanted):
        known = _still(run, await catalogue(server))
    return {await _known(run, name, p, known, there): required for p, required in wanted.items()}


async def _called(run: Run, permissions: Collection[Permission]) -> set[Permission]:
    """What the sources have under these names: not all that there is, for each of very many applications."""
    asked = Asked(tuple({p.scope for p in permissions}), tuple({p.resource for p in permissions if p.resource}))
    found: set[Permission] = set()
    for provider in run.server.scope_providers.values():
        with suppress(ServerError):  # it is in the log
            found |= (await named_by(run.server, provider, asked)).keys()
    return found


def _still(run: Run, permissions: Iterable[Permission]) -> set[Permission]:
    """Without those that the file removes."""
    return {p for p in permissions if run.knows("permission", p.key, there=True)}


async def _known(
    run: Run, name: str, permission: Permission, known: set[Permission], there: Collection[Permission]
) -> Permission:
    """A scope of the user's own data may be listed with the profile's, whichever plugin brings it."""
    if permission in known or permission.key in run.declared.get("permission", ()):
        return permission
    providers = run.server.scope_providers
    if permission.source not in providers:
        if permission in there:
            return permission
        raise StateError(f"{name}: permissions: no plugin brings {permission.source!r} any more; install that again")
    section = providers[permission.source].section
    near = [p for p in known if p.resource == permission.resource and providers[p.source].section == section]
    if permission.resource:
        near = [p for p in near if p.source == permission.source]
    for other in near:
        if not permission.resource and other.scope == permission.scope:
            return other
    try:
        await catalogue_of(run.server, providers[permission.source])
    except ServerError:
        if permission in there:
            return permission
        raise StateError(
            f"{name}: permissions: {permission.source} does not answer, so nobody can tell whether it knows "
            f"{permission.scope!r}; the log says why"
        ) from None
    at = f" at {permission.resource}" if permission.resource else ""
    hint = f"there is {', '.join(sorted(p.scope for p in near))}" if near else "nothing is declared there"
    raise StateError(f"{name}: permissions: {permission.source} knows no {permission.scope!r}{at}; {hint}")


def shown_permissions(ceiling: Mapping[Permission, bool]) -> dict[str, Any]:
    """A ceiling as a desired-state file has it: by source, and by resource if there is one; "?" ends optional ones."""
    shown: dict[str, Any] = {}
    for permission, required in sorted(ceiling.items()):
        scope = permission.scope + ("" if required else "?")
        if permission.resource:
            shown.setdefault(permission.source, {}).setdefault(permission.resource, []).append(scope)
        else:
            shown.setdefault(permission.source, []).append(scope)
    return shown
