"""The section `applications`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from ..objects import StateSection
from ..protocol import fapi, jose
from ..protocol.client_authentication import digest_secret
from ..protocol.clients import Branding, Client, ClientType
from ..protocol.redirect_uris import check_registrable, check_same_origin, check_web_uri
from ..protocol.scopes import Permission
from ..protocol.subject_identifiers import FORM, SUBJECT_TYPES, sector_of
from ..protocol.tokens import new_id, new_token
from ..server import AuthorizationServer
from ..store import clients
from ..web.branding import check_branding
from ..web.images import UnusableImage, store_image
from .run import Run, StateError, check_keys

SETTINGS = (
    "name",
    "description",
    "enabled",
    "require_pkce",
    "require_second_factor",
    "offline_access",
    "jwks",
    "jwks_uri",
    "backchannel_logout_uri",
    "access_token_lifetime",
)
# Members of the file that are kept in `Client.metadata`, and by which name there.
IN_METADATA = {
    "profile": "security_profile",
    "initiate_login_uri": "initiate_login_uri",
    "frontchannel_logout_uri": "frontchannel_logout_uri",
    "subject_type": "subject_type",
    "sector_identifier_uri": "sector_identifier_uri",
    "introspection_signed_response_alg": "introspection_signed_response_alg",
    "authorization_signed_response_alg": "authorization_signed_response_alg",
}
LISTS = ("redirect_uris", "post_logout_redirect_uris", "cors_origins")
KEYS = (
    "client_id",
    "client_secret",
    "type",
    "third_party",
    *SETTINGS,
    *LISTS,
    "grant_types",
    "token_endpoint_auth_method",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "permissions",
    "branding",
    "metadata",
    *IN_METADATA,
)
BRANDING = tuple(f.name for f in fields(Branding))
OF_APPLICATIONS = tuple(key for key in BRANDING if key != "stylesheet")  # custom CSS is the provider's


async def _apply_client(run: Run, item: Any, extensions: Sequence[StateSection]) -> str:
    extra = [key for section in extensions for key in section.client_keys]
    members = check_keys(item, (*KEYS, *extra), "an application")
    name = str(members.get("name") or members.get("client_id") or "")
    if not name:
        raise StateError("an application has a name")
    before = await _existing(run, members, name)
    client = _declared(run, members, before, name)
    permissions = await declared_permissions(run, name, members["permissions"]) if "permissions" in members else None
    logos = await stored_logos(run, members.get("branding") or {}, name)
    client = replace(client, branding=replace(client.branding, **logos))

    async def write() -> dict[str, Any]:
        return await _write(run, members, before, client, permissions)

    shown_before = _shown(before) if before is not None else None
    shown_after = _shown(replace(client, ceiling=permissions if permissions is not None else client.ceiling or {}))
    declared_secret = str(members.get("client_secret") or "")
    if before is not None and declared_secret and not _has_secret(before, declared_secret):
        assert shown_before is not None
        shown_before["client_secret"], shown_after["client_secret"] = "…", "… (added)"
    await run.compare("application", name, shown_before, shown_after, write)
    for section in extensions:
        mine = {key: members[key] for key in section.client_keys if key in members}
        if mine and section.apply_client is not None:
            await section.apply_client(run, client, mine)
    return client.id


async def _prune(run: Run, kept: set[str]) -> None:
    for row in await clients.list_clients(limit=1_000_000):
        if row["id"] not in kept and not await _came_by_itself(run.server, row["id"]):

            async def write(client_id: str = row["id"]) -> None:
                await clients.delete_client(client_id)

            await run.change("deleted", "application", row["name"], write, before={"client_id": row["id"]})


async def _existing(run: Run, members: Mapping[str, Any], name: str) -> Client | None:
    if "client_id" in members:
        return await clients.find_client(str(members["client_id"]), run.server.client_types)
    named = [row for row in await clients.list_clients(search=name, limit=1000) if row["name"] == name]
    # A name is anybody's to take: what registered itself under it is never taken for what the file means.
    same = [row for row in named if not await _came_by_itself(run.server, row["id"])]
    if len(same) > 1:
        raise StateError(f"{name}: several applications have this name; say which by client_id")
    return await clients.find_client(same[0]["id"], run.server.client_types) if same else None


async def _came_by_itself(server: AuthorizationServer, client_id: str) -> bool:
    client = await clients.find_client(client_id, server.client_types)
    return client is not None and client.self_registered


def _declared(run: Run, members: Mapping[str, Any], before: Client | None, name: str) -> Client:
    kind = _type(run.server, members, before, name)
    third_party = bool(members.get("third_party", before.third_party if before else kind.third_party))
    if before is not None and (before.type.name != kind.name or before.third_party != third_party):
        raise StateError(f"{name}: type and party were fixed at creation")
    if third_party and not kind.third_party:
        raise StateError(f"{name}: a {kind.name} application cannot be a third party's")
    client = before or Client(
        id=str(members.get("client_id") or new_id()),
        name=name,
        type=kind,
        third_party=third_party,
        grant_types=kind.grant_types,
        auth_method=kind.auth_methods[0],
        access_token_lifetime=run.server.settings.access_token_lifetime,
    )
    values: dict[str, Any] = {key: members[key] for key in SETTINGS if members.get(key) is not None}
    values |= {key: tuple(str(v) for v in members[key] or ()) for key in LISTS if key in members}
    renamed = {
        "token_endpoint_auth_method": "auth_method",
        "id_token_signed_response_alg": "id_token_alg",
        "userinfo_signed_response_alg": "userinfo_alg",
    }
    values |= {ours: members[theirs] for theirs, ours in renamed.items() if members.get(theirs) is not None}
    values["metadata"] = _metadata(members, client.metadata)
    if values["metadata"].get("security_profile") == fapi.PROFILE:
        values |= _fitting(members, client)
    if "grant_types" in members:
        values["grant_types"] = tuple(members["grant_types"])
    branding = check_keys(members.get("branding") or {}, OF_APPLICATIONS, f"{name}: branding")
    texts = {key: str(value or "") for key, value in branding.items() if key not in ("logo", "dark_logo", "favicon")}
    try:
        check_branding(texts)
    except ValueError as error:
        raise StateError(f"{name}: branding: {error}") from error
    client = replace(client, **values, branding=replace(client.branding, **texts))
    check_client(client, run.server.settings.signing_algorithms)
    return client


def _metadata(members: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """`metadata` replaces what was there, but for what has a member of its own in the file."""
    metadata = dict(before)
    if members.get("metadata") is not None:
        own = {name: before[name] for name in IN_METADATA.values() if name in before}
        metadata = own | dict(members["metadata"])
    metadata |= {ours: str(members[key] or "") for key, ours in IN_METADATA.items() if key in members}
    return {name: value for name, value in metadata.items() if value != "" or name not in IN_METADATA.values()}


def _fitting(members: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """What the FAPI profile leaves no choice about need not be said."""
    values: dict[str, Any] = {}
    if "token_endpoint_auth_method" not in members:
        values["auth_method"] = "private_key_jwt"
    if "id_token_signed_response_alg" not in members and client.id_token_alg not in jose.FAPI_ALGORITHMS:
        values |= {"id_token_alg": "ES256"}
    return values


def _type(server: AuthorizationServer, members: Mapping[str, Any], before: Client | None, name: str) -> ClientType:
    wanted = str(members.get("type") or (before.type.name if before else ""))
    if wanted not in server.client_types:
        raise StateError(f"{name}: type is one of {', '.join(server.client_types)}")
    return server.client_types[wanted]


def check_client(client: Client, algorithms: Sequence[str] = jose.ALGORITHMS) -> None:
    """Every setting of a client, checked as a whole; raises StateError. RFC 7591 §2.

    `algorithms` are those that the server signs with (`settings.signing_algorithms`).
    """
    kind = client.type
    try:
        for uri in client.redirect_uris:
            check_registrable(uri, native=kind.native)
        for uri in client.post_logout_redirect_uris:
            check_registrable(uri, native=kind.native)
        for uri in (
            client.jwks_uri,
            client.backchannel_logout_uri,
            client.branding.terms_uri,
            client.branding.policy_uri,
        ):
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
        (not (client.jwks and client.jwks_uri), "jwks and jwks_uri exclude each other"),
        (0 < client.access_token_lifetime <= 24 * 3600, "access_token_lifetime: 1 to 86400 seconds"),
    ]
    for right, message in checks:
        if not right:
            raise StateError(f"{client.name}: {message}")


async def declared_permissions(run: Run, name: str, declared: Any) -> dict[Permission, bool]:
    """`source: [scope, "optional?"]` or `source: {resource: [scope]}`, each known to its source or declared before."""
    server = run.server
    wanted: dict[Permission, bool] = {}
    for source, part in (declared or {}).items():
        if source not in server.scope_providers:
            raise StateError(
                f"{name}: permissions: no source {source!r}; the sources are {', '.join(server.scope_providers)}"
            )
        by_resource = part if isinstance(part, Mapping) else {"": part or []}
        for resource, scopes in by_resource.items():
            for text in scopes or []:
                permission = Permission(source, str(resource), str(text).removesuffix("?"))
                wanted[permission] = not str(text).endswith("?")
    known = {s.permission for provider in server.scope_providers.values() for s in await provider.catalogue()}
    return {_known(run, name, p, known): required for p, required in wanted.items()}


def _known(run: Run, name: str, permission: Permission, known: set[Permission]) -> Permission:
    """A scope of the user's own data may be listed with the profile's, whichever plugin brings it."""
    if permission in known or permission.key in run.declared.get("permission", ()):
        return permission
    providers = run.server.scope_providers
    for other in known:
        same_section = providers[other.source].section == providers[permission.source].section
        if not permission.resource and not other.resource and other.scope == permission.scope and same_section:
            return other
    raise StateError(
        f"{name}: permissions: {permission.source} knows no {permission.scope!r} at {permission.resource or 'itself'}"
    )


async def stored_logos(run: Run, branding: Mapping[str, Any], name: str) -> dict[str, str]:
    """Logos are files beside the desired-state file; they are checked in every pass and stored in the last one."""
    stored = {}
    for key in ("logo", "dark_logo", "favicon"):
        if not branding.get(key):
            continue
        path = run.folder / str(branding[key])
        if str(branding[key]).startswith("/image/"):
            stored[key] = str(branding[key])
            continue
        try:
            stored[key] = await store_logo(path, run)
        except OSError as error:
            raise StateError(f"{name}: branding: {path}: {error.strerror}") from error
        except UnusableImage as error:
            raise StateError(f"{name}: branding: {path}: {error}") from error
    return stored


async def store_logo(path: Path, run: Run) -> str:
    content = await asyncio.to_thread(path.read_bytes)
    return await store_image(content, run.server.now(), keep=not run.dry)


async def _write(
    run: Run,
    members: Mapping[str, Any],
    before: Client | None,
    client: Client,
    permissions: Mapping[Permission, bool] | None,
) -> dict[str, Any]:
    now = run.server.now()
    made: dict[str, Any] = {"client_id": client.id}
    if before is None:
        await clients.insert_client(client, now)
    else:
        await clients.update_client(client, now)
    if permissions is not None:
        await clients.save_permissions(client.id, permissions)
    secret = str(members.get("client_secret") or "")
    needs_one = client.auth_method.startswith("client_secret") and not (before and before.secrets)
    if needs_one and not secret:
        secret = made["client_secret"] = new_token("client_secret")
    if secret and client.confidential and not (before and _has_secret(before, secret)):
        await clients.insert_secret(client.id, name="Default", digest=digest_secret(secret), hint=secret[-4:], now=now)
    return made


def _has_secret(client: Client, secret: str) -> bool:
    return any(stored.digest == digest_secret(secret) for stored in client.secrets)


def _shown(client: Client) -> dict[str, Any]:
    """Members as they stand in the file, without secrets."""
    return {
        "client_id": client.id,
        "type": client.type.name,
        "third_party": client.third_party,
        **{key: getattr(client, key) for key in SETTINGS},
        **{key: list(getattr(client, key)) for key in LISTS},
        "grant_types": list(client.grant_types),
        "token_endpoint_auth_method": client.auth_method,
        "id_token_signed_response_alg": client.id_token_alg,
        "userinfo_signed_response_alg": client.userinfo_alg,
        "permissions": shown_permissions(client.ceiling or {}),
        "branding": {key: value for key, value in asdict(client.branding).items() if value},
        **{key: client.metadata.get(ours, "") for key, ours in IN_METADATA.items()},
        "metadata": {name: v for name, v in client.metadata.items() if name not in IN_METADATA.values()},
    }


def shown_permissions(ceiling: Mapping[Permission, bool]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for permission, required in sorted(ceiling.items()):
        scope = permission.scope + ("" if required else "?")
        if permission.resource:
            shown.setdefault(permission.source, {}).setdefault(permission.resource, []).append(scope)
        else:
            shown.setdefault(permission.source, []).append(scope)
    return shown


def section(server: AuthorizationServer, plugin_sections: Sequence[StateSection]) -> StateSection:
    """Plugins may own members of an application: the roles of a service, for example."""
    extensions = [s for s in plugin_sections if s.client_keys]

    async def apply(items: Any, run: Run) -> None:
        kept = {await _apply_client(run, item, extensions) for item in items or []}
        if run.prune:
            await _prune(run, kept)

    async def export() -> list[dict[str, Any]]:
        found = []
        for row in await clients.list_clients(order="created_at", limit=1_000_000):
            client = await clients.find_client(row["id"], server.client_types)
            if client is None or client.self_registered:
                continue
            shown = {"name": client.name, **_shown(client)}
            for extension in extensions:
                shown |= await extension.export_client(client) if extension.export_client is not None else {}
            found.append({key: value for key, value in shown.items() if value not in ("", [], {}, None)})
        return found

    return StateSection("applications", 600, apply, export)
