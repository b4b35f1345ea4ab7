"""The settings of one application: what its developer needs, and what an administrator decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from credenza import (
    AuthorizationServer,
    Client,
    ConsoleDone,
    ConsoleVisit,
    Link,
    Parameters,
    Reach,
    Settings,
    ShownPanel,
    StateError,
    changed_meanwhile,
    check_client,
    check_registrable,
    check_web_uri,
    clients,
    console_get,
    console_post,
    initiate_login_address,
    naming_mistakes,
    provider_metadata,
    state_of,
    unchanged,
)

from .application import ONE, ApplicationForm, address_of_client, find, tabs, touched
from .secrets import SecretRow, list_secrets

LISTS = ("redirect_uris", "post_logout_redirect_uris", "cors_origins")
TEXTS = ("name", "description", "auth_method", "id_token_alg", "jwks_uri", "backchannel_logout_uri")
SWITCHES = ("require_pkce", "offline_access", "require_second_factor")
# Fields of the form that are kept in `Client.metadata`, and by which name there.
METADATA = {
    "profile": "security_profile",
    "initiate_login_uri": "initiate_login_uri",
    "frontchannel_logout_uri": "frontchannel_logout_uri",
    "subject_type": "subject_type",
    "sector_identifier_uri": "sector_identifier_uri",
    "id_token_claims": "id_token_claims",
}
REDIRECTS = (
    *("redirect_uris", "post_logout_redirect_uris", "require_pkce"),
    *("frontchannel_logout_uri", "initiate_login_uri", "subject_type", "sector_identifier_uri"),
)
LOGOUT = ("backchannel_logout_uri", "frontchannel_logout_uri")
# Of those that are chosen from a list, what counts when nothing is kept.
USUAL = {"profile": "none", "subject_type": "public", "id_token_claims": "asked"}
SUBJECT_TYPES = (
    ("public", "Public: the same for every application"),
    ("pairwise", "Pairwise: different for each host of an application"),
)
ID_TOKEN_CLAIMS = (
    ("asked", "Only who the user is. UserInfo has the rest"),
    ("granted", "All that the user allowed"),
)
PROFILES = (("none", "None: only the settings below"), ("fapi2", "FAPI 2.0 Security Profile"))
MOST_URIS = 100
NOTHING = Reach()
METHODS = {
    "client_secret_basic": "client_secret_basic: the secret in the Authorization header",
    "client_secret_post": "client_secret_post: the secret in the form",
    "private_key_jwt": "private_key_jwt: a signed assertion, no secret",
    "none": "none: a public client",
}


@dataclass(kw_only=True)
class SettingsPage(ApplicationForm):
    """`endpoints` are label and address pairs for every library, `more_endpoints` the rest of the metadata document.

    `removed` are redirect URIs that the form would take away, to be confirmed with what that touches. `missing` is what
    is still to be done before the application works, each with where it is done.
    """

    template: ClassVar[str] = "applications/settings.html"
    endpoints: tuple[tuple[str, str], ...]
    more_endpoints: tuple[tuple[str, str], ...]
    secrets: tuple[SecretRow, ...]
    new_secret: Mapping[str, str]
    methods: tuple[tuple[str, str], ...]
    algorithms: tuple[tuple[str, str], ...]
    profiles: tuple[tuple[str, str], ...]
    subject_types: tuple[tuple[str, str], ...]
    id_token_claims: tuple[tuple[str, str], ...]
    opens_at: str
    panels: tuple[ShownPanel, ...]
    missing: tuple[Link, ...]
    removed: tuple[str, ...] = ()
    touched: Reach = NOTHING


@console_get(ONE, "applications:read")
async def show_settings(visit: ConsoleVisit, application: str) -> SettingsPage:
    client = await find(visit, application)
    return await _page(visit, client, values_of(client))


@console_post(ONE, "applications:write")
async def save_settings(visit: ConsoleVisit, application: str) -> ConsoleDone | SettingsPage:
    client = await find(visit, application)
    values = typed(client, visit)
    changed, errors = parse(client, values, visit.server.settings)
    removed = tuple(uri for uri in client.redirect_uris if uri not in changed.redirect_uris)
    reached = await touched(visit, client) if removed and not errors else NOTHING
    if reached.any and not visit.confirms(client.name):
        errors = _unconfirmed(visit.form)
    if errors := changed_meanwhile(visit.form, values_of(client), beside=errors):
        page = (await _page(visit, client, values)).refused(errors)
        page.removed, page.touched = (removed if reached.any else ()), reached
        return page
    before, after = difference(client, changed)
    if after:
        async with unchanged(client, partial(clients.hold_client, client.id, visit.server.client_types)):
            await clients.edit_client(
                changed, {"metadata" if name in METADATA else name for name in after}, visit.server.now()
            )
            await visit.changed("application", "updated", client.id, client=client.id, before=before, after=after)
    page = await _page(visit, changed, values)
    return ConsoleDone(page.address, "Saved.")


def _unconfirmed(form: Parameters) -> dict[str, str]:
    """A question at first, and only then a mistake."""
    if "confirm" not in form:
        return {"": "Nothing is saved yet, because what you remove is in use. Confirm it below."}
    return {"confirm": "That is not the name of the application."}


def values_of(client: Client) -> dict[str, str]:
    """As the form shows them."""
    return {
        **{name: getattr(client, name) for name in TEXTS},
        **{name: "\n".join(getattr(client, name)) for name in LISTS},
        **{name: "on" if getattr(client, name) else "" for name in SWITCHES},
        "access_token_lifetime": str(client.access_token_lifetime or ""),
        "jwks": json.dumps(client.jwks, indent=2) if client.jwks else "",
        **{name: str(client.metadata.get(kept) or USUAL.get(name, "")) for name, kept in METADATA.items()},
    }


def typed(client: Client, visit: ConsoleVisit) -> dict[str, str]:
    """As they were typed. Fields that this type of application does not have stay as they are."""
    values = visit.typed(*values_of(client), kept=client.name)
    absent: list[str] = []
    if not client.type.redirects:
        absent += [*REDIRECTS]
    if not client.type.interactive:
        absent += [*LISTS, *SWITCHES, "id_token_alg", *LOGOUT]
        absent += ["id_token_claims"]
    if not client.type.confidential:
        absent += ["auth_method", "jwks", "jwks_uri", "require_pkce", "profile"]
    absent += [name for name in USUAL if name not in visit.form]  # a form that does not say takes nothing away
    return values | {name: value for name, value in values_of(client).items() if name in absent}


def parse(client: Client, values: Mapping[str, str], settings: Settings) -> tuple[Client, dict[str, str]]:
    """The client that the form describes, and what is wrong, by field."""
    errors = naming_mistakes(values)
    lists = {name: _lines(values[name]) for name in LISTS}

    def check(uri: str) -> None:
        check_registrable(uri, native=client.type.native, schemes=settings.redirect_schemes)

    for name in ("redirect_uris", "post_logout_redirect_uris"):
        _note_wrong_lines(errors, name, lists[name], check)
    _note_wrong_lines(errors, "cors_origins", lists["cors_origins"], check_origin)
    for name in ("jwks_uri", *LOGOUT, "initiate_login_uri", "sector_identifier_uri"):
        if values[name]:
            _note_wrong_lines(errors, name, (values[name],), check_web_uri)
    lifetime, jwks = client.access_token_lifetime, dict(client.jwks)
    text = values["access_token_lifetime"]
    if not text:
        lifetime = 0  # the server's
    elif text.isascii() and text.isdecimal() and len(text) < 7 and 0 < int(text) <= 24 * 3600:
        lifetime = int(text)
    else:
        errors |= {"access_token_lifetime": "A number of seconds from 1 to 86400."}
    try:
        jwks = json.loads(values["jwks"] or "{}")
        if not isinstance(jwks, dict):
            raise ValueError
    except (ValueError, RecursionError):
        errors["jwks"] = 'This is not a JSON Web Key Set: {"keys": [...]}.'
    said: dict[str, Any] = {name: values[name] for name in TEXTS}
    said |= {name: values[name] == "on" for name in SWITCHES}
    said |= lists | {"access_token_lifetime": lifetime, "jwks": jwks}
    kept = {name: value for name, value in client.metadata.items() if name not in METADATA.values()}
    said["metadata"] = kept | {
        theirs: values[name] for name, theirs in METADATA.items() if values[name] not in ("", USUAL.get(name))
    }
    changed = replace(client, **said)
    if not errors:
        errors = _whole_mistakes(changed, settings)
    return changed, errors


def _lines(text: str) -> tuple[str, ...]:
    """Each once, without the empty ones."""
    return tuple(dict.fromkeys(line.strip() for line in text.split("\n") if line.strip()))


def _note_wrong_lines(
    errors: dict[str, str], name: str, lines: tuple[str, ...], check: Callable[[str], object]
) -> None:
    """One sentence for each line that is wrong, naming the line."""
    wrong = []
    for line in lines:
        try:
            check(line)
        except ValueError as error:
            wrong.append(f"{line[:200]}: {error}")
    if len(lines) > MOST_URIS:
        wrong.append(f"There are at most {MOST_URIS}.")
    if wrong:
        errors[name] = "\n".join(wrong)


def check_origin(origin: str) -> None:
    check_web_uri(origin)
    if origin.count("/") != 2 or "?" in origin:
        raise ValueError("An origin is scheme and host only, like https://app.example.com.")


def _whole_mistakes(client: Client, settings: Settings) -> dict[str, str]:
    """What only shows in the settings together."""
    try:
        check_client(client, settings.signing_algorithms, settings.redirect_schemes)
    except StateError as error:
        message = str(error).removeprefix(f"{client.name}: ")
        fields = {
            "token_endpoint_auth_method": "auth_method",
            "id_token_signed_response_alg": "id_token_alg",
            "jwks and jwks_uri": "jwks_uri",
            "jwks_uri": "jwks_uri",
            "jwks": "jwks",
            "initiate_login_uri": "initiate_login_uri",
            "frontchannel_logout_uri": "frontchannel_logout_uri",
            "sector_identifier_uri": "sector_identifier_uri",
            "subject_type": "subject_type",
            "id_token_claims": "id_token_claims",
            "redirect_uris": "redirect_uris",
            "profile": "profile",
            "grant_types": "profile",
            "request_object_signing_alg": "profile",
        }
        field = next((ours for theirs, ours in fields.items() if message.startswith(theirs)), "jwks")
        return {field: message}
    if client.auth_method == "private_key_jwt" and not client.jwks and not client.jwks_uri:
        return {"jwks_uri": "With private_key_jwt the application's public keys are needed: an address or a key set."}
    return {}


def difference(before: Client, after: Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """For the audit log: the settings that differ, as they were and as they are."""
    names = (*TEXTS, *LISTS, *SWITCHES, "access_token_lifetime", "jwks")
    old, new = ({name: getattr(client, name) for name in names} for client in (before, after))
    for values, client in ((old, before), (new, after)):
        values |= {name: client.metadata.get(kept, "") for name, kept in METADATA.items()}
    differing = [name for name in old if old[name] != new[name]]
    return {name: old[name] for name in differing}, {name: new[name] for name in differing}


def missing(client: Client) -> list[Link]:
    """What is still to be done before the application works as it is meant to."""
    address = address_of_client(client.id)
    steps = []
    if client.confidential and not client.secrets and client.auth_method != "private_key_jwt":
        steps.append(Link("Create a secret: without one it cannot get a token", f"{address}/secrets/create"))
    if client.type.redirects and not client.redirect_uris:
        steps.append(Link("Add a redirect URI: without one nobody can sign in", f"{address}#redirect_uris"))
    if client.ceiling == {} and not client.self_registered:
        nothing = "it learns who the user is, and nothing more" if client.type.interactive else "it may do nothing"
        words = f"Choose what it may ask for: until then {nothing}"
        steps.append(Link(words, f"{address}/permissions/add"))
    return steps


Pairs = tuple[tuple[str, str], ...]


def endpoints(server: AuthorizationServer, document: Mapping[str, object]) -> tuple[Pairs, Pairs]:
    """What every library asks for, and every other endpoint of the metadata document."""
    first = ("authorization_endpoint", "token_endpoint")
    shown = [
        ("Discovery URL", f"{server.issuer}/.well-known/openid-configuration"),
        ("Authorization endpoint", str(document["authorization_endpoint"])),
        ("Token endpoint", str(document["token_endpoint"])),
    ]
    rest = [name for name in document if name.endswith(("_endpoint", "_uri")) and name not in first]
    words = {"jwks_uri": "JWKS", "userinfo_endpoint": "UserInfo endpoint"}
    others = [("Issuer", server.issuer)]
    others += [(words.get(name, name.replace("_", " ").capitalize()), str(document[name])) for name in rest]
    others.append(("OAuth 2.0 metadata", f"{server.issuer}/.well-known/oauth-authorization-server"))
    return tuple(shown), tuple(others)


async def _page(visit: ConsoleVisit, client: Client, values: Mapping[str, str]) -> SettingsPage:
    document = await provider_metadata(visit.server)
    shown, others = endpoints(visit.server, document)
    algorithms: Any = document["id_token_signing_alg_values_supported"]
    return SettingsPage(
        seen=state_of(values_of(client)),
        title=client.name,
        lead=client.description,
        tabs=tabs(client, "Settings"),
        client=client,
        values=values,
        endpoints=shown,
        more_endpoints=others,
        secrets=await list_secrets(visit, client),
        new_secret=visit.secret,
        methods=tuple((name, METHODS.get(name, name)) for name in client.type.auth_methods),
        algorithms=tuple((name, name) for name in algorithms),
        profiles=PROFILES,
        subject_types=SUBJECT_TYPES,
        id_token_claims=ID_TOKEN_CLAIMS,
        opens_at=initiate_login_address(client, visit.server.issuer),
        panels=tuple(await visit.panels("application", client)),
        missing=tuple(missing(client)) if visit.may("applications:write") else (),
    )
