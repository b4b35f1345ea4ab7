"""The list of organizations, creating one, and its settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from credenza import (
    ConsoleDone,
    ConsoleForm,
    ConsoleView,
    ConsoleVisit,
    Link,
    Listing,
    Moment,
    changed_meanwhile,
    console_get,
    console_post,
    naming_mistakes,
    new_id,
    state_of,
    transaction,
    unchanged,
)

from .. import store
from .organization import LIST, ONE, TEMPLATES, OrganizationView, address_of, find, tabs


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    description: str
    address: str
    members: int
    suspended: bool
    created: Moment | None


@dataclass(kw_only=True)
class OrganizationList(ConsoleView):
    template: ClassVar[str] = "organizations/list.html"
    folder: ClassVar[Path | None] = TEMPLATES
    fragment: str = "table"
    listing: Listing
    rows: tuple[Row, ...]


@dataclass(kw_only=True)
class CreatePage(ConsoleForm):
    template: ClassVar[str] = "organizations/create.html"
    folder: ClassVar[Path | None] = TEMPLATES


@dataclass(kw_only=True)
class SettingsPage(OrganizationView, ConsoleForm):
    template: ClassVar[str] = "organizations/settings.html"
    created: Moment | None


@console_get(LIST, "organizations:read")
async def list_organizations(visit: ConsoleVisit) -> OrganizationList:
    listing = Listing.of(visit, ("name", "created_at"))
    rows = await store.list_organizations(
        search=listing.search,
        order=listing.order,
        descending=listing.descending,
        offset=listing.offset,
        limit=listing.size,
    )
    return OrganizationList(
        title="Organizations",
        lead="Customers and teams. All of them share one template of roles and permissions.",
        listing=replace(listing, total=await store.count_organizations(search=listing.search)),
        rows=tuple(
            Row(
                row["name"],
                row["description"],
                address_of(row["id"]),
                row["members"],
                bool(row["suspended"]),
                visit.moment(row["created_at"]),
            )
            for row in rows
        ),
    )


@console_get(LIST + "/create", "organizations:write")
async def show_create(visit: ConsoleVisit) -> CreatePage:
    return _create_page()


@console_post(LIST + "/create", "organizations:write")
async def create(visit: ConsoleVisit) -> ConsoleDone | CreatePage:
    typed = visit.typed("name", "description")
    if errors := naming_mistakes(typed):
        return _create_page().refused(errors, **typed)
    organization = new_id()
    async with transaction():
        await store.insert_organization(organization, {**typed, "suspended": False}, visit.server.now())
        await visit.changed("organization", "created", typed["name"], after={"id": organization, **typed})
    return ConsoleDone(address_of(organization), f"{typed['name']} was created.")


@console_get(ONE, "organizations:read")
async def show_organization(visit: ConsoleVisit, organization: str) -> SettingsPage:
    return _settings_page(visit, await find(organization))


@console_post(ONE, "organizations:write")
async def save_organization(visit: ConsoleVisit, organization: str) -> ConsoleDone | SettingsPage:
    row = await find(organization)
    typed = visit.typed("name", "description", kept=row["name"])
    before = {name: row[name] for name in typed}
    if errors := changed_meanwhile(visit.form, before, beside=naming_mistakes(typed)):
        return _settings_page(visit, row).refused(errors, **typed)
    if typed != before:
        async with unchanged(row, partial(find, organization)):
            await store.edit_organization(row["id"], typed)
            await visit.changed("organization", "updated", typed["name"], before=before, after=typed)
    return ConsoleDone(address_of(row["id"]), "Saved.")


def _create_page() -> CreatePage:
    return CreatePage(title="Create organization", path=(Link("Organizations", LIST),))


def _settings_page(visit: ConsoleVisit, row: dict[str, Any]) -> SettingsPage:
    return SettingsPage(
        title=row["name"],
        tabs=tabs(row, "Settings"),
        organization=row,
        seen=state_of({name: row[name] for name in ("name", "description")}),
        created=visit.moment(row["created_at"]),
        values={"name": row["name"], "description": row["description"]},
    )
