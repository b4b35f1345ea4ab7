"""APIs and their permissions. RFC 8707: the identifier is what applications name and tokens are for."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsoleView,
    ConsoleVisit,
    Link,
    Listing,
    Reach,
    Translated,
    alone,
    bump_version,
    changed_meanwhile,
    clients,
    console_get,
    console_post,
    count_reach,
    identifier_of,
    naming_mistakes,
    protected_resource_address,
    protected_resource_challenge,
    protected_resource_metadata,
    segment_of,
    state_of,
    transaction,
    typed_of,
    unchanged,
)

from .. import store
from ..naming import check_identifier

HERE = "/console/api-resources"
ONE = HERE + "/{resource:str}"
TEMPLATES = Path(__file__).parent.parent / "templates"
UP = Link("API resources", HERE)
FEW = 10  # of what uses an API are named
TAKEN = "There is an API with this identifier already."


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    identifier: str
    address: str
    permissions: int


@dataclass(kw_only=True)
class ResourceList(ConsoleView):
    template: ClassVar[str] = "api_resources/list.html"
    folder: ClassVar[Path | None] = TEMPLATES
    fragment: str = "table"
    listing: Listing
    rows: tuple[Row, ...]


@dataclass(kw_only=True)
class CreatePage(ConsoleForm):
    template: ClassVar[str] = "api_resources/create.html"
    folder: ClassVar[Path | None] = TEMPLATES


@dataclass(frozen=True, slots=True)
class Uses:
    """What uses an API: the first few by name, and how many more there are."""

    first: tuple[Link, ...]
    more: int


@dataclass(kw_only=True)
class ResourcePage(ConsoleForm):
    """`permissions` are names, descriptions and addresses: those of this page of the `listing`.

    `document` is what the API may publish at `published_at`, and `challenge` what it answers to a request without a
    token, so that clients which know nothing but its address find us (RFC 9728).
    """

    template: ClassVar[str] = "api_resources/resource.html"
    folder: ClassVar[Path | None] = TEMPLATES
    fragment: str = "table"
    address: str
    identifier: str
    listing: Listing
    permissions: tuple[tuple[str, str, str], ...]
    published_at: str
    document: str
    challenge: str
    roles: Uses
    applications: Uses


@dataclass(kw_only=True)
class DeletePage(ConsoleForm):
    """Deletes `what` ("API resource", "permission") that is `called` something and used by so many."""

    template: ClassVar[str] = "api_resources/delete.html"
    folder: ClassVar[Path | None] = TEMPLATES
    action: str
    back: str
    what: str
    called: str
    roles: int
    applications: int
    touched: Reach


@console_get(HERE, "api-resources:read")
async def list_resources(visit: ConsoleVisit) -> ResourceList:
    listing = Listing.of(visit, ("name",))
    found = [api for api in await store.list_apis() if listing.finds(api[0], api[1])]
    found = found[::-1] if listing.descending else found
    shown = found[listing.offset : listing.offset + listing.size]
    return ResourceList(
        title="API resources",
        lead="Your APIs and their permissions. Roles include them, and applications ask for them.",
        listing=replace(listing, total=len(found)),
        rows=tuple(Row(name, identifier, address_of(identifier), len(names)) for identifier, name, names in shown),
    )


@console_get(HERE + "/create", "api-resources:write")
async def show_create(visit: ConsoleVisit) -> CreatePage:
    return _create_page()


@console_post(HERE + "/create", "api-resources:write")
async def create(visit: ConsoleVisit) -> ConsoleDone | CreatePage:
    typed = visit.typed("name", "identifier", "description")
    errors = naming_mistakes(typed)
    try:
        check_identifier(typed["identifier"])
    except ValueError as error:
        errors["identifier"] = f"{error}."
    else:
        if await store.find_resource(typed["identifier"]):
            errors["identifier"] = TAKEN
    if errors:
        return _create_page().refused(errors, **typed)
    async with transaction():
        now = visit.server.now()
        if not await store.insert_resource(typed["identifier"], typed["name"], typed["description"], now):
            return _create_page().refused({"identifier": TAKEN}, **typed)  # somebody else was quicker
        await bump_version()
        await visit.changed("api_resource", "created", typed["identifier"], after=typed)
    return ConsoleDone(address_of(typed["identifier"]), f"{typed['name']} was created.")


@console_get(ONE, "api-resources:read")
async def show_resource(visit: ConsoleVisit, resource: str) -> ResourcePage:
    return await _page(visit, await find(resource))


@console_post(ONE, "api-resources:write")
async def save_resource(visit: ConsoleVisit, resource: str) -> ConsoleDone | ResourcePage:
    row = await find(resource)
    typed = visit.typed("name", "description", "token_lifetime", kept=row["name"])
    errors, text = naming_mistakes(typed), typed["token_lifetime"] or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text) <= 24 * 3600):
        errors |= {"token_lifetime": "A number of seconds up to 86400, or nothing for the usual one."}
    texts, in_others, wrong = visit.translations("name")
    errors |= wrong
    if errors := changed_meanwhile(visit.form, values_of(row), beside=errors):
        return (await _page(visit, row)).refused(errors, **typed, **in_others)
    name = Translated(typed["name"], texts)
    after = {
        "name": typed["name"],
        "name_translations": name.stored,
        "description": typed["description"],
        "token_lifetime": int(text),
    }
    before = {key: row[key] for key in after}
    if after != before:
        async with unchanged(row, partial(find, resource)):
            await store.save_resource(row["identifier"], name, typed["description"], int(text), 0)
            await bump_version()
            await visit.changed("api_resource", "updated", row["identifier"], before=before, after=after)
    return ConsoleDone(address_of(row["identifier"]), "Saved.")


@console_get(ONE + "/delete", "api-resources:write")
async def show_delete(visit: ConsoleVisit, resource: str) -> DeletePage:
    return await _delete_page(visit, await find(resource))


@console_post(ONE + "/delete", "api-resources:write")
async def delete(visit: ConsoleVisit, resource: str) -> ConsoleDone | DeletePage:
    row = await find(resource)
    page = await _delete_page(visit, row)
    if not visit.confirms(page.called):
        return page.refused({"confirm": "That is not its name."}, confirm=visit.form.get("confirm", ""))
    withdrawn = partial(visit.changed, "api_resource", "withdrawn", row["identifier"])
    await store.clear_api(visit.server, withdrawn, row["identifier"])
    async with alone():
        if not await store.delete_resource(visit.server, row["identifier"]):
            raise NotFoundException  # by somebody else in this very moment
        await visit.changed("api_resource", "deleted", row["identifier"], before={"name": row["name"]})
    return ConsoleDone(HERE, f"{row['name']} was deleted.")


def address_of(identifier: str) -> str:
    return f"{HERE}/{segment_of(identifier)}"


async def find(segment: str) -> dict[str, Any]:
    row = await store.find_resource(identifier_of(segment))
    if row is None:
        raise NotFoundException
    return row


def _create_page() -> CreatePage:
    return CreatePage(title="Create API resource", path=(UP,))


def values_of(row: Mapping[str, Any]) -> dict[str, str]:
    """As the form shows them."""
    return {
        **typed_of("name", Translated.load(row["name"], row["name_translations"])),
        "description": row["description"],
        "token_lifetime": str(row["token_lifetime"] or ""),
    }


async def _page(visit: ConsoleVisit, row: dict[str, Any]) -> ResourcePage:
    identifier, issuer = row["identifier"], visit.server.issuer
    address = address_of(identifier)
    permissions = await store.resource_permissions(identifier)
    scopes = list(permissions)
    listing = Listing.of(visit)
    found = [(name, text) for name, text in permissions.items() if listing.finds(name, text)]
    shown = found[listing.offset : listing.offset + listing.size]
    roles = await store.list_roles_with(identifier, limit=FEW + 1)
    applications = await clients.list_enabling(identifier, limit=FEW + 1)
    document = protected_resource_metadata(identifier, issuer=issuer, name=row["name"], scopes=scopes)
    return ResourcePage(
        title=row["name"],
        lead=row["identifier"],
        path=(UP,),
        address=address,
        identifier=identifier,
        published_at=protected_resource_address(identifier),
        document=json.dumps(document, indent=2),
        challenge=protected_resource_challenge(identifier),
        listing=replace(listing, address=address, total=len(found)),
        permissions=tuple((name, text, f"{address}/permissions/{segment_of(name)}") for name, text in shown),
        roles=await _uses(roles, "/console/roles", lambda: store.count_roles_with(identifier)),
        applications=await _uses(applications, "/console/applications", lambda: clients.count_enabling("", identifier)),
        seen=state_of(values_of(row)),
        values=values_of(row),
    )


async def _uses(found: list[tuple[str, str]], above: str, count: Callable[[], Awaitable[int]]) -> Uses:
    more = await count() - FEW if len(found) > FEW else 0
    return Uses(tuple(Link(name, f"{above}/{segment_of(key)}") for key, name in found[:FEW]), more)


async def _delete_page(visit: ConsoleVisit, row: dict[str, Any]) -> DeletePage:
    address = address_of(row["identifier"])
    return DeletePage(
        title=f"Delete {row['name']}",
        path=(UP, Link(row["name"], address)),
        action=f"{address}/delete",
        back=address,
        what="API resource",
        called=row["name"],
        roles=await store.count_roles_with(row["identifier"]),
        applications=await clients.count_enabling("api", row["identifier"]),
        touched=await count_reach(visit.server.now(), sources=["api"], resource=row["identifier"]),
    )
