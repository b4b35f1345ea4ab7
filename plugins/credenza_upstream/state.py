"""The section `sign_in_providers` of the desired-state file. Secrets are compared, and never exported."""

from __future__ import annotations

from dataclasses import replace
from hmac import compare_digest
from typing import Any

from credenza import StateError, StateMember, StateRun, StateSection, bump_version, check_keys

from . import store
from .checks import mistakes
from .store import Upstream

MEMBERS = {
    "id": StateMember(str, required=True),
    "title": StateMember(str),
    "issuer": StateMember(str),
    "client_id": StateMember(str),
    "client_secret": StateMember(str),
    "scope": StateMember(str),
    "enabled": StateMember(bool, empty=True),
    "create_users": StateMember(bool),
}


async def _apply(items: Any, run: StateRun) -> None:
    named = set()
    for item in items or []:
        members = dict(check_keys(item, MEMBERS, "a sign-in provider"))
        named.add(str(members["id"]))
        await _apply_one(run, members)
    if not run.prune:
        return
    for upstream in await store.list_upstreams():
        if upstream.id not in named:

            async def write(key: str = upstream.id) -> None:
                await store.delete_upstream(key)
                await bump_version()

            await run.change("deleted", "sign-in provider", upstream.id, write, before=store.shown(upstream))


async def _apply_one(run: StateRun, members: dict[str, Any]) -> None:
    name, secret = members.pop("id"), members.pop("client_secret", "")
    run.once("sign-in provider", name)
    found = await store.find_upstream(name)
    before = found or Upstream(
        name, title=name, issuer="", client_id="", secret="", scope=store.SCOPE, enabled=True, create_users=False,
        created_at=run.server.now(),
    )  # fmt: skip
    after = replace(before, **{key: value for key, value in members.items() if value != ""})
    if found is not None and after.issuer != found.issuer:
        raise StateError(f"{name}: issuer: it stays, because links are to accounts of that one")
    if wrong := mistakes(name, {key: getattr(after, key) for key in ("title", "issuer", "client_id", "scope")}):
        member, message = next(iter(wrong.items()))
        raise StateError(f"{name}: {member}: {message}")
    shown_before, shown_after = (store.shown(found) if found is not None else None), store.shown(after)
    known = store.secret_of(run.server, before)
    if shown_before is not None and secret and not compare_digest(secret.encode(), known.encode()):
        shown_before["client_secret"], shown_after["client_secret"] = "…", "… (changed)"
    if secret:
        after = replace(after, secret=store.sealed_secret(run.server, name, secret))

    async def write() -> None:
        if found is None:
            await store.save_upstream(after)
        else:
            changed = [name for name in Upstream.__slots__ if getattr(after, name) != getattr(found, name)]
            await store.edit_upstream(after, changed)
        await bump_version()

    await run.compare("sign-in provider", name, shown_before, shown_after, write)


async def _export() -> list[dict[str, Any]]:
    found = sorted(await store.list_upstreams(), key=lambda upstream: upstream.id)
    return [{"id": upstream.id, **store.shown(upstream)} for upstream in found]


SECTION = StateSection("sign_in_providers", 690, _apply, _export)
