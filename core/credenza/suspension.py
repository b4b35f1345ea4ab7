"""Suspending an account: what is open ends, and nobody signs in to it."""

from __future__ import annotations

from dataclasses import replace

from .administrators import hold_administrators
from .logout import end_all_sessions
from .server import AuthorizationServer
from .store import users
from .store.revocation import revoke_grants
from .store.users import User


async def suspend_user(server: AuthorizationServer, user: User) -> None:
    """The user is signed out everywhere, no token of theirs works, and no link sets a password for afterwards.

    Call it in a transaction. Raises LastAdministrator for the only one who may do everything.
    """
    await hold_administrators(user)
    now = server.now()
    await users.edit_user(replace(user, suspended=True, updated_at=now), ("suspended", "updated_at"))
    await end_all_sessions(server, user.id)
    await revoke_grants(now, user_id=user.id)
    await users.delete_invitations(user.id)
