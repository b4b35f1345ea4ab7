"""Mails that say how somebody signs in has changed, so that they notice what they did not do. OWASP ASVS V6.3.7."""

from __future__ import annotations

from collections.abc import Mapping

from credenza import (
    AuthorizationServer,
    EmailChanged,
    Event,
    FactorChanged,
    Listener,
    Mail,
    ObjectChanged,
    PasswordChanged,
    User,
    Words,
    language_of,
    users,
)

from .mailer import greeting

FACTORS: Mapping[tuple[str, str], str] = {
    ("totp", "added"): Words("An authenticator app was set up for your account."),
    ("totp", "removed"): Words("The authenticator app was removed from your account."),
    ("passkey", "added"): Words("A passkey was added to your account."),
    ("passkey", "removed"): Words("A passkey was removed from your account."),
    ("recovery-code", "used"): Words("A recovery code was used to sign in to your account."),
    ("recovery-code", "added"): Words("New recovery codes were made for your account."),
    ("upstream", "added"): Words("Another account was linked to yours, and can be used to sign in."),
    ("upstream", "removed"): Words("An account that was linked to yours was removed."),
}
RESET = Words("An administrator removed a second factor from your account.")


def listener(server: AuthorizationServer) -> Listener:
    async def notice(event: Event) -> None:
        said = _said(event)
        user = await users.find_user(event.user) if said else None
        if user is None or server.mailer is None:
            return
        provider = (await server.provider_branding()).display_name
        to = _address_before(event, user)
        if not to:
            return
        await server.send_mail(
            Mail(
                to=to,
                subject=Words("A change to your account at %(provider)s", provider=provider),
                lines=(
                    *greeting(user, to),
                    said,
                    Words("If this was you, there is nothing to do. If it was not, change your password now."),
                ),
                link=(Words("Check your account"), f"{server.issuer}/account/security"),
                language=language_of(user),
            )
        )

    return notice


def _address_before(event: Event, user: User) -> str | None:
    """Where they read what they are told, although that may be what was changed."""
    match event:
        case EmailChanged():
            return event.before
        case ObjectChanged(before={"email": email}):  # beside something else, by an administrator
            return str(email or "")
    return user.email


def _said(event: Event) -> str:
    match event:
        case PasswordChanged():
            return Words("Your password was changed.")
        case EmailChanged(after=""):
            return Words("The email address was removed from your account.")
        case EmailChanged() if event.before != event.after:  # or it was confirmed
            return Words("The email address of your account was changed to %(email)s.", email=event.after)
        case ObjectChanged(kind="user", action="updated", after={"username": str(username)}):
            return Words("Your username was changed to %(username)s.", username=username)
        case FactorChanged(action="reset"):
            return RESET
        case FactorChanged():
            return FACTORS.get((event.factor, event.action), "")
    return ""
