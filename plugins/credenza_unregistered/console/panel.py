"""Panels: where an application came from, on its page; and on the overview, hosts that wait for a decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    Client,
    ConsoleDone,
    ConsolePanel,
    ConsoleView,
    ConsoleVisit,
    Link,
    Moment,
    clients,
    console_get,
    console_post,
    identifier_of,
    segment_of,
    unchanged,
)

from ..hosts import Decision, about, host_of_client, list_decisions, strays
from ..store import find_registration, list_waiting, mark_decided
from .addresses import TEMPLATES, address_of_host
from .inbox import Row, row_of

VOUCHING = "/console/applications/{application:str}/vouching"
SHOWN = 5


@dataclass(kw_only=True)
class OriginPanel(ConsoleView):
    """`vouched` when an administrator answers for this client, or for its host; `strays` are hosts that it leads to as
    well and that keep it from being allowed with its own.
    """

    template: ClassVar[str] = "unknown_applications/origin.html"
    folder: ClassVar[Path | None] = TEMPLATES
    address: str
    host: str
    host_address: str
    came: str
    since: Moment | None
    sender: str
    decision: Decision | None
    strays: list[str]
    vouched: bool


@dataclass(kw_only=True)
class VouchingPage(ConsoleView):
    template: ClassVar[str] = "unknown_applications/vouching.html"
    folder: ClassVar[Path | None] = TEMPLATES
    client: Client
    address: str


@dataclass(kw_only=True)
class WaitingPanel(ConsoleView):
    template: ClassVar[str] = "unknown_applications/waiting.html"
    folder: ClassVar[Path | None] = TEMPLATES
    rows: tuple[Row, ...]
    total: int


async def show_origin(visit: ConsoleVisit, client: Client) -> OriginPanel | None:
    if not client.self_registered:
        return None
    host = host_of_client(client)
    registration = await find_registration(client.id)
    decisions = await list_decisions()
    decision, own = about(decisions, client), decisions.get(host)
    return OriginPanel(
        title="Where it came from",
        address=f"/console/applications/{segment_of(client.id)}",
        host=host,
        host_address=address_of_host(host),
        came=str(client.metadata["registered_by"]),
        since=visit.moment(client.created_at),
        sender=str(registration["address"]) if registration is not None else "",
        decision=decision,
        strays=strays(decisions, client) if decision is None and own is not None else [],
        vouched=not client.unverified or (decision is not None and decision.allowed),
    )


async def show_waiting(visit: ConsoleVisit, _: None) -> WaitingPanel | None:
    found, total = await list_waiting(search="", offset=0, limit=SHOWN)
    if not found:
        return None
    return WaitingPanel(title="Unknown applications", rows=tuple(row_of(visit, row) for row in found), total=total)


@console_get(VOUCHING, "applications:write")
async def show_vouching(visit: ConsoleVisit, application: str) -> VouchingPage:
    client = await _find(visit, application)
    address = f"/console/applications/{segment_of(client.id)}"
    return VouchingPage(
        title=f"Vouch for {client.name}" if client.unverified else f"Doubt {client.name}",
        path=(Link(client.name, address),),
        client=client,
        address=address,
    )


@console_post(VOUCHING, "applications:write")
async def save_vouching(visit: ConsoleVisit, application: str) -> ConsoleDone:
    """Whether an administrator answers for this client: users then see its own name first, and no warning."""
    vouched, now = visit.form.get("vouched") == "on", visit.server.now()
    client = await _find(visit, application)
    async with unchanged(client, partial(clients.hold_client, client.id, visit.server.client_types)):
        new = await mark_decided(client.id, now if vouched else 0)
        metadata = {name: value for name, value in client.metadata.items() if name != "unverified"}
        changed = replace(client, metadata=metadata if vouched else {**metadata, "unverified": True})
        if new or changed != client:
            await clients.edit_client(changed, ("metadata",), now)
            await visit.changed("application", "vouched for" if vouched else "doubted", client.id, client=client.id)
    words = "is vouched for" if vouched else "is unverified again"
    return ConsoleDone(f"/console/applications/{segment_of(client.id)}", f"{client.name} {words}.")


async def _find(visit: ConsoleVisit, segment: str) -> Client:
    client = await clients.find_client(identifier_of(segment), visit.server.client_types)
    if client is None or not client.self_registered:
        raise NotFoundException
    return client


PANELS = [
    ConsolePanel(
        "Where it came from", "application", "applications:read", show_origin, (show_vouching, save_vouching), order=50
    ),
    ConsolePanel("Unknown applications", "overview", "applications:read", show_waiting, order=100),
]
