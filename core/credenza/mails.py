"""The mails that the core itself has a reason for."""

from __future__ import annotations

from .invitations import how_long, link_lifetime
from .objects import Mail
from .protocol.words import Words
from .server import AuthorizationServer
from .store.users import User


async def invitation_mail(server: AuthorizationServer, user: User, link: str) -> Mail:
    """A link with which somebody chooses a password for the first time, or a new one.

    Whoever has signed in may call themselves whatever they like: at an address that nobody has confirmed, it would be
    read as ours.
    """
    greets = user.email_verified or user.last_sign_in_at is None
    provider = (await server.provider_branding()).display_name
    assert user.email is not None
    return Mail(
        to=user.email,
        subject=Words("Your account at %(provider)s", provider=provider),
        lines=(
            *((Words("Hello %(name)s,", name=user.display_name),) if greets else ()),
            Words("There is an account for you. Choose a password, and you can sign in."),
            how_long(link_lifetime(server, user)),
        ),
        link=(Words("Choose a password"), link),
        language=language_of(user),
    )


def language_of(user: User) -> str:
    """What the user's profile says; English when it says nothing."""
    return str(user.profile.get("locale") or "en")
