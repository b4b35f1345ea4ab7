"""Suspending and deleting an organization: first what it touches, then the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from litestar.exceptions import NotFoundException

from credenza import ConsoleDone, ConsoleForm, ConsoleVisit, Reach, console_get, console_post, count_reach, transaction

from .. import store
from .organization import LIST, ONE, OrganizationView, address_of, back_to, find


@dataclass(kw_only=True)
class SuspensionPage(OrganizationView, ConsoleForm):
    template: ClassVar[str] = "organizations/suspension.html"
    members: int
    touched: Reach


@dataclass(kw_only=True)
class DeletePage(OrganizationView, ConsoleForm):
    template: ClassVar[str] = "organizations/delete.html"
    members: int
    touched: Reach


@console_get(ONE + "/suspension", "organizations:write")
async def show_suspension(visit: ConsoleVisit, organization: str) -> SuspensionPage:
    row = await find(organization)
    title = f"{'Reactivate' if row['suspended'] else 'Suspend'} {row['name']}"
    return SuspensionPage(title=title, path=back_to(row), organization=row, **await _touched(visit, row))


@console_post(ONE + "/suspension", "organizations:write")
async def save_suspension(visit: ConsoleVisit, organization: str) -> ConsoleDone:
    """Nobody can choose a suspended organization, and tokens for it end."""
    row = await find(organization)
    suspended = visit.form.get("suspended") == "on"
    await _switch(visit, row, suspended=suspended)
    return ConsoleDone(address_of(row["id"]), f"{row['name']} was {'suspended' if suspended else 'reactivated'}.")


async def _switch(visit: ConsoleVisit, row: dict[str, Any], *, suspended: bool) -> None:
    async with transaction():
        if await store.switch_organization(row["id"], suspended=suspended):
            await visit.changed(
                "organization",
                "suspended" if suspended else "reactivated",
                row["name"],
                before={"suspended": not suspended},
                after={"suspended": suspended},
            )


@console_get(ONE + "/delete", "organizations:write")
async def show_delete(visit: ConsoleVisit, organization: str) -> DeletePage:
    return await _delete_page(visit, await find(organization))


@console_post(ONE + "/delete", "organizations:write")
async def delete(visit: ConsoleVisit, organization: str) -> ConsoleDone | DeletePage:
    row = await find(organization)
    if not visit.confirms(row["name"]):
        errors = {"confirm": "That is not its name."}
        return (await _delete_page(visit, row)).refused(errors, confirm=visit.form.get("confirm", ""))
    await store.clear_organization(row["id"], lambda: _switch(visit, row, suspended=True))
    async with transaction():
        if not await store.delete_organization(row["id"]):
            raise NotFoundException  # by somebody else in this very moment
        await visit.changed(
            "organization",
            "deleted",
            row["name"],
            before={"id": row["id"], "name": row["name"], "description": row["description"]},
        )
    return ConsoleDone(LIST, f"{row['name']} was deleted.")


async def _touched(visit: ConsoleVisit, row: dict[str, Any]) -> dict[str, Any]:
    touched = await count_reach(visit.server.now(), users=store.belonging(row["id"]), choice=row["id"])
    return {"members": await store.count_members(row["id"]), "touched": touched}


async def _delete_page(visit: ConsoleVisit, row: dict[str, Any]) -> DeletePage:
    return DeletePage(title=f"Delete {row['name']}", path=back_to(row), organization=row, **await _touched(visit, row))
