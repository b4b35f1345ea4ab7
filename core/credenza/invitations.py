"""Links with which somebody chooses a password: they work once."""

from __future__ import annotations

from .protocol.tokens import digest, new_token
from .server import AuthorizationServer
from .store.invitations import insert_invitation


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
