"""The section `applications`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from ..objects import StateSection
from ..protocol import fapi, jose
from ..protocol.client_authentication import digest_secret
from ..protocol.clients import Branding, Client, ClientType
from ..protocol.names import LONGEST_DESCRIPTION, as_kept, forms_of
from ..protocol.scopes import Permission
from ..protocol.tokens import new_id, new_token
from ..server import AuthorizationServer
from ..store import clients
from ..store.clearing import clear_client
from ..store.engine import transaction
from .branding import declared_branding
from .client_check import check_client
from .members import ANYTHING, FLAG, MAPPING, TEXT, TEXTS, StateMember, check_keys, kept_name
from .permissions import declared_permissions, shown_permissions
from .run import Run, StateError

SETTINGS = {
    "name": StateMember(str, most=200),
    "description": StateMember(str, most=LONGEST_DESCRIPTION),
    "enabled": StateMember(bool, empty=True),
    "require_pkce": FLAG,
    "require_second_factor": FLAG,
    "offline_access": StateMember(bool, empty=True),
    "jwks": MAPPING,
    "jwks_uri": TEXT,
    "backchannel_logout_uri": TEXT,
    "access_token_lifetime": StateMember(int),
}
# Members of the file that are kept in `Client.metadata`, and by which name there.
IN_METADATA = {
    "profile": "security_profile",
    "initiate_login_uri": "initiate_login_uri",
    "frontchannel_logout_uri": "frontchannel_logout_uri",
    "subject_type": "subject_type",
    "sector_identifier_uri": "sector_identifier_uri",
    "id_token_claims": "id_token_claims",
    "introspection_signed_response_alg": "introspection_signed_response_alg",
    "authorization_signed_response_alg": "authorization_signed_response_alg",
}
LISTS = ("redirect_uris", "post_logout_redirect_uris", "cors_origins")
LONG_SECRET = 32  # characters of one that was made at random, of 128 bits at least. RFC 6749 §10.10
# Members that `Client` has under another name, and what stands there when they are left empty.
RENAMED = {
    "token_endpoint_auth_method": "auth_method",
    "id_token_signed_response_alg": "id_token_alg",
    "userinfo_signed_response_alg": "userinfo_alg",
}
WRITTEN = (*SETTINGS, *LISTS, *RENAMED.values(), "grant_types", "branding", "metadata")
MEMBERS = {
    "client_id": TEXT,
    "client_secret": TEXT,
    "type": TEXT,
    "third_party": StateMember(bool, empty=True),
    **SETTINGS,
    **dict.fromkeys((*LISTS, "grant_types"), TEXTS),
    **dict.fromkeys(RENAMED, TEXT),
    "permissions": MAPPING,
    "branding": MAPPING,
    "metadata": MAPPING,
    **dict.fromkeys(IN_METADATA, TEXT),
}


async def _apply_client(run: Run, item: Any, extensions: Sequence[StateSection]) -> str:
    extra = dict.fromkeys((key for section in extensions for key in section.client_keys), ANYTHING)
    members = check_keys(item, MEMBERS | extra, "an application")
    name = str(members.get("name") or members.get("client_id") or "")
    if not name:
        raise StateError("an application has a name")
    run.once("application", str(members.get("client_id") or as_kept(name)))
    before = await _existing(run, members, name)
    what = f"an application ({members['client_id']})" if members.get("client_id") else "an application"
    name = kept_name(what, name, (before.name,) if before is not None else ())
    if members.get("name"):
        members = {**members, "name": name}
    client = _declared(run, members, before, name)
    permissions = None
    if "permissions" in members:
        ceiling = (before.ceiling if before is not None else None) or {}
        permissions = await declared_permissions(run, name, members["permissions"], ceiling)
    if "branding" in members:
        said = {key: value for key, value in asdict(client.branding).items() if value}
        branding = await declared_branding(run, members["branding"], name, said, level="application")
        client = replace(client, branding=Branding.load(branding))

    async def write() -> dict[str, Any]:
        return await _write(run, members, before, client, permissions)

    shown_before = _shown(before) if before is not None else None
    shown_after = _shown(replace(client, ceiling=permissions if permissions is not None else client.ceiling or {}))
    declared_secret = str(members.get("client_secret") or "")
    if 0 < len(declared_secret) < LONG_SECRET:
        run.warnings.append(f"{name}: client_secret: a chosen one can be guessed; leave it out, and one is made")
    if before is not None and declared_secret and not _has_secret(before, declared_secret):
        assert shown_before is not None
        shown_before["client_secret"], shown_after["client_secret"] = "…", "… (added)"
    await run.compare("application", name, shown_before, shown_after, write)
    if run.prune and before is not None and declared_secret:
        await _prune_secrets(run, before, declared_secret)
    for section in extensions:
        mine = {key: members[key] for key in section.client_keys if key in members}
        if mine and section.apply_client is not None:
            await section.apply_client(run, client, mine)
    return client.id


async def _prune_secrets(run: Run, client: Client, declared: str) -> None:
    """Whoever says what the secret is means no other one: a secret that somebody has seen is replaced in the file."""
    names = {row["id"]: row["name"] for row in await clients.list_secrets(client.id)}
    for secret in client.secrets:
        if secret.digest != digest_secret(declared):

            async def write(key: str = secret.id) -> None:
                await clients.delete_secret(client.id, key)

            called = f"{names.get(secret.id, secret.id)} of {client.name}"
            await run.change("deleted", "client secret", called, write, before={"client_id": client.id})


async def _prune(run: Run, kept: set[str]) -> None:
    for row in await clients.list_clients(limit=1_000_000):
        if row["id"] not in kept and not await _came_by_itself(run.server, row["id"]):

            async def write(client_id: str = row["id"]) -> None:
                await clients.delete_client(client_id)

            if not run.dry:
                await clear_client(row["id"], partial(_disable, run, row))
            await run.change("deleted", "application", row["name"], write, before={"client_id": row["id"]})


async def _disable(run: Run, row: Mapping[str, Any]) -> None:
    """Before it goes a little at a time."""
    async with transaction():
        if await clients.switch_client(row["id"], enabled=False, now=run.server.now()):
            await run.note("disabled", "application", row["name"], before={"enabled": True}, after={"enabled": False})


async def _existing(run: Run, members: Mapping[str, Any], name: str) -> Client | None:
    """By its id, else by its name in whatever form."""
    if members.get("client_id"):
        return await clients.find_client(str(members["client_id"]), run.server.client_types)
    for form in forms_of(name):
        named = [row for row in await clients.list_clients(search=form, limit=1000) if row["name"] == form]
        # A name is anybody's to take: what registered itself under it is never taken for what the file means.
        same = [row for row in named if not await _came_by_itself(run.server, row["id"])]
        if len(same) > 1:
            raise StateError(f"{name}: several applications have this name; say which by client_id")
        if same:
            return await clients.find_client(same[0]["id"], run.server.client_types)
    return None


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
    )
    values: dict[str, Any] = {key: members[key] for key in SETTINGS if key in members}
    values |= {key: tuple(members[key]) for key in LISTS if key in members}
    values |= {ours: members[theirs] for theirs, ours in RENAMED.items() if theirs in members}
    unsaid = {
        "name": name,
        "auth_method": kind.auth_methods[0],
        "id_token_alg": "RS256",
        "access_token_lifetime": 0,
    }
    values |= {key: value for key, value in unsaid.items() if key in values and not values[key]}
    values["metadata"] = _metadata(members, client.metadata)
    if values["metadata"].get("security_profile") == fapi.PROFILE:
        values |= _fitting(members, client)
    if "grant_types" in members:
        values["grant_types"] = tuple(members["grant_types"])
    client = replace(client, **values)
    if members.get("client_secret") and not any(method != "none" for method in kind.auth_methods):
        raise StateError(f"{name}: client_secret: a {kind.name} application cannot keep one")
    check_client(client, run.server.settings.signing_algorithms, run.server.settings.redirect_schemes)
    return client


def _metadata(members: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """`metadata` replaces what was there, but for what has a member of its own in the file."""
    metadata = dict(before)
    if "metadata" in members:
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
        differing = [name for name in WRITTEN if getattr(client, name) != getattr(before, name)]
        await clients.edit_client(client, differing, now)  # whatever else is changed meanwhile stays
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
        "access_token_lifetime": client.access_token_lifetime or None,
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


def section(server: AuthorizationServer, plugin_sections: Sequence[StateSection]) -> StateSection:
    """Plugins may own members of an application: the roles of a service, for example."""
    extensions = [s for s in plugin_sections if s.client_keys]

    async def apply(items: Any, run: Run) -> None:
        kept = {await _apply_client(run, item, extensions) for item in items or []}
        if run.prune:
            await _prune(run, kept)

    async def export() -> list[dict[str, Any]]:
        found = []
        async for client in clients.every_client(server.client_types):
            if client.self_registered:
                continue
            shown = {"name": client.name, **_shown(client)}
            for extension in extensions:
                shown |= await extension.export_client(client) if extension.export_client is not None else {}
            found.append({key: value for key, value in shown.items() if value not in ("", [], {}, None)})
        return sorted(found, key=lambda application: (application["name"].casefold(), application["client_id"]))

    return StateSection("applications", 600, apply, export)
