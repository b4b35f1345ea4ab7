"""What the next page says once: "Saved", or a new secret. It travels in a cookie that only this server can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from credenza import AnyRequest, AnyResponse, AuthorizationServer, Session, Undecryptable

LIFETIME = 120  # seconds from the form to the page


@dataclass(frozen=True, slots=True)
class Notice:
    text: str = ""
    secret: Mapping[str, str] = field(default_factory=dict)


def leave(server: AuthorizationServer, session: Session, response: AnyResponse, notice: Notice) -> None:
    """Encrypted, and of no use in another session."""
    content = json.dumps({"text": notice.text, "secret": dict(notice.secret), "at": server.now()}, ensure_ascii=False)
    value = server.keyring.encrypt(content.encode(), place=_place(session))
    _set_cookie(server, response, value, LIFETIME)


def take(server: AuthorizationServer, session: Session, request: AnyRequest) -> Notice | None:
    """The notice for this page; None when there is none, or it is old or somebody else's."""
    cookie = request.cookies.get(_name(server), "")
    if not cookie:
        return None
    try:
        content = json.loads(server.keyring.decrypt(cookie, place=_place(session)))
    except (Undecryptable, ValueError):
        return Notice()
    if not 0 <= server.now() - content["at"] <= LIFETIME:
        return Notice()
    return Notice(content["text"], content["secret"])


def clear(server: AuthorizationServer, response: AnyResponse) -> None:
    _set_cookie(server, response, "", 0)


def _place(session: Session) -> str:
    return f"console notice/{session.id}"


def _name(server: AuthorizationServer) -> str:
    return "__Host-credenza_notice" if server.settings.secure else "credenza_notice"


def _set_cookie(server: AuthorizationServer, response: AnyResponse, value: str, max_age: int) -> None:
    response.set_cookie(
        key=_name(server), value=value, max_age=max_age, httponly=True, samesite="strict", secure=server.settings.secure
    )
