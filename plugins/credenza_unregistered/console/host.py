"""One host: its applications, and the decision about all of them. Allow, allow with permissions, block, or wait."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from litestar.exceptions import NotFoundException

from credenza import (
    Client,
    ConsoleDone,
    ConsoleForm,
    ConsoleView,
    ConsoleVisit,
    Link,
    Listing,
    Moment,
    Reach,
    changed_meanwhile,
    clients,
    console_get,
    console_post,
    count_reach,
    is_loopback,
    segment_of,
    state_of,
    unchanged,
    users,
)

from ..hosts import ALLOWED, BLOCKED, Decision, about, delete_decision, find_decision, list_decisions, save_decision
from ..store import count_under_host, list_of_host, summarize, under_host
from .addresses import HOST, TEMPLATES, UP, address_of_host, called, host_in
from .ceilings import GONE, Choices, catalogue, choices, chosen_ceiling, keys_of, ticked


@dataclass(frozen=True, slots=True)
class ClientRow:
    """`came` says how; `local` when it runs on the user's own machine, where any program can pose as it; `strays` when
    it is not allowed with its host, as it leads elsewhere, too.
    """

    id: str
    name: str
    address: str
    came: str
    redirect_uris: tuple[str, ...]
    local: bool
    enabled: bool
    decided: bool
    strays: bool


@dataclass(kw_only=True)
class HostView(ConsoleView):
    folder: ClassVar[Path | None] = TEMPLATES
    host: str
    address: str
    decision: Decision | None


@dataclass(kw_only=True)
class HostPage(HostView):
    """`seen` as in a ConsoleForm: each button is for the decision that stood beside it."""

    template: ClassVar[str] = "unknown_applications/host.html"
    seen: str
    rows: tuple[ClientRow, ...]
    listing: Listing
    permissions: tuple[str, ...]
    decided: Moment | None
    decided_by: str


@dataclass(kw_only=True)
class AllowPage(HostView, ConsoleForm):
    template: ClassVar[str] = "unknown_applications/allow.html"
    groups: Choices


@dataclass(kw_only=True)
class BlockPage(HostView, ConsoleForm):
    template: ClassVar[str] = "unknown_applications/block.html"
    count: int
    touched: Reach


@console_get(HOST, "applications:read")
async def show_host(visit: ConsoleVisit, host: str) -> HostPage:
    name = host_in(host)
    decisions = await list_decisions()
    decision = decisions.get(name)
    found = (await summarize([name])).get(name)
    if decision is None and found is None:
        raise NotFoundException
    listing = replace(Listing.of(visit), total=found.count if found is not None else 0)
    rows = [
        _row(visit, client, decided_at, strays=decision is not None and about(decisions, client) is None)
        for client_id, decided_at in await list_of_host(name, offset=listing.offset, limit=listing.size)
        if (client := await clients.find_client(client_id, visit.server.client_types)) is not None
    ]
    by = await users.find_user(decision.decided_by) if decision is not None else None
    return HostPage(
        title=called(name),
        path=(UP,),
        host=name,
        address=address_of_host(name),
        decision=decision,
        seen=state_of(_noted(decision)),
        rows=tuple(rows),
        listing=listing,
        permissions=tuple(sorted(p.scope for p in decision.ceiling)) if decision is not None else (),
        decided=visit.moment(decision.decided_at) if decision is not None else None,
        decided_by=by.display_name if by is not None else "",
    )


def _row(visit: ConsoleVisit, client: Client, decided_at: int, *, strays: bool) -> ClientRow:
    return ClientRow(
        id=client.id,
        name=client.name,
        address=f"/console/applications/{segment_of(client.id)}",
        came=str(client.metadata.get("registered_by", "")),
        redirect_uris=client.redirect_uris[:3],
        local=all(is_loopback(uri) for uri in client.redirect_uris),
        enabled=client.enabled,
        decided=bool(decided_at),
        strays=strays,
    )


@console_get(HOST + "/allow", "applications:write")
async def show_allow(visit: ConsoleVisit, host: str) -> AllowPage:
    name = _decidable(host)
    decision = await find_decision(name)
    chosen = decision.ceiling if decision is not None else ()
    return _allow_page(name, decision, choices(visit, await catalogue(visit), chosen))


@console_post(HOST + "/allow", "applications:write")
async def allow(visit: ConsoleVisit, host: str) -> ConsoleDone | AllowPage:
    """With the permissions that are ticked, which may be none: then what all may ask for is all."""
    name = _decidable(host)
    before, known = await find_decision(name), await catalogue(visit)
    wanted = chosen_ceiling(visit, known, before.ceiling if before is not None else {})
    errors = changed_meanwhile(visit.form, _noted(before), beside=GONE if wanted is None else {})
    if wanted is None or errors:
        return _allow_page(name, before, choices(visit, known, ticked(visit, known))).refused(errors)
    await _decide(visit, before, Decision(name, ALLOWED, wanted, visit.user.id, visit.server.now()))
    return ConsoleDone(address_of_host(name), f"{name} is allowed.")


@console_get(HOST + "/block", "applications:write")
async def show_block(visit: ConsoleVisit, host: str) -> BlockPage:
    return await _block_page(visit, _decidable(host))


@console_post(HOST + "/block", "applications:write")
async def block(visit: ConsoleVisit, host: str) -> ConsoleDone | BlockPage:
    """Its applications are switched off, tokens included, and no new one is taken."""
    name = _decidable(host)
    page = await _block_page(visit, name)
    errors = {"confirm": "That is not the host."} if page.touched.any and not visit.confirms(name) else {}
    if errors := changed_meanwhile(visit.form, _noted(page.decision), beside=errors):
        return page.refused(errors, confirm=visit.form.get("confirm", ""))
    await _decide(visit, page.decision, Decision(name, BLOCKED, {}, visit.user.id, visit.server.now()))
    return ConsoleDone(address_of_host(name), f"{name} is blocked.")


@console_post(HOST, "applications:write")
async def reconsider(visit: ConsoleVisit, host: str) -> ConsoleDone:
    """Undo the decision: the host waits again, and its applications get what all may ask for."""
    name = _decidable(host)
    before = await find_decision(name)
    if before is None:
        raise NotFoundException
    if changed_meanwhile(visit.form, _noted(before)):
        return ConsoleDone(address_of_host(name), "Nothing was changed: somebody has decided about it meanwhile.")
    async with unchanged(before, partial(find_decision, name)):
        await delete_decision(name, visit.server.now())
        await visit.changed("host", "undecided", name, before=_noted(before))
    return ConsoleDone(UP.address, f"{name} waits for a decision again.")


def _decidable(host: str) -> str:
    """Clients without a host of their own are decided about one by one. Raises NotFoundException."""
    name = host_in(host)
    if not name:
        raise NotFoundException
    return name


async def _decide(visit: ConsoleVisit, before: Decision | None, decision: Decision) -> None:
    async with unchanged(before, partial(find_decision, decision.host)):
        await save_decision(decision)
        await visit.changed(
            "host",
            decision.decision,
            decision.host,
            before=_noted(before),
            after=_noted(decision),
        )


def _noted(decision: Decision | None) -> dict[str, object]:
    """For the audit log; nothing where nobody decided."""
    return {} if decision is None else {"decision": decision.decision, "permissions": keys_of(decision.ceiling)}


def _allow_page(host: str, decision: Decision | None, groups: Choices) -> AllowPage:
    return AllowPage(
        title=f"Allow {host}",
        lead="Users then see its applications as known, including future ones. One that registered itself must have "
        "all of its addresses on allowed hosts for that.",
        path=(UP, Link(host, address_of_host(host))),
        host=host,
        address=address_of_host(host),
        decision=decision,
        seen=state_of(_noted(decision)),
        groups=groups,
    )


async def _block_page(visit: ConsoleVisit, host: str) -> BlockPage:
    decision = await find_decision(host)
    return BlockPage(
        title=f"Block {host}",
        path=(UP, Link(host, address_of_host(host))),
        host=host,
        address=address_of_host(host),
        decision=decision,
        seen=state_of(_noted(decision)),
        count=await count_under_host(host),
        touched=await count_reach(visit.server.now(), clients=under_host(host)),
    )
