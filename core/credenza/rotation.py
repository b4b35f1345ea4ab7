"""Rotation of signing keys: next → active → retired → gone; published before they sign, and as long as needed."""

from __future__ import annotations

from .events import SigningKeyMoved
from .server import AuthorizationServer
from .store import keys
from .store.engine import transaction
from .store.keys import StoredKey
from .store.version import bump_version

MARGIN = 3600  # seconds that a retired key stays beyond the longest token it signed


FOLLOWING = {"next": "active", "active": "retired"}


async def plan_rotation(server: AuthorizationServer) -> list[tuple[StoredKey, str]]:
    """What a rotation would make of each key now: "active", "retired", or "gone"."""
    longest = max(server.settings.id_token_lifetime, 24 * 3600) + MARGIN
    unneeded = server.now() - longest
    return [
        (key, FOLLOWING.get(key.state) or ("gone" if (key.retired_at or 0) < unneeded else "retired"))
        for key in await keys.list_keys()
    ]


async def rotate(server: AuthorizationServer, *, actor: str) -> None:
    """The next keys become active, the active ones retire, new next keys are made, and old retired ones go."""
    current, now = await server.keys(), server.now()
    # An algorithm that left the settings goes on for the clients that chose it.
    algorithms = dict.fromkeys([*server.settings.signing_algorithms, *current.active])
    fresh = [await server.new_key(alg, "next") for alg in algorithms]
    async with transaction():
        await bump_version()
        for key, state in await plan_rotation(server):
            if state == key.state:
                continue
            if state == "gone":
                await keys.delete_key(key.kid)
            else:
                await keys.move_key(key.kid, state, now)
            await server.emit(SigningKeyMoved(actor=actor, kid=key.kid, alg=key.alg, state=state))
        for key in fresh:
            await keys.insert_key(key)
            await server.emit(SigningKeyMoved(actor=actor, kid=key.kid, alg=key.alg, state="next"))
