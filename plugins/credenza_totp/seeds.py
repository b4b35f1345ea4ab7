"""The seed of an authenticator app, the codes that follow from it, and the picture it is handed over with. RFC 6238."""

from __future__ import annotations

from hmac import compare_digest

import pyotp

from credenza import AuthorizationServer, Undecryptable, User

PERIOD = 30  # seconds of one time step
DRIFT = 1  # steps that the clock of a telephone may be ahead or behind


def new_seed() -> str:
    """160 random bits, in base 32. RFC 4226 §4."""
    return pyotp.random_base32()


def matching_step(seed: str, code: str, now: int, *, after: int = 0) -> int | None:
    """The time step that a code is for, if it is one around now and later than `after`. RFC 6238 §5.2."""
    totp = pyotp.TOTP(seed, interval=PERIOD)
    current = now // PERIOD
    matching = None
    for step in range(current - DRIFT, current + DRIFT + 1):
        if compare_digest(totp.at(step * PERIOD).encode(), code.encode()) and step > after:
            matching = step
    return matching


def address_of(seed: str, user: User, provider: str) -> str:
    """What the picture says, for an app on the very device that shows it: otpauth://…"""
    return pyotp.TOTP(seed).provisioning_uri(name=user.email or user.username, issuer_name=provider)


def picture(address: str) -> str:
    """A QR code as SVG to stand in a page: shapes and nothing else, so that it needs no style and no script."""
    import segno  # here: it draws once in an account's life

    svg: str = segno.make(address, error="m").svg_inline(scale=4, border=2, dark="#000", light="#fff", svgclass="qr")
    return svg


def sealed(server: AuthorizationServer, user: User, seed: str) -> str:
    """For a hidden field, between showing the picture and the first code: only this user's form opens it."""
    return server.keyring.encrypt(seed.encode(), place=f"a new authenticator app of {user.id}")


def unsealed(server: AuthorizationServer, user: User, text: str) -> str | None:
    try:
        return server.keyring.decrypt(text, place=f"a new authenticator app of {user.id}").decode()
    except (Undecryptable, ValueError):
        return None
