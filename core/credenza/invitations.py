"""Links with which somebody chooses a password: they work once."""

from __future__ import annotations

from .protocol.tokens import digest, new_token
from .protocol.words import Words
from .server import AuthorizationServer
from .store.invitations import insert_invitation
from .store.users import User

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


async def invite(server: AuthorizationServer, *, purpose: str, user_id: str | None, lifetime: int = 0) -> str:
    """A link that sets a password once: for a new user, or for the first administrator (without a user).

    It takes the place of older ones for the same purpose. `lifetime` is in seconds, the usual one when it is 0.
    """
    token = new_token("invitation")
    await insert_invitation(
        digest(token),
        purpose=purpose,
        user_id=user_id,
        now=server.now(),
        lifetime=lifetime or server.settings.invitation_lifetime,
    )
    return f"{server.issuer}/invitation/{token}"


def link_lifetime(server: AuthorizationServer, user: User) -> int:
    """Seconds for which a link to choose a password works: no longer than a day if it opens an account in use."""
    usual = server.settings.invitation_lifetime
    in_use = user.password_hash is not None or user.last_sign_in_at is not None  # from elsewhere, or with a passkey
    return min(DAY, usual) if in_use else usual


def how_long(lifetime: int) -> Words:
    """What is said beside a link that works once, for so many seconds, rounded down."""
    if lifetime >= 2 * DAY:
        return Words("The link works once, for %(days)s days.", days=lifetime // DAY)
    if lifetime >= 2 * HOUR:
        return Words("The link works once, for %(hours)s hours.", hours=lifetime // HOUR)
    return Words("The link works once, for %(minutes)s minutes.", minutes=lifetime // MINUTE)
