"""What administrators decided about hosts: allowed (with permissions of their own), or blocked. PRODUCT.md §7."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from credenza import Cache, Client, ClientRow, Permission, bump_version, errors, host_of, transaction

from .ceiling import dumped, loaded, without
from .metadata import addresses
from .tables import HostDecision, Registration

ALLOWED, BLOCKED = "allowed", "blocked"


@dataclass(frozen=True, slots=True)
class Decision:
    """`ceiling` is what all clients of the host may ask for; the value says whether it is required."""

    host: str
    decision: str
    ceiling: Mapping[Permission, bool] = field(default_factory=dict)
    decided_by: str = ""
    decided_at: int = 0

    @property
    def allowed(self) -> bool:
        return self.decision == ALLOWED

    @property
    def blocked(self) -> bool:
        return self.decision == BLOCKED


def host_of_client(client: Client) -> str:
    """The host that stands for the client; empty when its redirect URIs name none, or several."""
    return str(client.metadata.get("host") or "")


class Decisions:
    """All of them in memory: administrators make them one by one."""

    def __init__(self) -> None:
        self._cache: Cache[Mapping[str, Decision]] = Cache()

    async def all(self) -> Mapping[str, Decision]:
        return await self._cache.get("hosts", list_decisions)


async def list_decisions() -> dict[str, Decision]:
    return {row["host"]: _decision(row) for row in await HostDecision.select()}


async def find_decision(host: str) -> Decision | None:
    row = await HostDecision.select().where(HostDecision.host == host).first() if host else None
    return _decision(row) if row else None


def _decision(row: Mapping[str, Any]) -> Decision:
    ceiling = loaded(json.loads(row["ceiling"]))
    return Decision(row["host"], row["decision"], ceiling, row["decided_by"], row["decided_at"])


def blocking(decisions: Mapping[str, Decision], uri: str) -> Decision | None:
    """The decision that blocks an address: that about its host and port, else about its host, whatever the port."""
    if not uri.startswith("https://"):
        return None
    host = host_of(uri)
    decision = decisions.get(host) or decisions.get(re.sub(":[0-9]+$", "", host))
    return decision if decision is not None and decision.blocked else None


def about(decisions: Mapping[str, Decision], client: Client) -> Decision | None:
    """What was decided about a client: to block any host that it comes from or leads to, else that about its own.

    That its host is allowed says nothing about one that leads elsewhere, too.
    """
    blocked = (blocking(decisions, uri) for uri in (client.id, *client.redirect_uris))
    decision = next((decision for decision in blocked if decision is not None), decisions.get(host_of_client(client)))
    return None if decision is not None and decision.allowed and strays(decisions, client) else decision


def strays(decisions: Mapping[str, Decision], client: Client) -> list[str]:
    """Hosts that it leads to and that are not allowed. Anybody registers a client with a redirect URI of somebody
    else's host; a metadata document is the word of its host, wherever it leads.
    """
    if client.id.startswith("https://"):
        return []
    hosts = {host_of(uri) if uri.startswith("https://") else uri for uri in addresses(client)}
    return sorted(host for host in hosts if host not in decisions or not decisions[host].allowed)


async def check_host(client: Client) -> None:
    """Raise InvalidClientMetadata for a client of a blocked host."""
    decision = about(await list_decisions(), client)
    if decision is not None and decision.blocked:
        raise errors.InvalidClientMetadata("An administrator of this server has blocked applications of this host.")


def under(decision: Decision | None, client: Client) -> Client:
    """The client as the decision about its host makes it."""
    if decision is None:
        return client
    if decision.blocked:
        return replace(client, enabled=False)
    metadata = {name: value for name, value in client.metadata.items() if name != "unverified"}
    return replace(client, metadata=metadata, ceiling={**decision.ceiling, **(client.ceiling or {})})


async def save_decision(decision: Decision) -> None:
    """From the next request on. The clients that are there are switched off or on with it, so that lists say so."""
    h = HostDecision
    values = {
        h.decision: decision.decision,
        h.ceiling: json.dumps(dumped(decision.ceiling)),
        h.decided_by: decision.decided_by,
        h.decided_at: decision.decided_at,
    }
    async with transaction():
        row = h({h.host: decision.host, **values})
        await h.insert(row).on_conflict(target=h.host, action="DO UPDATE", values=list(values.items()))
        await _switch(decision.host, on=not decision.blocked, now=decision.decided_at)
        await bump_version()


async def forget(source: str, resource: str, scope: str) -> None:
    """Permissions are deleted; see ClientSource.forget."""
    for decision in (await list_decisions()).values():
        if (left := without(decision.ceiling, source, resource, scope)) != decision.ceiling:
            await HostDecision.update({HostDecision.ceiling: json.dumps(dumped(left))}).where(
                HostDecision.host == decision.host
            )


async def delete_decision(host: str, now: int) -> None:
    """The host waits for a decision again; clients that it blocked work as they did before."""
    async with transaction():
        await HostDecision.delete().where(HostDecision.host == host)
        await _switch(host, on=True, now=now)
        await bump_version()


async def decided_by_itself(client_id: str) -> None:
    """An administrator has switched this client on or off, so the end of a block changes nothing about it."""
    r = Registration
    await r.update({r.blocked: False}).where((r.client == client_id) & r.blocked.eq(True))


async def _switch(host: str, *, on: bool, now: int) -> None:
    """One that an administrator has disabled by itself, before or since, is not switched on."""
    r, c = Registration, ClientRow
    of_host = r.select(r.client).where(r.host == host)
    if not on:
        # Clients first, in the order in which a client that changes itself is held.
        await c.update({c.updated_at: now}).where(c.id.is_in(of_host) & c.enabled.eq(True))
        enabled = c.select(c.id).where(c.enabled.eq(True))
        await r.update({r.blocked: True}).where((r.host == host) & r.client.is_in(enabled))
    marked = c.id.is_in(of_host.where(r.blocked.eq(True)))
    await c.update({c.enabled: on, c.updated_at: now}).where(marked & c.enabled.eq(not on))
    if on:
        await r.update({r.blocked: False}).where((r.host == host) & r.blocked.eq(True))
