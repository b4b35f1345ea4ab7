"""Which accounts this browser has signed in to, in a cookie that nobody else can write. OWASP: device cookies.

Whoever guesses at an account makes every stranger wait, but not a browser in which its owner has signed in before.
"""

from __future__ import annotations

from ..server import AuthorizationServer
from ..settings import Settings
from .requests import AnyRequest, cookie_of, server_of
from .responses import AnyResponse, set_cookie

MOST = 5  # accounts that one browser is known for
LENGTH = 32  # characters: 128 bits
YEAR = 365 * 24 * 3600


def known_cookie_name(settings: Settings) -> str:
    return "__Host-credenza_known" if settings.secure else "credenza_known"


def account_name(server: AuthorizationServer, user_id: str) -> str:
    return server.keyring.keyed_name(f"browser of {user_id}")[:LENGTH]


def known_accounts(request: AnyRequest) -> tuple[str, ...]:
    """The names of accounts, as the browser brought them along; a wrong one is no account's."""
    cookie = cookie_of(request, known_cookie_name(server_of(request).settings))
    return tuple(name for name in cookie.split(".")[:MOST] if len(name) == LENGTH)


def remember_account(request: AnyRequest, response: AnyResponse, user_id: str) -> None:
    server = server_of(request)
    name = account_name(server, user_id)
    names = (name, *(other for other in known_accounts(request) if other != name))[:MOST]
    set_cookie(response, server.settings, known_cookie_name(server.settings), ".".join(names), max_age=YEAR)
