"""A new password: setting it ends what the old one opened, and somebody may be made to choose one.

NIST SP 800-63B §3.1.1.2: "a change of password if there is evidence of compromise".
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..events import PasswordChanged, PasswordChangeRequired
from ..logout import end_all_sessions
from ..protocol.parameters import Parameters
from ..protocol.words import Words
from ..server import AuthorizationServer
from ..store import users
from ..store.engine import database
from ..store.revocation import revoke_grants
from ..store.users import User
from .passwords import WeakPassword, check_new_password


async def set_password(
    server: AuthorizationServer,
    user: User,
    stored: str,
    *,
    through: str,
    address: str,
    actor: str = "",
    keep: str = "",
    sign_out: bool = True,
) -> None:
    """Whoever knew the old password is out: other sessions and all grants end, and so do links that set one.

    `actor` is who changed it, the user unless it is said. `keep` is a session that stays.
    """
    now = server.now()
    async with database().transaction():
        await users.update_password(user.id, stored, now)
        await users.delete_invitations(user.id)
        if sign_out:
            await end_all_sessions(server, user.id, but=keep)
        await revoke_grants(now, user_id=user.id)
        await server.emit(PasswordChanged(actor=actor or user.id, user=user.id, through=through, address=address))


async def require_new_password(
    server: AuthorizationServer,
    user: User,
    *,
    required: bool = True,
    reason: str = "administrator",
    actor: str = "",
    address: str = "",
    sign_out: bool = False,
) -> None:
    """Ask for a new password before anything else is done, from now on, or no longer.

    `reason` is "administrator" or "blocklist". With `sign_out` everything that is open ends too: sessions and tokens.
    """
    now = server.now()
    changed = replace(user, password_change_required=required, updated_at=now)
    async with database().transaction():
        await users.edit_user(changed, ("password_change_required", "updated_at"))
        if sign_out:
            await end_all_sessions(server, user.id)
            await revoke_grants(now, user_id=user.id)
        event = PasswordChangeRequired(
            actor=actor, user=user.id, address=address, required=required, reason=reason, signed_out=sign_out
        )
        await server.emit(event)


async def password_context(server: AuthorizationServer, *about: str) -> tuple[str, ...]:
    """Words that a password must not be built from: this service, and who it is for. SP 800-63B §3.1.1.2."""
    provider = (await server.provider_branding()).display_name
    return tuple(dict.fromkeys(word for text in (provider, *about) for word in re.split(r"[\s@._-]+", text) if word))


async def password_refusal(server: AuthorizationServer, form: Parameters, *about: str) -> tuple[str, str]:
    """Why a form that chooses a password, in `password` and `password_again`, is refused: the field, and a sentence.

    Both are empty when it can be taken. `about` is what the password must not be built from: who it is for.
    """
    chosen = form.get("password", "")
    try:
        check_new_password(chosen, server.settings, context=await password_context(server, *about))
    except WeakPassword as error:
        return "password", error.text
    if chosen != form.get("password_again", ""):
        return "password_again", Words("The two passwords are not the same.")
    return "", ""
