"""The section `unregistered` of the desired-state file: the ceiling of all such clients, and decisions about hosts."""

from __future__ import annotations

from typing import Any

from credenza import (
    StateError,
    StateMember,
    StateRun,
    StateSection,
    check_keys,
    check_web_uri,
    declared_permissions,
    host_of,
    shown_permissions,
)

from .ceiling import find_ceiling, save_ceiling
from .hosts import ALLOWED, BLOCKED, Decision, delete_decision, list_decisions, save_decision

MEMBERS = {"permissions": StateMember(dict), "hosts": StateMember(list, of=dict)}
HOST = {
    "host": StateMember(str, most=253, required=True),
    "decision": StateMember(str, required=True),
    "permissions": StateMember(dict),
}


async def _apply(part: Any, run: StateRun) -> None:
    members = check_keys(part or {}, MEMBERS, "unregistered")
    if "permissions" in members:
        await _apply_ceiling(run, members["permissions"])
    if "hosts" in members:
        await _apply_hosts(run, members["hosts"])


async def _apply_ceiling(run: StateRun, declared: Any) -> None:
    there = await find_ceiling()
    ceiling = await declared_permissions(run, "unregistered", declared, there)
    before = shown_permissions(there)

    async def write() -> None:
        await save_ceiling(ceiling)

    after = {"permissions": shown_permissions(ceiling)}
    await run.compare("provider", "unregistered clients", {"permissions": before}, after, write)


async def _apply_hosts(run: StateRun, items: list[Any]) -> None:
    known, named = await list_decisions(), set()
    for item in items:
        members = check_keys(item, HOST, "a host")
        host = members["host"]
        _check_host(host)
        if members["decision"] not in (ALLOWED, BLOCKED):
            raise StateError(f"{host}: decision is {ALLOWED} or {BLOCKED}")
        run.once("host", host)
        named.add(host)
        await _apply_host(run, known.get(host), members)
    for host in sorted(known.keys() - named) if run.prune else ():

        async def forget(host: str = host) -> None:
            await delete_decision(host, run.server.now())

        await run.change("deleted", "host", host, forget, before=_shown(known[host]))


def _check_host(host: str) -> None:
    """As the console shows it. Raises StateError."""
    try:
        check_web_uri(f"https://{host}")
        if host_of(f"https://{host}") != host:
            raise ValueError("A host has no scheme and no path.")
    except ValueError as error:
        raise StateError(f"{host}: {error}") from error


async def _apply_host(run: StateRun, before: Decision | None, members: Any) -> None:
    host = members["host"]
    ceiling = dict(before.ceiling) if before is not None else {}
    if "permissions" in members:
        ceiling = await declared_permissions(run, host, members["permissions"], ceiling)
    decision = Decision(host, members["decision"], ceiling, "", run.server.now())

    async def write() -> None:
        await save_decision(decision)

    await run.compare("host", host, _shown(before) if before is not None else None, _shown(decision), write)


def _shown(decision: Decision) -> dict[str, Any]:
    return {"decision": decision.decision, "permissions": shown_permissions(decision.ceiling)}


async def _export() -> dict[str, Any]:
    ceiling, decisions = await find_ceiling(), await list_decisions()
    hosts = [
        {"host": host, **{key: value for key, value in _shown(decisions[host]).items() if value}}
        for host in sorted(decisions)
    ]
    return ({"permissions": shown_permissions(ceiling)} if ceiling else {}) | ({"hosts": hosts} if hosts else {})


SECTION = StateSection("unregistered", 650, _apply, _export)
