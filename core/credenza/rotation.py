"""Rotation of signing keys: next → active → retired → gone; published before they sign, and as long as needed.

Also the emergency in which one that somebody else may have goes at once. OpenID Connect Core §10.1.1, SECURITY.md P-06.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext

from .events import SigningKeyMoved
from .repeating import repeated
from .server import AuthorizationServer
from .store import keys
from .store.engine import transaction
from .store.keys import StoredKey
from .store.version import bump_version

HOUR = 3600
DAY = 24 * HOUR
MARGIN = HOUR  # that a retired key stays beyond the longest token it signed
EVERY = 60.0  # seconds

FOLLOWING = {"next": "active", "active": "retired"}


async def plan_rotation(server: AuthorizationServer) -> list[tuple[StoredKey, str]]:
    """What a rotation would make of each key now: "active", "retired", or "gone"."""
    longest = max(server.settings.id_token_lifetime, DAY) + MARGIN
    unneeded = server.now() - longest
    return [
        (key, FOLLOWING.get(key.state) or ("gone" if (key.retired_at or 0) < unneeded else "retired"))
        for key in await keys.list_keys()
    ]


async def published_lately(server: AuthorizationServer) -> int | None:
    """When the key that a rotation makes sign was published, in Unix time; None when that was an hour ago or more.

    Applications fetch the key set now and then. Those that have not since then refuse what the key signs.
    """
    waiting = max((key.created_at for key in await keys.list_keys() if key.state == "next"), default=0)
    return waiting if server.now() - waiting < HOUR else None


async def rotate(server: AuthorizationServer, *, actor: str, unless_since: int | None = None) -> None:
    """The next keys become active, the active ones retire, new next keys are made, and old retired ones go.

    Nothing is done when somebody else did it after the moment `unless_since`.
    """
    current, now = await server.keys(), server.now()
    # An algorithm that left the settings goes on for the clients that chose it.
    algorithms = dict.fromkeys([*server.settings.signing_algorithms, *current.active])
    fresh = [await server.new_key(alg, "next") for alg in algorithms]
    async with transaction():
        await bump_version()  # whoever does it at the same moment waits here
        if unless_since is not None and await _last_rotation() > unless_since:
            return
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


async def revoke(server: AuthorizationServer, kid: str, *, actor: str) -> bool:
    """Take a key out of the key set at once; False when there is none. What it signed is believed by nobody any more.

    When it was the active one, the next one of its algorithm signs from now on, which applications know already.
    """
    key = next((key for key in await keys.list_keys() if key.kid == kid), None)
    if key is None:
        return False
    needed = ("active", "next") if key.state != "retired" else ()
    spare = [await server.new_key(key.alg, state) for state in needed]
    async with transaction():
        await bump_version()
        found = {each.kid: each for each in await keys.list_keys()}
        if found.pop(kid, None) is None:
            return False
        await keys.delete_key(kid)
        await server.emit(SigningKeyMoved(actor=actor, kid=kid, alg=key.alg, state="revoked"))
        left = {each.state: each for each in found.values() if each.alg == key.alg}
        if "active" not in left and "next" in left:
            left["active"] = left.pop("next")
            await keys.move_key(left["active"].kid, "active", server.now())
            await server.emit(SigningKeyMoved(actor=actor, kid=left["active"].kid, alg=key.alg, state="active"))
        for each in spare:
            if each.state not in left:
                await keys.insert_key(each)
                await server.emit(SigningKeyMoved(actor=actor, kid=each.kid, alg=each.alg, state=each.state))
    return True


def keep_rotated(server: AuthorizationServer) -> AbstractAsyncContextManager[None]:
    """Rotate every `signing_key_days`, if the settings say so."""
    if not server.settings.signing_key_days:
        return nullcontext()
    return repeated(server, rotate_when_due, every=EVERY, name="the rotation of the signing keys")


async def rotate_when_due(server: AuthorizationServer) -> None:
    due = server.now() - server.settings.signing_key_days * DAY
    if await _last_rotation() <= due:
        await rotate(server, actor="schedule", unless_since=due)


async def _last_rotation() -> int:
    """When the newest of the active keys began to sign."""
    return max(
        (key.activated_at or key.created_at for key in await keys.list_keys() if key.state == "active"), default=0
    )
