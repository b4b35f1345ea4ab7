"""Switching an application off and on, and deleting it: first what it touches, then the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    Client,
    ConsoleDone,
    ConsoleVisit,
    Reach,
    clear_client,
    clients,
    console_get,
    console_post,
    transaction,
)

from .application import LISTS, ONE, ApplicationForm, address_of_client, back_to, find, touched


@dataclass(kw_only=True)
class AvailabilityPage(ApplicationForm):
    template: ClassVar[str] = "applications/availability.html"
    touched: Reach


@dataclass(kw_only=True)
class DeletePage(ApplicationForm):
    template: ClassVar[str] = "applications/delete.html"
    touched: Reach


@console_get(ONE + "/availability", "applications:write")
async def show_availability(visit: ConsoleVisit, application: str) -> AvailabilityPage:
    client = await find(visit, application)
    return AvailabilityPage(
        title=f"{'Disable' if client.enabled else 'Enable'} {client.name}",
        path=back_to(client),
        client=client,
        touched=await touched(visit, client),
    )


@console_post(ONE + "/availability", "applications:write")
async def save_availability(visit: ConsoleVisit, application: str) -> ConsoleDone:
    """Says what it shall be, not "the other way": a form that is posted twice does the same thing twice."""
    client = await find(visit, application)
    enabled = visit.form.get("enabled") == "on"
    await _switch(visit, client, enabled)
    return ConsoleDone(address_of_client(client.id), f"{client.name} is {'enabled' if enabled else 'disabled'}.")


async def _switch(visit: ConsoleVisit, client: Client, enabled: bool) -> None:
    async with transaction():
        changed = await clients.switch_client(client.id, enabled=enabled, now=visit.server.now())
        # One that is disabled with its host stays so when that is allowed, if an administrator has disabled it too.
        if changed or (client.self_registered and not enabled):
            await visit.changed(
                "application",
                "enabled" if enabled else "disabled",
                client.id,
                client=client.id,
                before={"enabled": enabled != changed},
                after={"enabled": enabled},
            )


@console_get(ONE + "/delete", "applications:write")
async def show_delete(visit: ConsoleVisit, application: str) -> DeletePage:
    return await _delete_page(visit, application)


@console_post(ONE + "/delete", "applications:write")
async def delete(visit: ConsoleVisit, application: str) -> ConsoleDone | DeletePage:
    page = await _delete_page(visit, application)
    client = page.client
    if not visit.confirms(client.name):
        errors = {"confirm": "That is not its name."}
        return page.refused(errors, confirm=visit.form.get("confirm", ""))
    await clear_client(client.id, lambda: _switch(visit, client, enabled=False))
    async with transaction():
        if not await clients.delete_client(client.id):
            raise NotFoundException  # by somebody else in this very moment
        await visit.changed(
            "application",
            "deleted",
            client.id,
            client=client.id,
            before={"name": client.name, "type": client.type.name, "third_party": client.third_party},
        )
    return ConsoleDone(LISTS[client.third_party][1], f"{client.name} was deleted.")


async def _delete_page(visit: ConsoleVisit, application: str) -> DeletePage:
    client = await find(visit, application)
    return DeletePage(
        title=f"Delete {client.name}", path=back_to(client), client=client, touched=await touched(visit, client)
    )
