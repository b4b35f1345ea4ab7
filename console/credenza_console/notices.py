"""What the next page says once: "Saved", or a new secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from credenza import AnyRequest, AnyResponse, AuthorizationServer, Session

from .cookies import SessionCookie

COOKIE = SessionCookie("notice", lifetime=120, samesite="strict")  # from the form to the page


@dataclass(frozen=True, slots=True)
class Notice:
    text: str = ""
    secret: Mapping[str, str] = field(default_factory=dict)


def leave(server: AuthorizationServer, session: Session, response: AnyResponse, notice: Notice) -> None:
    COOKIE.write(server, session, response, {"text": notice.text, "secret": dict(notice.secret)})


def take(server: AuthorizationServer, session: Session, request: AnyRequest) -> Notice | None:
    """The notice for this page, empty when it is old or somebody else's; None when there is none."""
    content = COOKIE.read(server, session, request)
    return Notice(**content) if content is not None else None
